"""`kgents mcp` on the example hive, by the official client: over stdin and stdout, and over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.support.machine import KGENTS, Machine
from tests.support.waiting import eventually, eventually_async

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])
INFO = types.Implementation(name="a test client", version="1")
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def over_stdio(demo: Machine, mode: str = "auto", **more: Any) -> Client:
    server = StdioServerParameters(command=str(KGENTS), args=["mcp"], env=demo.environment)
    return Client(server, mode=mode, client_info=INFO, **more)


def raw(demo: Machine) -> subprocess.Popen[str]:
    """The server alone, after the greeting, for what no client does."""
    pipe = subprocess.PIPE
    server = subprocess.Popen([KGENTS, "mcp"], env=demo.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    say(server, HELLO)
    assert json.loads(server.stdout.readline())["result"]["serverInfo"]["name"] == "kgents"  # type: ignore[union-attr]
    say(server, READY)
    return server


def say(server: subprocess.Popen[str], message: object) -> None:
    assert server.stdin is not None
    server.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    server.stdin.flush()


def call(id: int, tool: str, **given: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": given}}


async def asked(client: Client, tool: str, **given: Any) -> dict[str, Any]:
    """The answer of a call. Fails the test when it fails."""
    result = await client.call_tool(tool, given)
    assert not result.is_error, result.content
    return dict(result.structured_content)


@pytest.fixture(scope="module")
def served(demo: Machine) -> Iterator[str]:
    """The address of a server over HTTP."""
    command = [KGENTS, "mcp", "--http", "127.0.0.1:0"]
    server = subprocess.Popen(command, env=demo.environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    told = server.stderr.readline()
    assert str(demo.home / "mcp" / "token") in told
    yield told.partition(" at ")[2].partition(";")[0]
    server.terminate()
    assert server.wait(30) is not None
    server.stderr.close()


@contextlib.asynccontextmanager
async def over_http(demo: Machine, url: str, mode: str = "auto", **more: Any) -> AsyncIterator[Client]:
    token = (demo.home / "mcp" / "token").read_text()
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60)
    transport = streamable_http_client(url, http_client=http)
    async with http, Client(transport, mode=mode, client_info=INFO, **more) as one:
        yield one


@MODES
async def test_a_client_looks_emits_and_proposes(demo: Machine, mode: str) -> None:
    async with over_stdio(demo, mode) as client:
        agents = await asked(client, "list_agents")
        assert {row["name"] for row in agents["items"]} >= {"worker", "library"}
        assert agents["hive"]["context"] == "kgents-laptop"

        log = await asked(client, "read_log", agent="library", lines=5)
        assert log["log"].startswith("<untrusted ") and log["total"] <= 5

        await asked(client, "emit_signal", type="OPPORTUNITY", payload=f"from {mode}")

        async def observed() -> bool:
            rows = (await asked(client, "observe_signals", type=["OPPORTUNITY"]))["items"]
            said = [row for row in rows if f"from {mode}" in str(row["payload"])]
            return bool(said) and "mcp:a test client" in said[0]["source"]

        await eventually_async(observed)

        more = {"spec": {"replicas": 2}}
        trial = await asked(client, "propose_change", target="moth", reason="a try", patch=more, dryRun=True)
        assert "replicas" in json.dumps(trial["items"]) and trial["items"][0]["level"] == "Low"
        wish = await asked(client, "propose_change", target="moth", reason="more light", delete=True, ttl="1h")
        made = wish["items"][0]["name"]

        async def weighed() -> bool:
            return bool((await asked(client, "show_proposal", proposal=made))["items"][0]["phase"] == "Blocked")

        await eventually_async(weighed)
        assert "more light" in (await asked(client, "explain_why", name=f"proposal/{made}"))["items"][0]["tree"]
        assert (await asked(client, "diff_proposal", proposal=made))["items"][0]["diff"]
    [row] = [one for one in demo.json("proposals")["items"] if one["name"] == made]
    assert row["via"] == "mcp:a test client" and row["proposer"] == "kubernetes-admin"


@MODES
async def test_what_is_subscribed_to_is_told_when_it_changes(demo: Machine, mode: str) -> None:
    told: list[str] = []

    async def hear(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.append(message.params.uri)

    async with over_stdio(demo, mode, message_handler=hear) as client, anyio.create_task_group() as tasks:

        async def emit() -> None:
            await client.call_tool("emit_signal", {"type": "WARNING", "payload": "again", "halfLife": "5s"})
            await asyncio.sleep(0.5)

        if mode == "legacy":
            await client.session.subscribe_resource("kgents://pheromones")
        else:

            async def listen() -> None:
                async with client.listen(resource_subscriptions=["kgents://pheromones"]) as events:
                    async for event in events:
                        told.append(event.uri)  # type: ignore[union-attr]

            tasks.start_soon(listen)

        async def heard() -> bool:
            await emit()
            return "kgents://pheromones" in told

        await eventually_async(heard)
        if mode == "legacy":
            await client.session.unsubscribe_resource("kgents://pheromones")
        tasks.cancel_scope.cancel()
    assert set(told) == {"kgents://pheromones"}


async def test_an_address_that_is_none_cannot_be_subscribed_to(demo: Machine) -> None:
    async with over_stdio(demo, "legacy") as client:
        with pytest.raises(MCPError, match="there is no resource"):
            await client.session.subscribe_resource("kgents://secrets")


async def test_two_clients_at_once_over_http(demo: Machine, served: str) -> None:
    async with over_http(demo, served, "auto") as one, over_http(demo, served, "legacy") as other:
        for _ in range(3):
            answers: list[Any] = []

            async def ask(client: Client, into: list[Any] = answers) -> None:
                into.append(await client.call_tool("list_agents", {}))

            async with anyio.create_task_group() as tasks:
                for client in (one, other) * 5:
                    tasks.start_soon(ask, client)
            assert len(answers) == 10 and not any(answer.is_error for answer in answers)


async def test_a_client_that_goes_away_takes_nobody_with_it(demo: Machine, served: str) -> None:
    async with over_http(demo, served) as stays:
        with anyio.move_on_after(30):
            async with over_http(demo, served) as goes, anyio.create_task_group() as tasks:
                tasks.start_soon(goes.call_tool, "read_audit", {})
                await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        assert not (await stays.call_tool("list_agents", {})).is_error


async def test_http_lets_in_who_bears_the_token_and_asks_for_this_host(demo: Machine, served: str) -> None:
    file = demo.home / "mcp" / "token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    good = {"Authorization": f"Bearer {file.read_text()}", "Accept": "application/json, text/event-stream"}
    refused = {
        401: [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic " + file.read_text()}],
        421: [good | {"Host": "rebound.example"}],
        403: [good | {"Origin": "http://rebound.example"}],
        200: [good, good | {"Origin": served.removesuffix("/mcp")}],
    }
    async with httpx2.AsyncClient(timeout=60) as http:
        for status, attempts in refused.items():
            for headers in attempts:
                assert (await http.post(served, json=HELLO, headers=headers)).status_code == status, headers
        assert (await http.get(served)).status_code == 401
        assert (await http.post(served, content=b"x" * 5_000_000, headers=good)).status_code == 413


async def test_without_cortex_others_answer_and_when_it_is_back_it_does(demo: Machine) -> None:
    async with over_stdio(demo) as client:

        async def by_cortex() -> bool:
            return bool((await asked(client, "list_agents"))["source"]["layer"] == "cortex")

        await eventually_async(by_cortex)
        pid = demo.pid("cortex")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert (await asked(client, "list_agents"))["total"] >= 5

        async def is_back() -> bool:
            return demo.pid("cortex") not in (None, pid) and await by_cortex()

        await eventually_async(is_back)


def test_nothing_but_the_protocol_on_stdout_whatever_comes_in(demo: Machine) -> None:
    server = raw(demo)
    for nonsense in ("", "{", "null", "[]", '{"jsonrpc": "2.0"}', "\x00\xff", "x" * 100_000):
        say(server, nonsense)
    say(server, {"jsonrpc": "2.0", "id": 5, "method": "no/such"})
    say(server, call(6, "show_agent", agent={"a": []}))
    say(server, {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": 7}})
    say(server, call(8, "hive_status"))
    by_id: dict[Any, Any] = {}
    while not by_id.keys() >= {5, 6, 7, 8}:
        answer = json.loads(server.stdout.readline())  # type: ignore[union-attr]
        assert answer["jsonrpc"] == "2.0"
        by_id[answer.get("id")] = answer
    assert server.communicate(timeout=60)[0] == ""
    assert "error" in by_id[5] and "error" in by_id[7] and by_id[6]["result"]["isError"]
    assert server.returncode == 0


def test_it_ends_when_stdin_does_with_calls_and_a_subscription_under_way(demo: Machine) -> None:
    server = raw(demo)
    subscribe = {"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe", "params": {"uri": "kgents://agents"}}
    say(server, subscribe)
    assert json.loads(server.stdout.readline())["id"] == 2  # type: ignore[union-attr]
    for id in range(10, 20):
        say(server, call(id, "read_log", agent="worker"))
    server.communicate(timeout=30)
    assert server.returncode == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_though_nobody_types(demo: Machine, sign: signal.Signals) -> None:
    server = raw(demo)
    server.send_signal(sign)
    assert server.wait(30) == -sign
    server.communicate()


def test_a_cancelled_call_is_over_and_the_next_is_answered(demo: Machine) -> None:
    server = raw(demo)
    say(server, call(2, "read_log", agent="worker"))
    say(server, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}})
    say(server, call(3, "list_agents"))
    assert server.stdout is not None
    seen = eventually(lambda: json.loads(server.stdout.readline()))  # type: ignore[union-attr]
    while seen["id"] != 3:
        seen = json.loads(server.stdout.readline())
    assert not seen["result"]["isError"]
    server.communicate(timeout=30)


def test_what_config_prints_starts_a_server(demo: Machine, tmp_path: Path) -> None:
    said = json.loads(demo("mcp", "--config"))["mcpServers"]["kgents"]
    assert said["args"] == ["mcp", "--context", "kgents-laptop"]
    done = subprocess.run(
        [said["command"], *said["args"]],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **said["env"]},
        input="".join(json.dumps(one) + "\n" for one in (HELLO, READY)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "kgents"


def test_a_person_who_starts_it_is_told_what_it_is_for(demo: Machine) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader), os.fdopen(follower):
        done = subprocess.run([KGENTS, "mcp"], env=demo.environment, stdin=follower, capture_output=True, text=True)
    assert done.returncode == 2 and "kgents mcp --config" in done.stderr


async def test_when_the_hive_is_stopped_the_ghost_answers_and_says_so(demo: Machine) -> None:
    async with over_stdio(demo) as client:
        assert not (await client.call_tool("list_agents", {})).is_error
        demo("infra", "stop")
        try:
            answer = (await client.call_tool("list_agents", {})).structured_content
            assert answer["source"]["layer"] == "ghost" and "Not live" in answer["note"] and answer["total"] >= 5
            refused = await client.call_tool("emit_signal", {"type": "WARNING"})
            assert refused.is_error and "Nothing answers" in refused.content[0].text  # type: ignore[union-attr]
        finally:
            demo("infra", "start")
