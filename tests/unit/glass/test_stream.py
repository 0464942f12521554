"""One stream of a whole hive over three layers that the test holds in its hands."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from kgents.api.errors import Refused
from kgents.api.operations.requests import List, Request
from kgents.glass import stream as streams
from kgents.glass.guard import Guard
from kgents.glass.stream import Heard, stream
from tests.support.waiting import eventually
from tests.unit.glass.conftest import World
from tests.unit.glass.fake_cortex import FakeCortex

AGENT = {"metadata": {"name": "scholar", "namespace": "default"}, "spec": {}}
SYNCED = ("SYNCED", {})
RESYNC = ("RESYNC", {})


def row(name: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "default", "phase": "Running", **rest}


class Rounds:
    """The reader's pauses: it wants so many rounds; before each of the next ones something may happen."""

    def __init__(self, *between: Any) -> None:
        self._between = iter(between)
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.waited.append(seconds)
        try:
            next(self._between)()
        except StopIteration:
            return True
        return False


def hear(world: World, *between: Any, ghost_only: bool = False, rounds: Rounds | None = None) -> list[Heard]:
    pause = rounds or Rounds(*between)
    return list(stream(world.glass, namespace="", ghost_only=ghost_only, pause=pause))


def told(heard: list[Heard]) -> list[tuple[str, ...]]:
    """(type, name, layer) of changes; (SYNCED, layer, staleness); (LAYER, layer: why …)."""
    return [_told(one) for one in heard]


def _told(one: Heard) -> tuple[str, ...]:
    if one.type == "SYNCED":
        return (one.type, one.source.layer, one.source.staleness)
    found = json.loads(one.item)
    if one.type == "LAYER":
        return (one.type, *(f"{layer}: {why}" for layer, why in found["tried"]))
    if one.type == "BRAKES":
        return (one.type, found["by"] if found else "")
    return (one.type, str(found.get("name")), one.source.layer)


def test_what_is_remembered_comes_first_then_cortex_tells_the_difference(world: World, cortex: FakeCortex) -> None:
    world.remember("stays", "gone")
    cortex.events = [("ADDED", row("stays")), ("ADDED", row("new")), SYNCED, ("DELETED", row("stays"))]
    assert told(hear(world)) == [
        ("ADDED", "stays", "ghost"),
        ("ADDED", "gone", "ghost"),
        ("SYNCED", "ghost", "fresh"),
        ("ADDED", "new", "cortex"),
        ("DELETED", "gone", "cortex"),
        ("SYNCED", "cortex", "live"),
        ("DELETED", "stays", "cortex"),
        ("LAYER", "Cortex: it has ended"),
        ("SYNCED", "ghost", "fresh"),
    ]
    [request] = cortex.requests
    assert (request.path, json.loads(request.arguments)) == ("world.cluster.stream", {"logs": True})


def test_without_cortex_kubectl_is_asked_again_and_again_and_each_change_told_once(world: World) -> None:
    world.api.objects["agents"] = [AGENT]

    def another() -> None:
        world.api.objects["agents"] = [AGENT, {"metadata": {"name": "second", "namespace": "default"}}]

    rounds = Rounds(another, lambda: None)
    assert told(hear(world, rounds=rounds)) == [
        ("LAYER", "Cortex: it does not run"),
        ("ADDED", "scholar", "kubectl"),
        ("SYNCED", "kubectl", "live"),
        ("ADDED", "second", "kubectl"),
        ("SYNCED", "kubectl", "live"),
        ("SYNCED", "kubectl", "live"),
    ]
    assert rounds.waited == [streams.POLL_SECONDS] * 3
    assert len(world.woken) == 3


def test_where_nothing_live_answers_the_memory_grows_old(world: World) -> None:
    world.remember("scholar", age=10.0)
    world.api.silent = "connection refused"

    def later() -> None:
        world.now += 86400.0

    heard = hear(world, later)
    assert told(heard) == [
        ("ADDED", "scholar", "ghost"),
        ("SYNCED", "ghost", "fresh"),
        ("LAYER", "Cortex: it does not run"),
        ("LAYER", "Cortex: it does not run", "kubectl: connection refused"),
        ("SYNCED", "ghost", "fresh"),
        ("SYNCED", "ghost", "old"),
    ]
    assert heard[-1].source.age == pytest.approx(86410.0)


