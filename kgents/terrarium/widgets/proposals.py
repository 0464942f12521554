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


COLUMNS: tuple[Column[Shown], ...] = (
    Column("", 12, 0, _phase, widest=13),
    Column("", 14, 1, _name, widest=28),
    Column("", 14, 5, _target, widest=26),
    Column("", 18, 6, _change, widest=60),
    Column("", 5, 2, _risk, widest=13),
    Column("", 8, 4, _proposer, widest=18),
    Column("", 12, 3, _reason, widest=40),
    Column("", 6, 7, _age, right=True),
)


class Proposals(Pane):
    """The proposals, newest first among those that wait alike."""

    TITLE = "PROPOSALS"
    SORTS: ClassVar[tuple[str, ...]] = ordering.PROPOSAL_SORTS

    def __init__(self) -> None:
        super().__init__(id="proposals")
        self._keys: list[Key] = []
        self._placed: tuple[int, Placed[Shown]] = (-1, [])

    def keys(self) -> Sequence[Key]:
        return self._keys

    def reorder(self) -> None:
        self._keys = ordering.proposals(self.terrarium.hive.proposals, self.sort, self.selector)
        super().reorder()

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        row = self.terrarium.hive.proposals.get(key)
        if row is None:
            return []
        if self._placed[0] != width:
            self._placed = (width, place(COLUMNS, width))
        return cells(self._placed[1], Shown(key, row, self.terrarium.clock()), self.ink)

    def nothing(self) -> str:
        if self.selector:
            return "No proposal is like that. Esc shows all."
        return "Nobody wants a change." if self.terrarium.hive.synced else ""

    def note(self) -> str:
        waiting = self.terrarium.hive.waiting()
        if waiting:
            return f"{waiting} wait{'s' if waiting == 1 else ''} for you"
        return f"by {self.sort}" if self._keys else ""
