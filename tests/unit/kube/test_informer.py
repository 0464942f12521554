from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from kgents.api.errors import Unreachable
from kgents.api.kinds import AGENT
from kgents.kube import informer as informer_module
from kgents.kube.backoff import Backoff
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer
from tests.support.waiting import eventually_async
from tests.unit.kube.fake import FakeApi, agent, status

Seen = list[tuple[str, str]]


def mirror(api: KubeClient, seen: Seen | None = None) -> Informer:
    made = Informer(api, AGENT, "lab", backoff=Backoff(0.01, 0.05))
    if seen is not None:
        made.on_change(lambda event, obj: seen.append((event, obj["metadata"]["name"])))
    return made


async def until(condition: Any) -> None:
    async def look() -> bool:
        return bool(condition())

    await eventually_async(look)


async def test_the_list_is_told_before_it_counts_as_synced(api: KubeClient, fake: FakeApi) -> None:
    fake.items = [agent("a", 1), agent("b", 2)]
    seen: Seen = []
    async with mirror(api, seen) as informer:
        await informer.wait_synced()
        assert seen == [("ADDED", "a"), ("ADDED", "b")]
        assert set(informer.store) == {("lab", "a"), ("lab", "b")}


async def test_events_change_the_store_and_reach_the_handlers(api: KubeClient, fake: FakeApi) -> None:
    fake.items = [agent("a", 1)]
    updates: list[tuple[str, str]] = []
    seen: Seen = []
    informer = mirror(api, seen)
    informer.on_updated(lambda old, new: updates.append((old["metadata"]["resourceVersion"], new["spec"]["genus"])))
    async with informer:
        fake.send("MODIFIED", agent("a", 2, genus="B"))
        fake.send("ADDED", agent("b", 3))
        fake.send("DELETED", agent("a", 4))
        await until(lambda: ("DELETED", "a") in seen)
        assert updates == [("1", "B")]
        assert list(informer.store) == [("lab", "b")]
        assert "managedFields" not in informer.store["lab", "b"]["metadata"]


async def test_a_watch_that_ends_is_resumed_where_it_was(api: KubeClient, fake: FakeApi) -> None:
    seen: Seen = []
    async with mirror(api, seen):
        fake.send("BOOKMARK", {"metadata": {"resourceVersion": "40"}})
        fake.end_watch()
        fake.send("ADDED", agent("a", 41))
        await until(lambda: seen)
    watches = [query["resourceVersion"] for query in fake.queries if "watch" in query]
    assert watches[:2] == ["1", "40"]


async def test_a_version_too_old_is_answered_by_a_new_list_and_its_differences(api: KubeClient, fake: FakeApi) -> None:
    fake.items = [agent("a", 1), agent("b", 1), agent("same", 1)]
    seen: Seen = []
    async with mirror(api, seen) as informer:
        await informer.wait_synced()
        seen.clear()
        fake.items, fake.version = [agent("b", 5), agent("c", 6), agent("same", 1)], 6
        fake.send("ERROR", status(410, "Expired"))
        await until(lambda: len(seen) == 3)
        assert seen == [("DELETED", "a"), ("MODIFIED", "b"), ("ADDED", "c")]


async def test_another_object_of_the_same_name_is_a_deletion_and_an_addition(api: KubeClient, fake: FakeApi) -> None:
    fake.items = [agent("a", 1)]
    seen: Seen = []
    async with mirror(api, seen) as informer:
        await informer.wait_synced()
        reborn = agent("a", 9)
        reborn["metadata"]["uid"] = "another"
        fake.items = [reborn]
        fake.send("ERROR", status(410, "Expired"))
        await until(lambda: len(seen) == 3)
        assert seen[1:] == [("DELETED", "a"), ("ADDED", "a")]


async def test_it_outlives_its_server(api: KubeClient, fake: FakeApi) -> None:
    seen: Seen = []
    async with mirror(api, seen) as informer:
        await informer.wait_synced()
        await fake.stop()
        await until(lambda: informer.last_error and not informer.connected)
        fake.events = asyncio.Queue()
        fake.send("ADDED", agent("a", 2))
        await fake.start()
        await until(lambda: seen)
        assert informer.connected
        assert informer.last_error is None


async def test_it_starts_before_its_server_does(fake: FakeApi) -> None:
    await fake.stop()
    async with KubeClient(fake.config) as api, mirror(api) as informer:
        await until(lambda: informer.last_error)
        fake.items = [agent("a", 1)]
        await fake.start()
        await informer.wait_synced()
        assert informer.get("lab", "a") is not None


async def test_waiting_for_a_server_that_is_not_there_says_why(fake: FakeApi) -> None:
    await fake.stop()
    async with KubeClient(fake.config) as api, mirror(api) as informer:
        await until(lambda: informer.last_error)
        with pytest.raises(Unreachable, match=r"no list of agents after 0.01 s: cannot reach"):
            await informer.wait_synced(0.01)


@pytest.mark.parametrize("turns", range(4))
async def test_who_is_cancelled_while_the_list_comes_stays_cancelled(api: KubeClient, turns: int) -> None:
    informer = mirror(api)

    async def work() -> None:
        await informer.wait_synced()
        await asyncio.Event().wait()

    waiting = asyncio.create_task(work())
    await asyncio.sleep(0)
    informer.synced.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    done, _ = await asyncio.wait({waiting}, timeout=10)
    assert done and waiting.cancelled()


async def test_a_handler_that_fails_stops_nothing(api: KubeClient, fake: FakeApi) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    fake.items = [agent("a", 1)]
    seen: Seen = []
    informer = Informer(api, AGENT)
    informer.on_added(lambda obj: obj["no such field"])
    informer.on_change(lambda event, obj: seen.append((event, obj["metadata"]["name"])))
    async with informer:
        await informer.wait_synced()
    assert seen == [("ADDED", "a")]
    assert isinstance(reported[0]["exception"], KeyError)


async def test_garbage_in_the_stream_is_survived(api: KubeClient, fake: FakeApi) -> None:
    seen: Seen = []
    async with mirror(api, seen):
        fake.events.put_nowait({"no": "event"})
        fake.end_watch()
        fake.send("ADDED", agent("a", 2))
        await until(lambda: seen)


async def test_while_nothing_happens_contact_is_kept_up(
    api: KubeClient, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informer_module, "HEARTBEAT", 0.01)
    async with mirror(api) as informer:
        await informer.wait_synced()
        first = informer.last_contact
        await until(lambda: informer.last_contact != first and informer.connected)


async def test_a_list_that_is_refused_is_tried_again(api: KubeClient, fake: FakeApi) -> None:
    fake.answers.append(web.json_response(status(403, "Forbidden", "not yet"), status=403))
    async with mirror(api) as informer:
        await informer.wait_synced()