def test_what_was_told_live_is_not_undone_by_an_older_memory(world: World, cortex: FakeCortex) -> None:
    world.remember("old")
    world.now += 60.0
    cortex.events = [("ADDED", row("new")), SYNCED]
    world.api.silent = "connection refused"

    def dies() -> None:
        cortex.status = grpc.StatusCode.UNAVAILABLE
        world.now += 5.0

    heard = hear(world, dies)
    names = [name for type, name, *_ in told(heard) if type in ("ADDED", "DELETED", "MODIFIED")]
    assert names == ["old", "new", "old"]
    assert (heard[-1].source.layer, heard[-1].source.age) == ("ghost", pytest.approx(5.0))


def test_a_newer_memory_is_told_for_somebody_else_keeps_it(world: World) -> None:
    world.remember("first", age=60.0)
    world.api.silent = "connection refused"
    heard = hear(world, lambda: world.remember("first", "second"))
    assert ("ADDED", "second", "ghost") in told(heard)
    assert heard[-1].source == streams.Source("ghost", 0.0, "fresh")


def test_nothing_at_all_is_said_to_be_nothing(world: World) -> None:
    world.api.silent = "connection refused"
    assert told(hear(world, lambda: None)) == [
        ("LAYER", "Cortex: it does not run"),
        ("LAYER", "Cortex: it does not run", "kubectl: connection refused"),
    ]
    assert told(hear(world, ghost_only=True)) == [("LAYER", "ghost: nothing is remembered of this hive")]


def test_with_the_ghost_alone_nothing_else_is_asked_and_the_disk_is_looked_at_again(
    world: World, cortex: FakeCortex
) -> None:
    world.remember("first")
    heard = hear(world, lambda: world.remember("second"), lambda: None, ghost_only=True)
    assert told(heard) == [
        ("ADDED", "first", "ghost"),
        ("SYNCED", "ghost", "fresh"),
        ("ADDED", "second", "ghost"),
        ("DELETED", "first", "ghost"),
        ("SYNCED", "ghost", "fresh"),
        ("SYNCED", "ghost", "fresh"),
    ]
    assert (cortex.requests, world.api.calls) == ([], [])


def test_a_reader_that_was_too_slow_begins_again_and_hears_the_difference(world: World, cortex: FakeCortex) -> None:
    cortex.events = [("ADDED", row("first")), SYNCED, RESYNC]

    def more() -> None:
        cortex.events = [("ADDED", row("first")), ("ADDED", row("missed")), SYNCED]

    rounds = Rounds(more)
    assert told(hear(world, rounds=rounds))[:5] == [
        ("ADDED", "first", "cortex"),
        ("SYNCED", "cortex", "live"),
        ("ADDED", "missed", "cortex"),
        ("SYNCED", "cortex", "live"),
        ("LAYER", "Cortex: it has ended"),
    ]
    assert (rounds.waited[0], world.api.calls) == (streams.SOON, [])


def test_an_activity_that_changed_while_nobody_looked_is_news_and_an_age_is_not(
    world: World, cortex: FakeCortex
) -> None:
    cortex.events = [("ADDED", row("a", activity=0.1, ageSeconds=1)), ("ADDED", row("b", activity=0.1)), SYNCED, RESYNC]

    def moved() -> None:
        cortex.events = [("ADDED", row("a", activity=0.1, ageSeconds=9)), ("ADDED", row("b", activity=0.9)), SYNCED]

    changes = [one for one in told(hear(world, moved)) if one[0] == "MODIFIED"]
    assert changes == [("MODIFIED", "b", "cortex")]


