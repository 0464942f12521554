"""Labels of the field: the hot spots say what they are, the others bear two letters. None lies over another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len

from kgents.terrarium.draw import clean, fit
from kgents.terrarium.heat.colours import Inks, Rgb, is_dark, mix, plate
from kgents.terrarium.heat.picture import BOLD, Box, Label, Picture, Stop
from kgents.terrarium.heat.scent import Spot, mark

HOT: Final = 0.2
"""From this strength on a spot has a label, if there is room."""
SEEN: Final = 0.08
"""From this strength on it has two letters at least."""
_AREA: Final = 100
"""Cells of the pane for each whole label, so that the field stays a field."""
_SHORTEST: Final = 5
"""A name cut to less says nothing."""
_AIR: Final = 2
_LINES: Final = (0, 1, -1, 2, -2)


def put_labels(picture: Picture, spots: Sequence[Spot]) -> None:
    """Labels for the stops of `picture`, which are those of `spots`, the strongest first."""
    taken = _Taken(picture)
    whole = max(picture.width * picture.height // _AREA, 1)
    for spot, stop in zip(spots, picture.stops, strict=True):
        if spot.strength < SEEN:
            continue
        hot = spot.strength >= HOT and whole > 0
        for text in _forms(spot, picture.width) if hot else (mark(spot.type),):
            size = cell_len(text)
            where = taken.room(stop, size)
            if where is not None:
                _put(picture, taken, stop, text, *where)
                whole -= size > 2
                break


def _forms(spot: Spot, width: int) -> Iterator[str]:
    """From the whole label to the shortest."""
    name = clean(spot.emitter[1])
    many = f" ×{len(spot.scents)}" if len(spot.scents) > 1 else ""
    for type in (clean(spot.type) or "?", mark(spot.type)):
        head, tail = f"{type} ", f"{' ' if name else ''}{spot.strength:.2f}{many}"
        room = width - cell_len(head) - cell_len(tail)
        if cell_len(name) <= room:
            yield head + name + tail
        if min(_SHORTEST, room) == _SHORTEST < cell_len(name):
            yield head + fit(name, min(room, max(_SHORTEST, width // 6))).rstrip() + tail
    yield mark(spot.type)


class _Taken:
    """Which cells have text, and a free place near a stop."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._lines: dict[int, list[tuple[int, int]]] = {}

    def take(self, x: int, y: int, size: int) -> None:
        self._lines.setdefault(y, []).append((x, x + size))

    def room(self, stop: Stop, size: int) -> tuple[int, int] | None:
        """Where a label of `size` cells goes: on its spot, else beside it. None: there is no room."""
        width, height = self._picture.width, self._picture.height
        if size > width:
            return None
        if size <= 2:
            x = min(stop.x, width - size)
            return (x, stop.y) if self._free(x, stop.y, size) else None
        for line in _LINES:
            y = stop.y + line
            if not 0 <= y < height:
                continue
            for left in (stop.x - size // 2, stop.x - 2, stop.x - size + 3):
                margin = 1 if size + 2 <= width else 0
                x = min(max(left, margin), width - size - margin)
                if self._free(x, y, size):
                    return x, y
        return None

    def _free(self, x: int, y: int, size: int) -> bool:
        return all(right + _AIR <= x or x + size + _AIR <= left for left, right in self._lines.get(y, ()))


def _bright(ink: Inks) -> Rgb:
    """The text colour, further from the ground: it stands on light."""
    return mix(ink.tones["text"], (255, 255, 255) if is_dark(ink.ground) else (0, 0, 0), 0.7)


def _put(picture: Picture, taken: _Taken, stop: Stop, text: str, x: int, y: int) -> None:
    size = cell_len(text)
    taken.take(x, y, size)
    ink = picture.ink
    row = picture.cells[y]
    tone = _bright(ink) if size > 2 else ink.tones["quiet"]
    if ink.colours:
        for column in range(x, x + size):
            shown, upper, lower, _ = row[column]
            under = mix(upper, lower, 0.5) if shown == "▀" and upper and lower else ink.ground
            row[column] = (" ", tone, plate(under, tone, ink.ground), 0)
    for column in (x - 1, x + size):  # air, without which blocks would run into the letters
        if 0 <= column < picture.width and row[column][0] in "░▒▓█":
            row[column] = (" ", None, row[column][2], 0)
    picture.put(x, y, text, tone, weight=BOLD if size > 2 else 0)
    picture.labels.append(Label(x, y, text, stop))
    picture.boxes.append(Box(x, y, x + size, y + 1, stop))
