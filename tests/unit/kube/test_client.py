from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError
from kgents.api.kinds import AGENT
from kgents.kube import credentials
from kgents.kube.client import KubeClient
from kgents.kube.config import ExecPlugin
from kgents.kube.errors import AlreadyExists, ApiError, Conflict, Gone, Invalid
from tests.unit.kube.fake import FakeApi, agent, status


def refusal(code: int, reason: str = "", message: str = "no", **headers: str) -> web.Response:
    return web.json_response(status(code, reason, message), status=code, headers=headers)


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (404, "NotFound", NotFound),
        (403, "Forbidden", Refused),
        (401, "Unauthorized", Refused),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Gone),
        (422, "Invalid", Invalid),
        (500, "InternalError", ApiError),
    ],
)
async def test_each_answer_is_an_error_of_its_kind(
    api: KubeClient, fake: FakeApi, code: int, reason: str, kind: type[KgentsError]
) -> None:
    fake.answers.append(refusal(code, reason))
    with pytest.raises(kind) as caught:
        await api.get(AGENT, "scout", "lab")
    assert isinstance(caught.value, ApiError)
    assert (caught.value.status, caught.value.reason) == (code, reason)


async def test_an_answer_that_is_no_status_is_quoted(api: KubeClient, fake: FakeApi) -> None:
    fake.answers.append(web.Response(status=502, text="<html>Bad\nGateway</html>"))
    with pytest.raises(ApiError, match="<html>Bad Gateway</html>"):
        await api.get(AGENT, "scout", "lab")


async def test_a_list_joins_its_pages_and_fills_in_kinds(api: KubeClient, fake: FakeApi) -> None:
    fake.items = [agent(f"a{n}", n) for n in range(7)]
    listed = await api.list(AGENT, "lab", limit=3)
    assert [item["metadata"]["name"] for item in listed["items"]] == [f"a{n}" for n in range(7)]
    assert {(item["apiVersion"], item["kind"]) for item in listed["items"]} == {("kgents.io/v1", "Agent")}
    assert len(fake.queries) == 3


async def test_a_page_that_expired_is_made_good_by_a_whole_list(api: KubeClient, fake: FakeApi) -> None:
    fake.items = [agent(f"a{n}", n) for n in range(4)]
    first = {"metadata": {"continue": "2", "resourceVersion": "1"}, "items": fake.items[:2]}
    fake.answers += [web.json_response(first), refusal(410, "Expired")]
    listed = await api.list(AGENT, limit=2)
    assert len(listed["items"]) == 4


async def test_patience_is_shown_when_asked_for(api: KubeClient, fake: FakeApi) -> None:
    fake.answers.append(refusal(429, "TooManyRequests", **{"Retry-After": "0"}))
    assert (await api.list(AGENT))["items"] == []
    assert len(fake.requests) == 2


async def test_nothing_listening_is_unreachable_and_says_why(fake: FakeApi) -> None:
    await fake.stop()
    async with KubeClient(fake.config) as api:
        with pytest.raises(Unreachable, match=r"cannot reach http://127\.0\.0\.1:\d+ \(context fake\): .*refused"):
            await api.get(AGENT, "scout", "lab")
        assert not await api.ready()


async def test_silence_has_a_limit(fake: FakeApi, api: KubeClient) -> None:
    with pytest.raises(Unreachable, match=r"no answer after 0.05 s"):
        await api.request("GET", AGENT.path(), params={"watch": "true"}, timeout=0.05)


async def test_a_server_that_hangs_up_is_unreachable() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fake = FakeApi()
    async with server, KubeClient(replace(fake.config, server=f"http://127.0.0.1:{port}")) as api:
        with pytest.raises(Unreachable):
            await api.list(AGENT)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../pods"])
async def test_a_name_cannot_become_another_path(api: KubeClient, fake: FakeApi, name: str) -> None:
    with pytest.raises(UsageError):
        await api.delete(AGENT, name, "lab")
    assert fake.requests == []


async def test_odd_characters_are_quoted(api: KubeClient, fake: FakeApi) -> None:
    await api.get(AGENT, "a?b#c%2F", "lab")
    assert fake.requests[0].raw_path == "/apis/kgents.io/v1/namespaces/lab/agents/a%3Fb%23c%252F"


