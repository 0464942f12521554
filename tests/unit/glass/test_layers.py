"""Which layer answers, and what is said when none does."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError
from kgents.glass.answer import Answer, Source
from kgents.glass.look import Freshness
from tests.unit.glass.conftest import TARGET, World
from tests.unit.glass.fake_cortex import FakeCortex

AGENT = {"metadata": {"name": "scholar", "namespace": "default"}, "spec": {}}


def agents(world: World, **freshness: Any) -> Answer:
    return world.glass.read(
        "agents.list", namespace="default", freshness=Freshness(**freshness), bindings={}, arguments={}
    )


def suspend(world: World) -> Answer:
    return world.glass.write("agents.suspend", namespace="default", bindings={"agent": "scholar"}, arguments={})


def emit(world: World) -> Answer:
    return world.glass.write("pheromones.emit", namespace="default", bindings={}, arguments={"type": "WARNING"})


def test_cortex_answers_first(world: World, cortex: FakeCortex):
    world.remember("remembered")
    cortex.items = [{"name": "scholar"}]
    answer = agents(world)
    assert (answer.source.layer, answer.source.staleness, answer.rows()) == ("cortex", "live", cortex.items)
    assert world.woken == []


def test_a_fresh_ghost_answers_before_kubectl(world: World):
    world.remember("scholar", age=42)
    answer = agents(world)
    assert (answer.source.layer, answer.source.age, answer.source.staleness) == ("ghost", 42.0, "fresh")
    assert world.api.calls == []
    assert world.woken == [TARGET]


def test_a_stale_ghost_gives_way_to_kubectl_which_refreshes_it(world: World):
    world.remember("gone", age=90)
    world.api.objects["agents"] = [AGENT]
    assert agents(world).source.layer == "kubectl"
    assert [row["name"] for row in agents(world).rows()] == ["scholar"]
    assert agents(world).source.layer == "ghost"


@pytest.mark.parametrize(("age", "staleness"), [(90.0, "stale"), (86400.0, "old")])
def test_when_nothing_live_answers_the_ghost_does_at_any_age(world: World, age: float, staleness: str):
    world.remember("scholar", age=age)
    world.api.silent = "connection refused"
    answer = agents(world)
    assert (answer.source.layer, answer.source.age, answer.source.staleness) == ("ghost", age, staleness)
    assert answer.notes == ("Cortex: it does not run", "kubectl: connection refused")


def test_max_age_refuses_what_is_older(world: World):
    world.remember("scholar", age=42)
    world.api.silent = "connection refused"
    with pytest.raises(Unreachable, match="it is 42 s old, and you asked for 30 s at most"):
        agents(world, max_age=30.0)
    assert agents(world, max_age=60.0).source.layer == "ghost"


def test_max_age_passes_over_a_fresh_ghost_that_is_too_old(world: World):
    world.remember("scholar", age=42)
    world.api.objects["agents"] = [AGENT]
    assert agents(world, max_age=30.0).source.layer == "kubectl"


def test_require_live_never_shows_the_ghost(world: World):
    world.remember("scholar")
    world.api.silent = "connection refused"
    with pytest.raises(Unreachable, match="Nothing live answers"):
        agents(world, require_live=True)


def test_ghost_only_asks_nothing_else(world: World, cortex: FakeCortex):
    world.remember("scholar", age=86400)
    assert agents(world, ghost_only=True).source.staleness == "old"
    assert (cortex.requests, world.api.calls, world.woken) == ([], [], [])


def test_what_the_ghost_lets_an_agent_sense_is_bound_by_its_umwelt(world: World):
    row = {"namespace": "default", "target": None, "intensity": 1.0, "halfLifeSeconds": 3600.0}
    signals = [{**row, "name": type.lower(), "type": type} for type in ("WARNING", "CHAOS")]
    world.ghost.write("pheromones/active.json", signals, now=world.now)
    world.remember("scholar")

    def sensed() -> list[str]:
        freshness, arguments = Freshness(ghost_only=True), {"as": "scholar"}
        asked = {"namespace": "default", "freshness": freshness, "bindings": {}, "arguments": arguments}
        return [row["type"] for row in world.glass.read("pheromones.sense", **asked).rows()]

    with pytest.raises(Unreachable, match="nothing is remembered"):
        sensed()  # it has no spec in the list of agents, so its umwelt is not known

    own = {"name": "scholar", "namespace": "default", "spec": {"umwelt": {"senses": {"sense": ["WARNING"]}}}}
    world.ghost.write_one("agents/default/scholar.json", own, now=world.now)
    assert sensed() == ["WARNING"]


def test_a_ghost_that_knows_nothing_says_so(world: World):
    with pytest.raises(Unreachable, match="nothing is remembered"):
        agents(world, ghost_only=True)


def test_ghost_only_and_require_live_exclude_each_other():
    with pytest.raises(UsageError):
        Freshness(ghost_only=True, require_live=True)


def test_when_nothing_answers_it_says_what_was_tried_and_the_command_that_helps(world: World):
    world.api.silent = "connection refused"
    with pytest.raises(Unreachable) as caught:
        agents(world)
    assert str(caught.value) == (
        "Nothing answers for kgents-test: Cortex: it does not run; kubectl: connection refused; "
        "ghost: nothing is remembered of this. Start it: kgents infra start --name test"
    )


def test_a_torn_ghost_is_passed_over_and_reported(world: World):
    world.remember("scholar")
    path = world.ghost.root / "agents" / "_index.json"
    path.write_bytes(path.read_bytes()[:-20])
    world.api.objects["agents"] = [AGENT]
    assert agents(world).source.layer == "kubectl"
    assert "damaged" in world.warnings[0]


def test_what_cortex_refuses_is_not_asked_elsewhere(world: World, cortex: FakeCortex):
    cortex.status, cortex.details = grpc.StatusCode.PERMISSION_DENIED, json.dumps({"what": "not yours", "why": "rbac"})
    with pytest.raises(Refused, match="not yours: rbac"):
        agents(world)
    assert world.api.calls == []


@pytest.mark.parametrize(
    ("code", "error"), [("NOT_FOUND", NotFound), ("INVALID_ARGUMENT", UsageError), ("INTERNAL", KgentsError)]
)
def test_each_status_is_an_error_of_its_own(world: World, cortex: FakeCortex, code: str, error: type[KgentsError]):
    cortex.status = grpc.StatusCode[code]
    with pytest.raises(error):
        agents(world)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "UNIMPLEMENTED"])
def test_a_cortex_without_its_api_or_of_another_version_is_passed_over(world: World, cortex: FakeCortex, code: str):
    cortex.status = grpc.StatusCode[code]
    world.api.objects["agents"] = [AGENT]
    assert agents(world).source.layer == "kubectl"


def test_a_write_never_goes_to_the_ghost_and_makes_it_stale(world: World):
    world.remember("scholar")
    assert suspend(world).source.layer == "kubectl"
    assert world.ghost.read("agents/_index.json", world.now, "default").staleness == "stale"  # type: ignore[union-attr]
    world.api.silent = "connection refused"
    with pytest.raises(Unreachable):
        suspend(world)


def test_a_write_that_cortex_did_not_begin_is_passed_on(world: World, cortex: FakeCortex):
    cortex.status, cortex.details = grpc.StatusCode.UNAVAILABLE, json.dumps({"what": "the API is gone"})
    assert emit(world).source.layer == "kubectl"


def test_a_write_that_may_have_happened_is_not_done_again(world: World, cortex: FakeCortex):
    cortex.status = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(KgentsError, match="not known whether that was done"):
        emit(world)
    assert world.api.calls == []


def test_a_write_that_bears_repeating_is_repeated(world: World, cortex: FakeCortex):
    cortex.status = grpc.StatusCode.UNAVAILABLE
    assert suspend(world).source.layer == "kubectl"


def test_a_signal_from_the_ghost_is_as_strong_as_it_is_now(world: World):
    row = {"name": "w", "namespace": "default", "type": "WARNING", "intensity": 0.8, "halfLifeSeconds": 20.0}
    world.ghost.write("pheromones/active.json", [row], now=world.now - 20)
    found = world.glass.read(
        "pheromones.sense", namespace="default", freshness=Freshness(), bindings={}, arguments={"minIntensity": 0.1}
    )
    assert found.rows()[0]["intensity"] == pytest.approx(0.4)


def test_a_cut_list_says_how_much_there_is(world: World):
    world.api.objects["pheromones"] = [
        {"metadata": {"name": f"s{i}", "namespace": "d"}, "spec": {"type": "TEST", "initialIntensity": 1.0}}
        for i in range(5)
    ]
    for signal in world.api.objects["pheromones"]:
        signal["spec"]["emittedAt"] = "1970-01-12T13:46:40Z"
    found = world.glass.read(
        "pheromones.sense", namespace="d", freshness=Freshness(), bindings={}, arguments={"limit": 2}
    )
    assert (len(found.items), found.total) == (2, 5)


def test_changes_come_from_cortex_and_by_asking_again_when_it_ends(world: World, cortex: FakeCortex):
    cortex.events = [("ADDED", {"name": "scholar"}), ("SYNCED", {})]
    cortex.items = [{"name": "other"}]
    stream = world.glass.watch("agents.list", namespace="", bindings={}, arguments={}, pause=lambda: None)
    assert [
        (type, json.loads(item)["name"])
        for type, item, _ in (next(stream), next(stream), next(stream))
        if item != b"{}"
    ] == [
        ("ADDED", "scholar"),
        ("ADDED", "other"),
    ]


def heard(stream: Iterator[tuple[str, bytes, Source]], count: int) -> list[tuple[str, str, str]]:
    """(type, the row's phase, layer) of so many events; brakes are left out."""
    told = ((type, json.loads(item or b"{}"), source.layer) for type, item, source in stream if type != "BRAKES")
    return [(type, row.get("phase", ""), layer) for type, row, layer in itertools.islice(told, count)]


def tells_once(cortex: FakeCortex) -> None:
    """It tells of an agent that is Degraded, and is gone."""
    cortex.events = [("ADDED", {"name": "scholar", "namespace": "default", "phase": "Degraded"}), ("SYNCED", {})]

    def is_gone() -> None:
        cortex.status = grpc.StatusCode.UNAVAILABLE if len(cortex.requests) > 1 else None

    cortex.before = is_gone


def test_who_has_seen_newer_is_told_what_kubectl_says_and_not_what_a_fresh_ghost_remembers(
    world: World, cortex: FakeCortex
):
    world.remember("scholar", age=5)
    tells_once(cortex)
    world.api.objects["agents"] = [{**AGENT, "status": {"phase": "Failed"}}]
    stream = world.glass.watch("agents.list", namespace="", bindings={}, arguments={}, pause=lambda: None)

    assert heard(stream, 4) == [
        ("ADDED", "Degraded", "cortex"),
        ("SYNCED", "", "cortex"),
        ("MODIFIED", "Failed", "kubectl"),
        ("SYNCED", "", "kubectl"),
    ]


def test_an_older_ghost_takes_nothing_back_and_a_newer_one_is_shown(world: World, cortex: FakeCortex):
    world.remember("scholar", age=5)
    tells_once(cortex)
    world.api.silent = "connection refused"
    stream = world.glass.watch("agents.list", namespace="", bindings={}, arguments={}, pause=lambda: None)
    assert heard(stream, 2) == [("ADDED", "Degraded", "cortex"), ("SYNCED", "", "cortex")]

    world.now += 200
    type, item, source = next(stream)
    assert (type, item, source) == ("SYNCED", b"", Source("ghost", 200.0, "old"))

    world.remember("scholar")
    assert heard(stream, 2) == [("MODIFIED", "Running", "ghost"), ("SYNCED", "", "ghost")]
