"""The watch of a whole hive, over a mirror and a hub that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cortex import hub, stream
from cortex.answers import Call, Event
from cortex.history import History
from cortex.hub import Change, Hub
from cortex.journal import Journal
from cortex.tables import Signals, Table
from kgents.api import rows
from kgents.api.errors import Refused, Unreachable
from kgents.api.kinds import Kind


class Informer:
    last_error: Exception | None = None


class World:
    """Its own mirror, and its own voices."""

    def __init__(self, folder: Path) -> None:
        self.mirror = self.voices = self
        self.hub = Hub()
        self.agents, self.proposals, self.signals = Table(rows.agent_row), Table(rows.proposal_row), Signals()
        self.history, self.journal = History(), Journal(folder)
        self.brakes: dict[str, Any] = {"frozen": False}
        self.informers = {name: Informer() for name in ("agents", "pheromones", "proposals")}
        self.blind = False
        self.required: list[set[str]] = []
        self.asked: list[str] = []
        self.unfollowed: bytes | None = None

    def now(self) -> float:
        return 1_800_000_000.0

    def require(self, *kinds: Kind) -> float:
        self.required.append({kind.plural for kind in kinds})
        if self.blind:
            raise Unreachable("Cortex has heard nothing")
        return 1.5

    @contextlib.contextmanager
    def heard(self, namespace: str) -> Iterator[None]:
        self.asked.append(namespace)
        try:
            yield
        finally:
            self.asked.remove(namespace)

    def skipped(self) -> bytes | None:
        return self.unfollowed

    def put(self, name: str, namespace: str = "d") -> None:
        self.agents.put((namespace, name), {"metadata": {"name": name, "namespace": namespace}})

    def change(self, name: str, resource: str = "agents", namespace: str = "d") -> None:
        self.hub.publish(Change("ADDED", resource, namespace, name, json.dumps({"name": name}).encode()))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextlib.asynccontextmanager
async def watching(world: World, namespace: str = "", **arguments: Any) -> AsyncIterator[AsyncIterator[Event]]:
    events = stream.whole(world, Call({}, arguments, namespace))  # type: ignore[arg-type]
    async with contextlib.aclosing(events), asyncio.timeout(30):
        yield events


async def initial(events: AsyncIterator[Event]) -> list[tuple[str, str]]:
    """(type, resource or name) up to the first SYNCED."""
    found: list[tuple[str, str]] = []
    while not found or found[-1][0] != "SYNCED":
        event = await anext(events)
        found.append((event.type, str(json.loads(event.item).get("name") or event.resource)))
    return found


async def test_all_that_is_there_comes_first(world: World) -> None:
    world.put("a")
    world.put("b", "other")
    world.signals.put(("d", "s"), {"metadata": {"name": "s", "namespace": "d"}, "spec": {"initialIntensity": 1}})
    world.journal.add({"name": "fact", "namespace": "d"})
    world.history.note(("d", "a"), 0.5)
    async with watching(world, "d") as events:
        found = await initial(events)
    assert [name for _, name in found] == ["brakes", "a", "fact", "a", ""]
    async with watching(world) as events:
        assert ("ADDED", "b") in await initial(events)


async def test_changes_follow_of_the_namespace_and_of_the_whole_hive(world: World) -> None:
    async with watching(world, "d") as events:
        await initial(events)
        world.change("far", namespace="other")
        world.change("unasked", "memories")
        world.change("word", "logs")
        world.change("near")
        world.change("fact", "witness")
        world.change("hive", "witness", "")
        world.change("brakes", "brakes", "kgents-system")
        found = [await anext(events) for _ in range(4)]
    assert [(one.type, json.loads(one.item)["name"]) for one in found] == [
        ("ADDED", "near"),
        ("ADDED", "fact"),
        ("ADDED", "hive"),
        ("BRAKES", "brakes"),
    ]


async def test_words_come_to_who_asks_for_them_and_only_as_long(world: World) -> None:
    world.unfollowed = b'{"name":"6 are not followed"}'
    async with watching(world, "d", logs=True) as events:
        assert ("ADDED", "6 are not followed") in await initial(events)
        world.change("elsewhere", "logs", "other")
        world.change("word", "logs")
        world.change("note", "logs", "")
        assert [json.loads((await anext(events)).item)["name"] for _ in range(2)] == ["word", "note"]
        assert world.asked == ["d"]
    assert world.asked == []
    assert not world.hub.readers


async def test_it_says_that_it_is_in_sync_however_much_or_little_happens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.02)
    async with watching(world) as events:
        await initial(events)
        quiet = await anext(events)
        assert (quiet.type, json.loads(quiet.item)) == ("SYNCED", {"ageSeconds": 1.5})
        found = []
        while found.count("SYNCED") < 3:
            world.change("busy")
            found.append((await anext(events)).type)
            await asyncio.sleep(0.001)
        assert "ADDED" in found


async def test_a_blind_mirror_ends_it_though_words_still_come(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.02)
    async with watching(world, logs=True) as events:
        await initial(events)
        world.blind = True
        with pytest.raises(Unreachable):
            while True:
                world.change("word", "logs")
                await anext(events)
                await asyncio.sleep(0.001)


async def test_a_reader_that_is_too_slow_is_told_to_begin_again(world: World) -> None:
    async with watching(world) as events:
        await initial(events)
        for number in range(3 * hub.CAPACITY):
            world.change(str(number))
        found = [event.type async for event in events if event.type != "SYNCED"]
    assert found == ["ADDED"] * hub.CAPACITY + ["RESYNC"]


async def test_what_the_user_may_not_read_is_not_waited_for(world: World) -> None:
    world.informers["proposals"].last_error = Refused("not for you")
    async with watching(world) as events:
        await initial(events)
    assert world.required[-1] == {"agents", "pheromones"}