def test_facts_and_lines_are_told_once_though_a_daemon_that_begins_tells_them_again(
    world: World, cortex: FakeCortex
) -> None:
    def line(second: int, text: str, **rest: Any) -> dict[str, Any]:
        at = f"2027-01-15T08:00:0{second}.000000Z"
        return {"namespace": "d", "agent": "a", "pod": "p", "container": "c", "line": text, "at": at, **rest}

    fact = {"at": "2027-01-15T08:00:00.000001Z", "kind": "signal", "what": "emitted"}
    cortex.events = [("ADDED", fact), ("ADDED", line(1, "one")), ("ADDED", line(2, "two")), SYNCED, RESYNC]

    def again() -> None:
        later = {**fact, "what": "evaporated"}
        lines = [line(1, "one"), line(2, "two"), line(3, "three"), line(3, "same time"), line(1, "ours", note=True)]
        cortex.events = [("ADDED", fact), ("ADDED", later), *(("ADDED", one) for one in lines), SYNCED]

    heard = hear(world, again)
    assert [json.loads(one.item)["what"] for one in heard if one.resource == "witness"] == ["emitted", "evaporated"]
    assert [json.loads(one.item)["line"] for one in heard if one.resource == "logs"] == [
        "one",
        "two",
        "three",
        "same time",
        "ours",
    ]


def test_the_age_of_what_cortex_knows_is_passed_on(world: World, cortex: FakeCortex) -> None:
    cortex.events = [("SYNCED", {"ageSeconds": 7.5})]
    assert hear(world)[0] == Heard("SYNCED", "", b"", streams.Source("cortex", 7.5))


def test_a_freeze_is_told_once_and_its_end(world: World, cortex: FakeCortex) -> None:
    frozen = {"name": "brakes", "frozen": True, "by": "ann", "reason": "storm", "since": "", "paused": []}
    cortex.events = [("BRAKES", frozen), SYNCED, ("BRAKES", frozen), ("BRAKES", {"frozen": False})]
    assert [one for one in told(hear(world)) if one[0] == "BRAKES"] == [("BRAKES", "ann"), ("BRAKES", "")]


@pytest.mark.parametrize("status", ["UNIMPLEMENTED", "NOT_FOUND", "UNAUTHENTICATED", "INTERNAL"])
def test_a_cortex_that_cannot_or_will_not_is_passed_over(world: World, cortex: FakeCortex, status: str) -> None:
    cortex.status, cortex.details = grpc.StatusCode[status], json.dumps({"what": "not now"})
    world.api.objects["agents"] = [AGENT]
    heard = told(hear(world))
    assert heard[0] == ("LAYER", "Cortex: not now")
    assert heard[-1] == ("SYNCED", "kubectl", "live")


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"7", b'"x"', b"\xff"])
def test_what_cannot_be_read_is_another_layers_turn(world: World, cortex: FakeCortex, junk: bytes) -> None:
    cortex.raw = junk
    cortex.events = [("ADDED", {}), SYNCED]
    world.api.objects["agents"] = [AGENT]
    assert told(hear(world))[-1] == ("SYNCED", "kubectl", "live")


def test_who_may_not_read_proposals_hears_of_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.api.objects["agents"] = [AGENT]
    send = world.api.send

    def refusing(request: Request) -> Any:
        if isinstance(request, List) and request.kind.plural == "proposals":
            raise Refused("not for you")
        return send(request)

    monkeypatch.setattr(world.api, "send", refusing)
    assert told(hear(world))[1:] == [("ADDED", "scholar", "kubectl"), ("SYNCED", "kubectl", "live")]


def test_a_daemon_that_falls_silent_is_given_up(
    world: World, cortex: FakeCortex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SILENCE", 0.2)
    cortex.events = [("ADDED", row("first")), SYNCED]
    cortex.hangs = True
    heard = told(hear(world))
    assert heard[2] == ("LAYER", "Cortex: it has said nothing for 0.2 s")


def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    cancelled = threading.Event()
    guard = Guard(cancelled.set, 0.05)
    messages = guard.watching(iter([1, 2]))
    assert next(messages) == 1
    assert not cancelled.wait(0.5)
    assert list(messages) == [2]
    guard.end()


def test_silence_is_noticed_once() -> None:
    cancelled = threading.Event()
    guard = Guard(cancelled.set, 0.05)

    def silent() -> Iterator[int]:
        yield 1
        cancelled.wait(30)
        raise InterruptedError

    messages = guard.watching(silent())
    assert next(messages) == 1
    with pytest.raises(InterruptedError):
        next(messages)
    assert eventually(lambda: guard.gave_up)