async def test_a_delete_carries_its_preconditions(api: KubeClient, fake: FakeApi) -> None:
    bodies: list[dict[str, object]] = []
    fake._answer = _recording(bodies)  # type: ignore[method-assign]
    await fake.stop()
    await fake.start()
    async with KubeClient(fake.config) as fresh:
        await fresh.delete(AGENT, "scout", "lab", uid="u", resource_version="7", propagation="Foreground")
    assert bodies[0]["preconditions"] == {"uid": "u", "resourceVersion": "7"}
    assert bodies[0]["propagationPolicy"] == "Foreground"


def _recording(bodies: list[dict[str, object]]) -> Callable[..., object]:
    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({})

    return answer


async def test_deleting_what_is_gone_may_be_fine(api: KubeClient, fake: FakeApi) -> None:
    fake.answers.append(refusal(404, "NotFound"))
    assert await api.delete(AGENT, "scout", "lab", missing_ok=True) is None


async def test_a_watch_raises_what_the_server_says(api: KubeClient, fake: FakeApi) -> None:
    fake.send("ADDED", agent("scout", 2))
    fake.send("ERROR", status(410, "Expired", "too old resource version"))
    seen = []
    with pytest.raises(Gone, match="too old"):
        async for event, obj in api.watch(AGENT, "lab", resource_version="1"):
            seen.append((event, obj["metadata"]["name"]))
    assert seen == [("ADDED", "scout")]


async def test_log_lines_come_whole(api: KubeClient, fake: FakeApi) -> None:
    fake.answers.append(web.Response(text="one\r\ntwo\nthree"))
    assert [line async for line in api.logs("scout-1", "lab", tail_lines=3)] == ["one", "two", "three"]
    assert fake.requests[0].query_string == "tailLines=3"


async def test_a_token_file_is_read_again_after_a_401(fake: FakeApi, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    async with KubeClient(replace(fake.config, token_file=str(token))) as api:
        await api.list(AGENT)
        token.write_text("new\n")
        fake.answers.append(refusal(401, "Unauthorized"))
        await api.list(AGENT)
    assert [request.headers["Authorization"] for request in fake.requests] == ["Bearer old", "Bearer old", "Bearer new"]


async def test_an_exec_plugin_gives_the_token(fake: FakeApi, tmp_path: Path) -> None:
    plugin = ExecPlugin("sh", ("-c", 'echo "{\\"status\\": {\\"token\\": \\"$WHO\\"}}"'), (("WHO", "me"),))
    async with KubeClient(replace(fake.config, token=None, exec=plugin)) as api:
        await api.list(AGENT)
    assert fake.requests[0].headers["Authorization"] == "Bearer me"


@pytest.mark.parametrize("script", ["exit 3", "echo nonsense", "echo '{}'", "echo '{\"status\": 5}'"])
async def test_a_plugin_that_fails_is_a_refusal(fake: FakeApi, script: str) -> None:
    made = credentials.Credentials(replace(fake.config, token=None, exec=ExecPlugin("sh", ("-c", script))))
    with pytest.raises(Refused, match="cannot get credentials from `sh`"):
        await made.headers()


async def test_a_plugin_that_is_not_there_is_a_refusal(fake: FakeApi) -> None:
    plugin = ExecPlugin("/no/such/program", install_hint="Install it")
    with pytest.raises(Refused, match="Install it"):
        await credentials.Credentials(replace(fake.config, token=None, exec=plugin)).headers()


async def test_certificates_that_are_none_are_told(fake: FakeApi) -> None:
    config = replace(fake.config, server="https://127.0.0.1:1", ca_data=b"no PEM")
    async with KubeClient(config) as api:
        with pytest.raises(KgentsError, match="certificates of context fake"):
            await api.list(AGENT)


async def test_who_is_refused_again_and_again_can_be_cancelled(api: KubeClient, fake: FakeApi) -> None:
    async def knock() -> None:
        while True:
            with contextlib.suppress(NotFound):
                await api.get(AGENT, "nobody", "lab")

    for _ in range(10):
        tasks = [asyncio.create_task(knock()) for _ in range(8)]
        await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)
        assert all(task.cancelled() for task in tasks)
