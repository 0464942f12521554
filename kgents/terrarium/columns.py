"""Which columns there is room for, and how wide each is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.segment import Segment

from kgents.terrarium.draw import Line, cut, fit, length
from kgents.terrarium.ink import Ink

T = TypeVar("T")
GAP = 2


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """`draw(item, width, ink)` gives at most `width` cells. The lower its `rank`, the later a column is left out.

    `width` is what it needs; it may grow up to `widest`, once all columns that fit are there.
    """

    title: str
    width: int
    rank: int
    draw: Callable[[T, int, Ink], Line]
    widest: int = 0
    right: bool = False


Placed = list[tuple[Column[T], int]]


def place(columns: Sequence[Column[T]], width: int) -> Placed[T]:
    """The columns that fit into `width`, in their order, with the room each gets."""
    kept: list[Column[T]] = []
    left = width + GAP
    for column in sorted(columns, key=lambda one: one.rank):
        if column.width + GAP > left:
            break
        kept.append(column)
        left -= column.width + GAP
    if not kept:
        first = min(columns, key=lambda one: one.rank)
        return [(first, max(width, 0))]
    widths = {id(column): column.width for column in kept}
    for column in kept:  # the most wanted grow first
        more = min(max(column.widest - column.width, 0), left)
        widths[id(column)] += more
        left -= more
    return [(column, widths[id(column)]) for column in columns if id(column) in widths]


def titles(placed: Placed[T], ink: Ink) -> Line:
    quiet = ink.style("quiet")
    line: Line = []
    for column, width in placed:
        line += [Segment(fit(column.title, width, right=column.right), quiet), Segment(" " * GAP, quiet)]
    return line[:-1]


def cells(placed: Placed[T], item: T, ink: Ink) -> Line:
    """One row, every cell in exactly its width."""
    line: Line = []
    blank = ink.style("text")
    for column, width in placed:
        drawn = cut(column.draw(item, width, ink), width)
        room = Segment(" " * (width - length(drawn)), blank)
        line += [room, *drawn] if column.right else [*drawn, room]
        line.append(Segment(" " * GAP, blank))
    return line[:-1]
