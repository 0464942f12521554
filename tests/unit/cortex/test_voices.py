"""The agents' words: whose are followed, from where on, and how much of them. Mirror and logs are the test's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from cortex import voices
from cortex.bodies import Bodies
from cortex.hub import Change, Hub
from cortex.voices import Voices
from kgents.api import times
from kgents.api.errors import Unreachable
from kgents.api.kinds import AGENT_LABEL
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer

NOW = 1_800_000_000.0


class World:
    """Pods with one container each; `says` is what a container writes before it goes on for ever, or ends."""

    def __init__(self) -> None:
        self.mirror = self.api = self
        self.hub = Hub()
        self.store: dict[tuple[str, str], dict[str, Any]] = {}
        self.bodies = Bodies(cast(KubeClient, self), cast(Informer, self))
        self.activity: dict[str, float] = {}
        self.says: dict[str, Callable[[], list[str]]] = {}
        self.ends: set[str] = set()
        self.broken: set[str] = set()
        self.opened: list[tuple[str, int | None]] = []
        self.open = 0

    def now(self) -> float:
        return NOW

    def busy(self, namespace: str, agent: str) -> float:
        return self.activity.get(agent, 0.0)

    def start(self, agent: str, id: str = "c1", namespace: str = "d", phase: str = "Running") -> None:
        self.store[(namespace, agent)] = {
            "metadata": {"name": f"{agent}-pod", "namespace": namespace, "labels": {AGENT_LABEL: agent}},
            "status": {"phase": phase, "containerStatuses": [{"name": "main", "containerID": id}]},
        }

    async def logs(self, pod: str, namespace: str, *, tail_lines: int | None, **_: Any) -> AsyncIterator[str]:
        agent = pod.removesuffix("-pod")
        self.opened.append((agent, tail_lines))
        if agent in self.broken:
            raise Unreachable("the node is away")
        self.open += 1
        try:
            for line in self.says.get(agent, lambda: [f"{agent} speaks"])():
                yield line
            if agent not in self.ends:
                await asyncio.Event().wait()
        finally:
            self.open -= 1


class Reader:
    """What comes over the hub."""

    def __init__(self, world: World) -> None:
        self.rows: list[dict[str, Any]] = []
        world.hub.listeners.append(self._hear)

    def _hear(self, change: Change) -> None:
        assert change.resource == "logs"
        self.rows.append(json.loads(change.row))

    def lines(self) -> list[str]:
        return [row["line"] for row in self.rows if "skipped" not in row]

    def skipped(self) -> list[int]:
        return [row["skipped"] for row in self.rows if "skipped" in row]


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    for name in ("LOOK", "AGAIN", "REST"):
        monkeypatch.setattr(voices, name, 0.01)
    return World()


@pytest.fixture
def reader(world: World) -> Reader:
    return Reader(world)


def followed(world: World) -> Voices:
    return Voices(world, world)  # type: ignore[arg-type]


async def test_logs_are_followed_only_while_somebody_listens(world: World, reader: Reader) -> None:
    world.start("scout")
    followers = followed(world)
    with followers.heard("d"), followers.heard("d"):
        await until(reader.lines)
        assert (reader.lines(), world.opened) == (["scout speaks"], [("scout", voices.TAIL)])
    await until(lambda: world.open == 0)
    with followers.heard(""):
        await until(lambda: len(reader.lines()) == 2)


async def test_a_row_says_who_wrote_it_where_and_when_and_holds_no_secret(world: World, reader: Reader) -> None:
    world.says["scout"] = lambda: ["2027-01-15T08:00:00.123456789Z password=hush \x1b[31m" + "x" * 9000]
    world.start("scout")
    with followed(world).heard("d"):
        await until(reader.rows.__len__)
    [row] = reader.rows
    line = row.pop("line")
    assert row == {
        "namespace": "d",
        "agent": "scout",
        "pod": "scout-pod",
        "container": "main",
        "at": "2027-01-15T08:00:00.123457Z",
    }
    assert "hush" not in line
    assert len(line) < voices.LINE_MAX + 20


async def test_only_the_namespaces_that_are_asked_for_are_followed(world: World, reader: Reader) -> None:
    world.start("near")
    world.start("far", namespace="e")
    world.start("done", phase="Succeeded")
    with followed(world).heard("d"):
        await until(reader.lines)
        await until(lambda: world.open == 1)
    assert world.opened == [("near", voices.TAIL)]


async def test_the_busiest_are_followed_and_it_is_said_how_many_are_not(world: World, reader: Reader) -> None:
    for number in range(voices.AGENTS + 6):
        world.start(f"a{number}")
    world.activity["a69"] = 0.9
    followers = followed(world)
    with followers.heard(""):
        await until(lambda: world.open == voices.AGENTS)
        assert (reader.skipped(), "a69 speaks" in reader.lines()) == ([6], True)
        assert json.loads(followers.skipped() or b"")["skipped"] == 6
        world.activity["a68"] = 0.05
        await until(lambda: len(world.opened) >= voices.AGENTS)
        assert "a68" not in dict(world.opened)
        world.activity["a68"] = 0.5
        await until(lambda: "a68 speaks" in reader.lines())
        await until(lambda: world.open == voices.AGENTS)
        for number in range(10):
            del world.store[("d", f"a{number}")]
        await until(lambda: reader.skipped()[-1] == 0)
    assert followers.skipped() is None


async def test_a_container_that_starts_again_is_read_again_and_no_start_twice(world: World, reader: Reader) -> None:
    world.ends.add("scout")
    world.start("scout", "c1")
    with followed(world).heard(""):
        await until(reader.lines)
        world.start("scout", "c2")
        await until(lambda: len(reader.lines()) == 2)
        world.start("later")
        await until(lambda: len(reader.lines()) == 3)
    assert world.opened == [("scout", voices.TAIL), ("scout", voices.OPENING), ("later", voices.TAIL)]


async def test_who_writes_too_fast_is_heard_in_part_and_others_all_the_same(world: World, reader: Reader) -> None:
    written = iter(range(1_000_000))
    world.says["loud"] = lambda: [f"{times.to_micro_text(NOW + next(written))} shout" for _ in range(1000)]
    world.start("loud")
    world.start("quiet")
    with followed(world).heard(""):
        await until(lambda: "quiet speaks" in reader.lines() and reader.lines().count(voices.TOO_FAST) >= 2)
    assert 100 <= reader.lines().count("shout") < 1000
    assert all(row.get("note") for row in reader.rows if row["line"] == voices.TOO_FAST)


async def test_a_line_is_not_told_twice_when_reading_begins_again(world: World, reader: Reader) -> None:
    world.says["loud"] = lambda: [f"{times.to_micro_text(NOW + number)} {number}" for number in range(150)]
    world.start("loud")
    with followed(world).heard(""):
        await until(lambda: world.opened.count(("loud", voices.TAIL)) >= 3)
    said = [line for line in reader.lines() if line != voices.TOO_FAST]
    assert len(said) == len(set(said)) >= 100


async def test_a_log_that_cannot_be_read_is_tried_again_and_stops_nobody(world: World, reader: Reader) -> None:
    world.broken.add("away")
    world.start("away")
    world.start("scout")
    with followed(world).heard(""):
        await until(lambda: "scout speaks" in reader.lines() and world.opened.count(("away", voices.OPENING)) >= 2)
        world.broken.clear()
        await until(lambda: "away speaks" in reader.lines())
