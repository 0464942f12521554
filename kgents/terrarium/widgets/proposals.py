"""PROPOSALS: the changes that somebody wants, those that wait for a person first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment

from kgents.looks import NO_LOOK, PHASE, share_tone
from kgents.terrarium import ordering
from kgents.terrarium.columns import Column, Placed, cells, place
from kgents.terrarium.draw import UNKNOWN, Line, age, bar, clean, fit
from kgents.terrarium.hive import Key, Row, age_of
from kgents.terrarium.ink import Ink
from kgents.terrarium.widgets.pane import Pane

MEASURED = 200
"""So many of the first proposals say how wide the columns are."""


class Shown(NamedTuple):
    key: Key
    row: Row
    now: float


def _phase(one: Shown, width: int, ink: Ink) -> Line:
    """A badge: the one place where a tone is a ground, for it is what the eye should find."""
    phase = str(one.row.get("phase"))
    look = PHASE.get(phase, NO_LOOK)
    return [Segment(fit(f" {look.glyph} {clean(phase).upper()}", width), ink.style("ground", bold=True, on=look.tone))]


def _name(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(fit(clean(one.key[1]), width), ink.style("text"))]


def _target(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(fit(clean(str(one.row.get("target") or UNKNOWN)), width), ink.style("quiet"))]


def _change(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(fit(clean(str(one.row.get("change") or UNKNOWN)), width), ink.style("quiet"))]


def _risk(one: Shown, width: int, ink: Ink) -> Line:
    value = one.row.get("risk")
    risk = float(value) if isinstance(value, (int, float)) else None
    if risk is None:
        return [Segment(fit(UNKNOWN, width, right=True), ink.style("quiet"))]
    figure = Segment(f" {risk:.2f}", ink.style(share_tone(risk)))
    return [*bar(risk, width - 5, ink), figure] if width >= 9 else [figure]


def _proposer(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(fit(clean(short_user(str(one.row.get("proposer") or UNKNOWN))), width), ink.style("deed"))]


def _reason(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(fit(f"“{clean(str(one.row.get('reason') or ''))}”", width), ink.style("text"))]


def _age(one: Shown, width: int, ink: Ink) -> Line:
    return [Segment(age(age_of(one.row, one.now)), ink.style("quiet"))]


def short_user(user: str) -> str:
    """`system:serviceaccount:default:b-gent` as people call it: b-gent."""
    return user.rpartition(":")[2] if user.startswith("system:serviceaccount:") else user


def columns(name: int, target: int, proposer: int, reason: int) -> tuple[Column[Shown], ...]:
    """All of them, no wider than the longest name, target, proposer and reason."""
    return (
        Column("", 13, 0, _phase),
        Column("", min(name, 20), 1, _name, widest=min(name, 32)),
        Column("", min(target, 14), 5, _target, widest=min(target, 26)),
        Column("", 14, 6, _change, widest=60),
        Column("", 5, 2, _risk, widest=13),
        Column("", min(proposer, 8), 4, _proposer, widest=min(proposer, 18)),
        Column("", min(reason, 12), 3, _reason, widest=min(reason, 40)),
        Column("", 6, 7, _age, right=True),
    )


COLUMNS = columns(name=28, target=26, proposer=18, reason=40)
"""For who does not know how long they are."""


class Proposals(Pane):
    """The proposals, newest first among those that wait alike."""

    TITLE = "PROPOSALS"
    SORTS: ClassVar[tuple[str, ...]] = tuple(ordering.PROPOSAL_SORTS)

    def __init__(self) -> None:
        super().__init__(id="proposals")
        self._keys: list[Key] = []
        self._longest = (0, 0, 0, 0)
        self._placed: tuple[int, tuple[int, ...], Placed[Shown]] = (-1, (), [])

    def keys(self) -> Sequence[Key]:
        return self._keys

    def reorder(self) -> None:
        known = self.terrarium.hive.proposals
        self._keys = ordering.chosen(ordering.ordered(known, ordering.PROPOSAL_SORTS[self.sort]), known, self.selector)
        rows = [(name, known[space, name]) for space, name in self._keys[:MEASURED]]
        self._longest = (
            max((len(name) for name, _ in rows), default=0),
            max((len(str(row.get("target") or UNKNOWN)) for _, row in rows), default=0),
            max((len(short_user(str(row.get("proposer") or UNKNOWN))) for _, row in rows), default=0),
            max((len(str(row.get("reason") or "")) + 2 for _, row in rows), default=0),
        )
        super().reorder()

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        row = self.terrarium.hive.proposals.get(key)
        if row is None:
            return []
        if self._placed[:2] != (width, self._longest):
            self._placed = (width, self._longest, place(columns(*self._longest), width))
        return cells(self._placed[2], Shown(key, row, self.terrarium.clock()), self.ink)

    def nothing(self) -> str:
        if self.selector:
            return "No proposal is like that. Esc shows all."
        return "Nobody wants a change." if self.terrarium.hive.synced else ""

    def note(self) -> str:
        waiting = self.terrarium.hive.waiting()
        if waiting:
            return f"{waiting} wait{'s' if waiting == 1 else ''} for you"
        return f"by {self.sort}" if self._keys else ""
