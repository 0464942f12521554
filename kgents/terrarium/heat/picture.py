"""A picture: cells to show, the stops that a cursor makes on it, and which signals made what is at a cell."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len

from kgents.terrarium.draw import ELLIPSIS, clean
from kgents.terrarium.heat.colours import Inks, Rgb
from kgents.terrarium.heat.scent import Scent

Cell = tuple[str, Rgb | None, Rgb | None, int]
"""Text ("" behind a wide one), foreground, background (None: the terminal's own), and weight: a sum of the three."""
BOLD: Final = 1
DIM: Final = 2
REVERSE: Final = 4
Piece = tuple[str, str | Rgb, int]
"""Text of a line, its tone or colour, and weight."""
_PAINTERS: Final = "\ufe0e\ufe0f\u200d"
"""Signs that make another one wider or narrower than it is by itself."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a cursor halts: a spot, a cell of the grid, an emission. `reach` in columns: how far it is felt."""

    ident: Hashable
    x: int
    y: int
    scents: tuple[Scent, ...]
    strength: float = 0.0
    reach: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """Cells that belong to a stop: columns from `left` up to before `right`, lines likewise."""

    left: int
    top: int
    right: int
    bottom: int
    stop: Stop

    def holds(self, x: int, y: int) -> bool:
        return self.left <= x < self.right and self.top <= y < self.bottom


@dataclass(slots=True)
class Label:
    """Text that stands on the picture, whole or marked as cut."""

    x: int
    y: int
    text: str
    stop: Stop


@dataclass(slots=True)
class Picture:
    """`cells[y][x]`. Text is put onto it; what does not fit is cut and marked, what lies outside is left out."""

    width: int
    height: int
    ink: Inks
    cells: list[list[Cell]] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    named: bool = False
    """Whether its types stand on it in full, so that no legend has to say them."""

    def __post_init__(self) -> None:
        if not self.cells:
            blank: Cell = (" ", None, self.colour(self.ink.ground), 0)
            self.cells = [[blank] * self.width for _ in range(self.height)]

    def colour(self, colour: Rgb) -> Rgb | None:
        return colour if self.ink.colours else None

    def put(
        self,
        x: int,
        y: int,
        text: str,
        tone: str | Rgb = "text",
        *,
        on: Rgb | None = None,
        weight: int = 0,
        room: int | None = None,
    ) -> int:
        """Puts text on line `y` from column `x`, in at most `room` cells. Returns the column behind it.

        The background stays as it is, unless `on` says another one.
        """
        room = self.width - x if room is None else min(room, self.width - x)
        if not 0 <= y < self.height or x < 0 or room <= 0:
            return x
        if isinstance(tone, str):
            foreground = self.colour(self.ink.tones[tone])
            if not self.ink.colours and tone in ("quiet", "line"):
                weight |= DIM
        else:
            foreground = self.colour(tone)
        ground = self.colour(on) if on is not None else None
        row = self.cells[y]
        for shown, size in fitted(text, room):
            row[x] = (shown, foreground, ground or row[x][2], weight)
            if size == 2:
                row[x + 1] = ("", foreground, ground or row[x + 1][2], weight)
            x += size
        return x

    def write(self, x: int, y: int, pieces: Sequence[Piece], room: int | None = None) -> int:
        """Puts one piece behind the other. Where they have no room, the last that has is cut and marked."""
        end = self.width if room is None else min(x + room, self.width)
        for nth, (text, tone, weight) in enumerate(pieces):
            left = end - x
            rest = nth + 1 < len(pieces)
            if rest and sum(cell_len(clean(more)) for more, _, _ in pieces[nth:]) > left and cell_len(text) >= left:
                rest = False
                text = text + ELLIPSIS * left
            x = self.put(x, y, text, tone, weight=weight, room=left)
            if not rest:
                break
        return x

    def reverse(self, left: int, right: int, y: int) -> None:
        """Marks cells as those under the cursor: text and ground change places, so that any terminal shows it."""
        row = self.cells[y]
        for x in range(max(left, 0), min(right, self.width)):
            if self.ink.colours:
                row[x] = (row[x][0], self.ink.ground, self.ink.tones["text"], BOLD)
            else:
                row[x] = (row[x][0], None, None, row[x][3] | REVERSE)

    def at(self, x: int, y: int) -> list[Stop]:
        """The stops that made what is at this cell, the one that matters most first."""
        found = [box.stop for box in self.boxes if box.holds(x, y)]
        felt = [(stop.strength * _nearness(stop, x, y), stop) for stop in self.stops if stop.reach]
        felt.sort(key=lambda pair: -pair[0])
        return found + [stop for share, stop in felt if share > 0.02 and stop not in found]

    def scents_at(self, x: int, y: int) -> tuple[Scent, ...]:
        """The signals that made what is at this cell, those of the spot that matters most first."""
        return tuple(scent for stop in self.at(x, y) for scent in stop.scents)

    def next(self, x: int, y: int, across: int, down: int) -> Stop | None:
        """The nearest stop in a direction; None where there is none."""
        best: tuple[float, Stop] | None = None
        for stop in self.stops:
            ahead = (stop.x - x) * across + 2 * (stop.y - y) * down
            aside = abs((stop.x - x) * down) + 2 * abs((stop.y - y) * across)
            if ahead > 0 and (best is None or ahead + 2 * aside < best[0]):
                best = (ahead + 2 * aside, stop)
        return best[1] if best else None

    def stop(self, ident: Hashable) -> Stop | None:
        return next((stop for stop in self.stops if stop.ident == ident), None)

    def copy(self) -> Picture:
        """One that can be drawn on without changing this one."""
        cells = [row[:] for row in self.cells]
        return Picture(self.width, self.height, self.ink, cells, self.stops, self.boxes, self.labels)


def fitted(text: str, room: int) -> list[tuple[str, int]]:
    """`text` as (what one cell shows, its width in cells), in at most `room` cells; what is cut is marked."""
    parts = _parts(text)
    if sum(size for _, size in parts) <= room:
        return parts
    kept: list[tuple[str, int]] = []
    for part in parts:
        if part[1] > room - 1:
            break
        kept.append(part)
        room -= part[1]
    return [*kept, (ELLIPSIS, 1)]


def _parts(text: str) -> list[tuple[str, int]]:
    text = text if text.isprintable() else clean(text)
    if text.isascii():
        return [(sign, 1) for sign in text]
    parts: list[tuple[str, int]] = []
    for sign in text:
        size = cell_len(sign)
        if size:
            parts.append((sign, size))
        elif parts and sign not in _PAINTERS:
            joined = parts[-1][0] + sign
            if cell_len(joined) == parts[-1][1]:
                parts[-1] = (joined, parts[-1][1])
    if cell_len("".join(part for part, _ in parts)) != sum(size for _, size in parts):
        return [(sign if sign.isascii() else "?", 1) for sign in text]
    return parts


def _nearness(stop: Stop, x: int, y: int) -> float:
    """1 at the stop, less around it; a line is about two columns high."""
    away = ((x - stop.x) ** 2 + (2 * (y - stop.y)) ** 2) / (stop.reach * stop.reach)
    return math.exp(-away * 2) if away < 1.5 else 0.0
