"""What Terrarium knows: changes in place, fading by arithmetic, and words for what happened."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.glass.answer import Source
from kgents.glass.stream import Heard
from kgents.terrarium.hive import BUSY, HISTORY, SAMPLE, THOUGHTS, Hive, age_of

NOW = 1_767_357_296.0
AT = "2026-01-02T12:34:56Z"
CORTEX, KUBECTL, GHOST = Source("cortex"), Source("kubectl"), Source("ghost", 42.0, "fresh")
AGENT = {"name": "bot", "namespace": "lab", "phase": "Running", "activity": 0.5, "ageSeconds": 60.0}
SIGNAL = {
    "name": "s1", "namespace": "lab", "type": "WARNING", "source": "bot", "intensity": 0.8, "initialIntensity": 0.8,
    "halfLifeSeconds": 60.0, "emittedAt": AT, "evaporatesAt": "2026-01-02T12:41:16Z",
}  # fmt: skip
PROPOSAL = {"name": "p1", "namespace": "lab", "phase": "Reviewing", "target": "Agent/bot", "risk": 0.4}


def told(resource: str, row: Any, type: str = "ADDED", source: Source = CORTEX) -> Heard:
    return Heard(type, resource, json.dumps(row).encode(), source)


def synced(source: Source = CORTEX) -> Heard:
    return Heard("SYNCED", "", b"", source)


def hive_of(*heard: Heard) -> Hive:
    hive = Hive()
    hive.apply([*heard, synced()], NOW)
    return hive


def test_rows_are_known_by_namespace_and_name_and_change_in_place() -> None:
    hive = hive_of(told("agents", AGENT))

    changed = hive.apply([told("agents", {**AGENT, "phase": "Failed"}, "MODIFIED")], NOW + 1)

    assert changed == {"agents"}
    assert {key: row["phase"] for key, row in hive.agents.items()} == {("lab", "bot"): "Failed"}
    assert hive.apply([told("agents", AGENT, "DELETED")], NOW + 2) == {"agents"}
    assert hive.agents == {}


def test_a_signal_fades_by_itself_and_is_forgotten_once_it_has_evaporated() -> None:
    hive = hive_of(told("pheromones", SIGNAL))

    assert [round(strength, 3) for strength, _ in hive.strongest(NOW + 60)] == [0.4]
    assert hive.strongest(NOW + 380) == []
    assert hive.signals == {}


def test_the_strongest_now_come_first_though_they_were_not_at_first() -> None:
    slow = {**SIGNAL, "name": "slow", "initialIntensity": 0.6, "halfLifeSeconds": 3600.0, "evaporatesAt": None}
    hive = hive_of(told("pheromones", SIGNAL), told("pheromones", slow))

    assert [one.row["name"] for _, one in hive.strongest(NOW)] == ["s1", "slow"]
    assert [one.row["name"] for _, one in hive.strongest(NOW + 60)] == ["slow", "s1"]


@pytest.mark.parametrize("broken", [{}, {"halfLifeSeconds": -1}, {"emittedAt": "soon"}, {"initialIntensity": "much"}])
def test_a_broken_signal_harms_nobody_and_ends(broken: dict[str, Any]) -> None:
    row = {"name": "s", "namespace": "lab", "type": None, **broken}
    hive = hive_of(told("pheromones", row))

    assert hive.strongest(NOW + 1e9) == []


def test_an_age_grows_since_it_was_told() -> None:
    hive = hive_of(told("agents", AGENT))

    assert age_of(hive.agents["lab", "bot"], NOW + 30) == 90.0
    assert age_of({"ageSeconds": None}, NOW) is None


def test_losing_the_daemon_turns_what_is_shown_into_a_memory_whose_age_grows() -> None:
    hive = hive_of(told("agents", AGENT))
    lost = Heard("LAYER", "", json.dumps({"tried": [["Cortex", "it does not run"]]}).encode(), GHOST)

    assert hive.apply([lost], NOW + 3) == {"source"}

    assert (hive.live, hive.source.layer, hive.tried) == (False, "ghost", [("Cortex", "it does not run")])
    assert hive.age(NOW + 45) == 45.0
    assert hive.apply([synced(KUBECTL)], NOW + 50) == {"source"}
    assert (hive.live, hive.age(NOW + 50)) == (True, 0.0)


def test_pressure_is_the_share_of_the_busy_among_those_who_are_measured() -> None:
    rows = [{**AGENT, "name": str(number), "activity": value} for number, value in enumerate((0.9, 0.25, 0.1, None))]
    hive = hive_of(*(told("agents", row) for row in rows))

    assert hive.pressure() == pytest.approx(2 / 3)
    assert Hive().pressure() is None


def test_history_comes_from_the_daemon_and_is_sampled_from_then_on() -> None:
    past = {"namespace": "lab", "name": "bot", "values": [0.1, None, 0.3]}
    hive = hive_of(told("agents", AGENT), told("activity", past))
    before = hive.history(("lab", "bot"))

    for second in range(1, 100):
        hive.apply([synced()], NOW + second * SAMPLE)

    assert before[:3] == [0.1, None, 0.3]
    assert hive.history(("lab", "bot")) == [0.5] * HISTORY


FACTS = [
    ({"kind": "signal", "what": "emitted", "type": "WARNING", "source": "bot", "intensity": 0.95,
      "payload": "14 errors"},
     ("signal", "warning", "bot", "emitted WARNING 0.95 — 14 errors")),
    ({"kind": "signal", "what": "evaporated", "type": "DREAM", "source": "bot"},
     ("signal", "info", "bot", "faded: DREAM")),
    ({"kind": "agent", "name": "bot", "what": "phase", "to": "Failed", "reason": "exit 1"},
     ("agent", "error", "bot", "is Failed: exit 1")),
    ({"kind": "proposal", "name": "p1", "what": "phase", "to": "Reviewing", "reason": "load"},
     ("proposal", "warning", "p1", "waits for a review: “load”")),
    ({"kind": "hive", "what": "frozen", "by": "ann", "reason": "storm"},
     ("hive", "warning", "hive", "is frozen by ann: storm")),
    ({"kind": "event", "name": "bot", "what": "Warning", "reason": "BackOff", "message": "restarting", "count": 7},
     ("event", "warning", "bot", "BackOff: restarting (×7)")),
    ({"kind": "of another version", "name": "bot"}, ("of another version", "info", "bot", ": ")),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "thought"), FACTS)
def test_a_fact_is_told_in_words(fact: dict[str, Any], thought: tuple[str, ...]) -> None:
    hive = hive_of(told("witness", {"at": AT, "namespace": "lab", **fact}))

    assert [(one.kind, one.level, one.who, one.text) for one in hive.thoughts] == [thought]
    assert hive.thoughts[0].at == NOW


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("all is well", "info"),
        ("WARNING slow", "warning"),
        ("[error] no", "error"),
        ("WARN an error", "warning"),
        ("", "info"),
    ],
)
def test_a_log_line_tells_its_level(line: str, level: str) -> None:
    hive = hive_of(told("logs", {"namespace": "lab", "agent": "bot", "line": line}))

    assert [(one.who, one.text, one.level) for one in hive.thoughts] == [("bot", line, level)]


def test_where_no_daemon_tells_transitions_they_are_told_from_the_rows() -> None:
    hive = Hive()
    hive.apply([told("agents", AGENT, source=KUBECTL), synced(KUBECTL)], NOW)
    assert not hive.thoughts  # what was there before is no news

    hive.apply([told("agents", {**AGENT, "phase": "Failed"}, "MODIFIED", KUBECTL)], NOW + 2)
    hive.apply([told("proposals", PROPOSAL, source=KUBECTL)], NOW + 2)
    hive.apply([told("proposals", {**PROPOSAL, "phase": "Merged"}, "MODIFIED", KUBECTL)], NOW + 4)
    hive.apply([told("pheromones", {**SIGNAL, "name": "s2"}, source=KUBECTL)], NOW + 5)

    assert [one.text for one in hive.thoughts] == ["is Failed", "is Merged", "emitted WARNING 0.80"]


def test_thoughts_are_bounded_and_counted() -> None:
    lines = [told("logs", {"namespace": "lab", "agent": "bot", "line": str(number)}) for number in range(THOUGHTS + 10)]
    hive = hive_of(*lines)

    assert (len(hive.thoughts), hive.thought) == (THOUGHTS, THOUGHTS + 10)
    assert [one.text for one in hive.recent(2)] == [str(THOUGHTS + 8), str(THOUGHTS + 9)]


def test_the_freeze_is_known_with_who_and_why() -> None:
    frozen = {"by": "ann", "reason": "storm", "since": AT}
    hive = Hive()

    assert hive.apply([Heard("BRAKES", "", json.dumps(frozen).encode(), CORTEX)], NOW) == {"source"}
    assert hive.frozen == frozen
    hive.apply([Heard("BRAKES", "", b"null", CORTEX)], NOW)
    assert hive.frozen is None


def test_who_reacts_to_what() -> None:
    hive = hive_of(told("agents", {**AGENT, "reactsTo": ["WARNING"]}), told("agents", {**AGENT, "name": "b"}))

    assert hive.reactors() == {"WARNING": ["bot"]}


NAMES = [*SIGNAL, *AGENT, *PROPOSAL, "at", "kind", "what", "line", "values", "reactsTo", "skipped", "count"]
values = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text(), max_size=2)


@given(st.lists(st.tuples(
    st.sampled_from(["agents", "pheromones", "proposals", "witness", "logs", "activity", "of tomorrow"]),
    st.sampled_from(["ADDED", "MODIFIED", "DELETED"]),
    st.dictionaries(st.sampled_from(NAMES), values),
), max_size=8))  # fmt: skip
def test_no_row_breaks_it(told_rows: list[tuple[str, str, dict[str, Any]]]) -> None:
    hive = Hive()
    rows = [Heard(type, resource, json.dumps(row, allow_nan=False).encode(), KUBECTL)
            for resource, type, row in told_rows if _is_json(row)]  # fmt: skip

    hive.apply([synced(KUBECTL), *rows], NOW)

    hive.strongest(NOW)
    known = [value for row in hive.agents.values() if isinstance(value := row.get("activity"), int | float)]
    busy = [value for value in known if value >= BUSY]
    assert hive.pressure() == (len(busy) / len(known) if known else None)
    hive.reactors()
    hive.waiting()


def _is_json(row: dict[str, Any]) -> bool:
    try:
        json.dumps(row, allow_nan=False)
    except ValueError:
        return False
    return True
