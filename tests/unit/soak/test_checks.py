"""The soak's checks find every fault that is planted in the notes, and nothing in sound ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.soak.checks import after, findings, red
from benchmarks.soak.notes import Diary, Round, Seen, Segment

HISTORY = [
    Seen(11, "ADDED", "a", "ua", True, 1),
    Seen(12, "ADDED", "b", "ub", False, 2),
    Seen(14, "MODIFIED", "a", "ua", False, 3),
    Seen(15, "MODIFIED", "b", "ub", True, 4),
    Seen(17, "DELETED", "b", "ub", True, 4),
]


def diaries(*others: list[Seen]) -> list[Diary]:
    """One watcher that saw it all, and others."""
    seen = [HISTORY, *others]
    return [Diary(f"w{number}", False, [Segment(10, {}, list(events))]) for number, events in enumerate(seen)]


def found(notes: Round | None = None, *others: list[Seen]) -> list[str]:
    return findings(notes or Round(), diaries(*others), after({}, HISTORY))


def test_a_sound_round_has_no_findings() -> None:
    notes = Round([HISTORY[0], HISTORY[3]], {"ub"}, [(13, {"a": 11, "b": 12}), (17, {"a": 14})])
    assert found(notes, HISTORY) == []


@pytest.mark.parametrize(
    ("other", "finding"),
    [
        (HISTORY[:1] + HISTORY[2:], "lost ADDED of b at 12"),
        ([*HISTORY[:2], HISTORY[1], *HISTORY[2:]], "came twice"),
        ([HISTORY[1], HISTORY[0], *HISTORY[2:]], "came after"),
        ([*HISTORY, Seen(18, "ADDED", "c", "uc", False, 9)], "nobody else saw"),
        ([replace(HISTORY[0], content=9), *HISTORY[1:]], "where"),
    ],
)
def test_a_watcher_that_saw_something_else_is_found(other: list[Seen], finding: str) -> None:
    # The reference is the longest diary, so a finding may name either of the two; there must be one.
    assert any(finding in one or "lost" in one or "nobody" in one for one in found(None, other))


def test_an_acknowledged_write_that_nobody_saw_is_found() -> None:
    assert "told to nobody" in found(Round([Seen(13, "ADDED", "c", "uc", False, 0)]))[0]


def test_an_acknowledged_deletion_that_nobody_saw_is_found() -> None:
    assert "deletion of ua was told to nobody" in found(Round(deleted={"ua"}))[0]


def test_a_list_in_pages_that_never_was_is_found() -> None:
    assert "not what was there then" in found(Round(lists=[(14, {"a": 11, "b": 12})]))[0]


def test_a_final_list_that_differs_from_the_events_is_found() -> None:
    assert "the list says None" in findings(Round(), diaries(), {})[0]


def test_an_object_that_is_changed_after_its_end_is_found() -> None:
    late = [*HISTORY, Seen(18, "MODIFIED", "b", "ub", False, 5)]
    assert any("though it was not there" in one for one in found(None, late))


def test_what_a_watcher_of_red_objects_must_see() -> None:
    seen = [(one.rv, one.type, one.content) for one in red(Segment(10, {}, HISTORY))]
    assert seen == [(11, "ADDED", 1), (14, "DELETED", 1), (15, "ADDED", 4), (17, "DELETED", 4)]


def test_a_watcher_that_listed_anew_is_held_to_what_it_could_see() -> None:
    cut = Diary("cut", False, [Segment(10, {}, HISTORY[:1]), Segment(14, {}, HISTORY[3:])])
    assert findings(Round(), [*diaries(), cut], after({}, HISTORY)) == []
