"""Evaporation and reactions: what happens when, by arithmetic alone."""

from __future__ import annotations

from kgents.api.pheromone import Decay
from operators.pheromone.evaporation import Agenda, next_moment
from operators.reactions import strength
from operators.world import Trace
from tests.unit.operators.objects import NOW

REACTION = {"type": "WARNING", "minIntensity": 0.5, "then": {"file": "W"}}
TRACE = Trace("u", "WARNING", "", Decay(1.0, 10.0, NOW))


def test_what_is_due_comes_in_order_and_once() -> None:
    agenda = Agenda()
    for name, moment in (("late", 3.0), ("first", 1.0), ("second", 2.0)):
        agenda.put(("n", name), moment, name)
    assert [uid for _, uid in agenda.due(2.0, 10)] == ["first", "second"]
    assert agenda.due(2.0, 10) == []
    assert agenda.next() == 3.0


def test_one_that_was_made_anew_is_due_at_its_own_time() -> None:
    agenda = Agenda()
    agenda.put(("n", "a"), 1.0, "old")
    agenda.put(("n", "a"), 5.0, "new")
    assert agenda.due(2.0, 10) == []
    assert agenda.due(5.0, 10) == [(("n", "a"), "new")]


def test_a_claim_lapses_before_the_end() -> None:
    claimed = Trace("u", "TEST", "", TRACE.decay, claimed_until=NOW + 1)
    assert next_moment(claimed) == NOW + 1
    assert next_moment(TRACE) == TRACE.decay.evaporates


def test_only_what_is_meant_for_it_or_for_all_is_sensed() -> None:
    other = Trace("u2", "WARNING", "bee", TRACE.decay)
    assert len(strength.sensed({"a": TRACE, "b": other}, "WARNING", "ant", None)) == 1
    assert strength.sensed({"a": TRACE}, "WARNING", "ant", []) == {}


def test_strength_adds_up_and_crosses_by_mere_decay() -> None:
    seen = strength.look([TRACE.decay, TRACE.decay], 1.0, NOW)
    assert seen.active
    assert seen.crosses is not None
    assert abs(seen.crosses - (NOW + 10)) < 0.01
    assert not strength.look([TRACE.decay, TRACE.decay], 1.0, seen.crosses).active


def test_an_agent_is_told_at_a_crossing_only() -> None:
    first = strength.told(REACTION, strength.look([TRACE.decay], 0.5, NOW), None, NOW)
    between = strength.told(REACTION, strength.look([TRACE.decay], 0.5, NOW + 1), first, NOW + 1)
    after = strength.told(REACTION, strength.look([TRACE.decay], 0.5, NOW + 20), between, NOW + 20)
    assert first == between
    assert (first["active"], after["active"]) == (True, False)


def test_a_crossing_names_the_strongest_signals_behind_it() -> None:
    traces = {f"s{n}": Trace(f"u{n}", "WARNING", "", Decay(n / 20, 10.0, NOW)) for n in range(1, 20)}
    causes = strength.causes(traces, "hill", NOW)
    assert len(causes) == strength.CAUSES
    assert causes[0]["uid"] == "u19"
    assert causes[0]["object"]["namespace"] == "hill"
    assert causes[0]["snapshot"] == {"type": "WARNING", "intensity": 0.95}
