"""T-gent's rules."""

from __future__ import annotations

from typing import Any

import pytest

from operators.proposal.shelf import Object
from operators.tgent.limits import Limits
from operators.tgent.memory import Population, Sighting, Sightings
from operators.tgent.verdicts import PATCH_MAX, SIGNAL_MAX, Gate, Refusal, describe

BOT = "system:serviceaccount:default:bot"
SEEN = Sighting("u1", "default", "s1", "WARNING", 0.5)
NOW = 1_800_000_000.0


async def nothing(key: Any) -> Sighting | None:
    return None


def gate(
    umwelt: Object | None = None,
    earlier: list[Object] | None = None,
    agents: dict[Any, str] | None = None,
    alive: int = 0,
    waiting: int = 0,
) -> Gate:
    sightings = Sightings()
    sightings.add(SEEN)

    async def uid_of(kind: str, key: Any) -> str | None:
        return (agents or {}).get((kind, *key))

    return Gate(
        Limits(lambda: NOW),
        sightings,
        lambda key: {"spec": umwelt} if umwelt else None,
        lambda obj: earlier or [],
        lambda agent: alive,
        lambda agent: waiting,
        uid_of,
        nothing,
        lambda: NOW,
    )


def signal(**spec: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "default"}, "spec": {"type": "WARNING", "source": "bot", **spec}}


def proposal(content: Any = None, **spec: Any) -> Object:
    metadata = {"name": "p", "namespace": "default", "creationTimestamp": "2027-01-15T08:00:00Z"}
    asked = {"target": {"kind": "Agent", "name": "bot"}, "patch": {"content": content or {}}, "proposer": BOT, **spec}
    return {"metadata": metadata, "spec": asked}


def cause(uid: str = "u1", name: str = "s1", **snapshot: Any) -> Object:
    return {"object": {"kind": "Pheromone", "name": name}, "uid": uid, "snapshot": snapshot}


def said(refusal: Refusal | None) -> str:
    return "" if refusal is None else describe(refusal)


async def test_people_are_not_asked() -> None:
    assert await gate().signal("ann", signal(causedBy=[cause("forged")])) is None


async def test_an_umwelt_narrows_what_an_agent_emits() -> None:
    refusal = await gate({"senses": {"emit": ["DREAM"]}}).signal(BOT, signal())
    assert said(refusal).startswith("T-gent (umwelt): its umwelt lets bot emit DREAM, and not WARNING")


async def test_a_flood_is_refused_and_counted() -> None:
    closed = gate()
    answers = [await closed.signal(BOT, signal()) for _ in range(150)]
    refused = [answer for answer in answers if answer]
    assert (len(refused), refused[-1].code) == (50, 429)
    assert "(50 refused so far)" in said(refused[-1])


async def test_an_umwelt_may_allow_less() -> None:
    closed = gate({"constraints": {"ratePerMinute": 6}})
    answers = [await closed.proposal(BOT, proposal()) for _ in range(3)]
    assert [answer is None for answer in answers] == [True, False, False]


async def test_a_huge_patch_is_refused() -> None:
    refusal = await gate().proposal(BOT, proposal({"spec": {"config": "x" * PATCH_MAX}}))
    assert refusal is not None and refusal.code == 413


async def test_a_signal_is_no_storehouse() -> None:
    loaded = signal()
    loaded["metadata"]["annotations"] = {"cargo": "x" * SIGNAL_MAX}
    assert "T-gent (size): the signal has" in said(await gate().signal(BOT, loaded))


async def test_so_much_is_in_the_air_and_no_more() -> None:
    assert "10000 signals in the air" in said(await gate(alive=10_000).signal(BOT, signal()))
    assert await gate(alive=9_999).signal(BOT, signal()) is None


async def test_people_are_asked_so_much_and_no_more() -> None:
    assert "30 proposals that wait" in said(await gate(waiting=30).proposal(BOT, proposal()))
    assert await gate(waiting=29).proposal(BOT, proposal()) is None


def test_what_is_gone_is_in_the_air_no_longer() -> None:
    population, agent = Population(), ("default", "bot")
    for name in ("a", "b", "b"):
        population.seen(("default", name), "bot")
    assert population.of(agent) == 2
    for name in ("a", "b", "b", "c"):
        population.seen(("default", name), None)
    assert population.of(agent) == 0


async def test_a_true_cause_passes() -> None:
    assert await gate().proposal(BOT, proposal(causedBy=[cause(type="WARNING", intensity=0.5)])) is None


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (cause("u9"), "which nobody has seen"),
        (cause(name="other"), "which nobody has seen"),
        (cause(""), "without its uid"),
        (cause(type="DREAM"), "is a DREAM, and it is a WARNING"),
        (cause(intensity=0.9), "never had more than 0.5"),
        ({"object": {"kind": "Agent", "name": "bot"}, "uid": "u9"}, "another uid than it has"),
        ({"object": {"kind": "Proposal", "name": "p"}, "uid": "u9"}, "which nobody has seen"),
    ],
)
async def test_a_forged_cause_is_told(forged: Object, why: str) -> None:
    closed = gate(agents={("Agent", "default", "bot"): "u2"})
    assert why in said(await closed.proposal(BOT, proposal(causedBy=[forged])))


async def test_a_bare_snapshot_is_its_authors_word() -> None:
    assert await gate().signal(BOT, signal(causedBy=[{"snapshot": {"line": "it rains"}}])) is None


async def test_what_failed_today_is_not_tried_again() -> None:
    failed = proposal({"spec": {"image": "x"}})
    failed["status"] = {"phase": "Rejected", "conditions": [{"type": "Settled", "message": "rejected by ann: no"}]}
    closed = gate(earlier=[failed])
    assert "the same change was Rejected" in said(await closed.proposal(BOT, proposal({"spec": {"image": "x"}})))
    assert await closed.proposal(BOT, proposal({"spec": {"image": "y"}})) is None


def test_what_was_seen_is_bounded() -> None:
    sightings = Sightings()
    for number in range(60_000):
        sightings.add(Sighting(str(number), "default", "x", "TEST", 1.0))
    assert len(sightings) == 50_000
