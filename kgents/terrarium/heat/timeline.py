"""The timeline: the last minutes from left to right, a band for each type. A signal rises when it is emitted, at its
initial intensity, and its decay is the tail behind it; of several the strongest is seen. The right edge is now.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from kgents.api import duration, pheromone
from kgents.looks import LEVELS
from kgents.terrarium.draw import clean
from kgents.terrarium.heat.colours import Inks, mix
from kgents.terrarium.heat.picture import Box, Picture, Stop
from kgents.terrarium.heat.scent import Scent, mark, strongest_first, types_of

WINDOWS: Final = (300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400)
"""Spans that are shown, in seconds: the shortest that holds nearly all."""
_NEARLY: Final = 0.9
_HIGHEST: Final = 4
"""Lines of one type, where there is room."""
_NARROW: Final = 56
_FIGURES: Final = 40
_TICK: Final = 14
"""Cells between two marks of the scale, about."""
_GROUPS: Final = 64
"""Different half-lives of one type that are told apart; of more, the strongest signals are."""
_SHADES: Final = 32


def timeline(scents: Sequence[Scent], width: int, height: int, ink: Inks, *, smooth: bool = True) -> Picture:
    """The picture of `scents`; its last line is the scale."""
    picture = Picture(width, height, ink)
    types = types_of(scents)
    if not types or height < 2 or width < 8:
        return picture
    lines = height - 1
    kept = _kept(types, scents, lines)
    narrow = width < _NARROW
    names = 2 if narrow else min(max(cell_len(clean(type)) for type in kept), 14)
    left, right = names + 1, width - (5 if width >= _FIGURES else 0)
    seconds = window(scents)
    high = min(max(lines // len(kept), 1), _HIGHEST)
    air = 1 if high >= 2 and lines >= len(kept) * high + len(kept) - 1 else 0
    for nth, type in enumerate(kept):
        band = _Band(type, [scent for scent in scents if scent.type == type], right - left, seconds)
        top = nth * (high + air)
        base = top + high - 1
        hue = ink.hue(type)
        picture.put(0, base, mark(type) if narrow else clean(type) or "?", hue, room=names)
        _put_band(picture, band, left, top, high, smooth)
        if right < width:
            now = band.values[-1]
            picture.put(right + 1, base, f"{now:.2f}" if now >= pheromone.EVAPORATED else "", "quiet")
    picture.named = not narrow and len(kept) == len(types)
    hidden = len(types) - len(kept)
    _put_scale(picture, left, right, seconds, f"+{hidden}" if hidden else "")
    return picture


def window(scents: Sequence[Scent]) -> int:
    """How many seconds are shown."""
    ages = sorted(_age(scent) for scent in scents)
    oldest = ages[min(int(len(ages) * _NEARLY), len(ages) - 1)] if ages else 0.0
    return next((span for span in WINDOWS if oldest <= span), WINDOWS[-1])


class _Band:
    """One type over time: `values` by column, and the stop that each of them is due to."""

    def __init__(self, type: str, scents: Sequence[Scent], columns: int, seconds: int) -> None:
        self.type = type
        self.values = [0.0] * columns
        self.owners: list[int | None] = [None] * columns
        """For each column, where the signal that is strongest there was emitted; -1: before."""
        self.emitted: dict[int, list[Scent]] = {}
        step = seconds / columns
        groups: dict[float, list[Scent]] = {}
        for scent in scents:
            self.emitted.setdefault(_column(scent, columns, step), []).append(scent)
            groups.setdefault(scent.half_life, []).append(scent)
        loudest = sorted(groups.items(), key=lambda group: -max(scent.intensity for scent in group[1]))
        for half_life, group in loudest[:_GROUPS]:
            self._add(half_life, group, columns, step)

    def _add(self, half_life: float, scents: Sequence[Scent], columns: int, step: float) -> None:
        """Signals that fade alike: whichever is the strongest stays so, until a new one outdoes it."""
        fading = pheromone.intensity(1.0, half_life, step)
        begun: dict[int, float] = {}
        for scent in scents:
            column = _column(scent, columns, step)
            initial = min(max(scent.initial, scent.intensity, 0.0), 1.0)
            if column < 0:
                initial = pheromone.intensity(initial, half_life, _age(scent) - columns * step)
            begun[column] = max(begun.get(column, 0.0), initial)
        value, owner = begun.get(-1, 0.0), -1
        for column in range(columns):
            value *= fading
            if begun.get(column, 0.0) >= value and column in begun:
                value, owner = begun[column], column
            if value > self.values[column]:
                self.values[column], self.owners[column] = value, owner


def _put_band(picture: Picture, band: _Band, left: int, top: int, high: int, smooth: bool) -> None:
    ink, hue = picture.ink, picture.ink.hue(band.type)
    for column, value in enumerate(band.values):
        if value < pheromone.EVAPORATED:
            picture.put(left + column, top + high - 1, "▁" if high > 1 else "·", "line")
            continue
        share = round(value * _SHADES) / _SHADES
        tone = mix(ink.ground, hue, 0.3 + 0.7 * share) if smooth and ink.colours else hue
        eighths = max(round(value * high * 8), 1)
        for line in range(high):
            filled = min(max(eighths - 8 * line, 0), 8)
            if filled:
                picture.put(left + column, top + high - 1 - line, LEVELS[filled], tone)
    _add_stops(picture, band, left, top, high)


def _add_stops(picture: Picture, band: _Band, left: int, top: int, high: int) -> None:
    stops: dict[int, Stop] = {}
    for column, scents in sorted(band.emitted.items()):
        strength = max(scent.initial for scent in scents)
        at = left + max(column, 0)
        stops[column] = Stop((band.type, scents[0].key), at, top + high - 1, strongest_first(scents), strength)
    begin = 0
    for column in range(1, len(band.owners) + 1):
        owner = band.owners[begin]
        if column < len(band.owners) and band.owners[column] == owner:
            continue
        if owner is not None and owner in stops:
            picture.boxes.append(Box(left + begin, top, left + column, top + high, stops[owner]))
        begin = column
    for column, stop in stops.items():
        if column >= 0 and band.owners[column] != column:  # what another outshines is found where it was emitted
            picture.boxes.append(Box(stop.x, top, stop.x + 1, top + high, stop))
        if column >= 0 or band.owners[0] == column:  # what faded before the first column is not seen
            picture.stops.append(stop)


def _put_scale(picture: Picture, left: int, right: int, seconds: int, hidden: str) -> None:
    """Marks at even times; the last is now."""
    y, columns = picture.height - 1, right - left
    picture.put(0, y, hidden, "quiet", room=max(left - 1, 0))
    picture.put(left, y, "─" * columns, "line")
    parts = max(min(columns // _TICK, 6), 1)
    parts = next(part for part in range(parts, 0, -1) if seconds % (part * 60) == 0)
    end = right
    picture.put(max(right - 3, left), y, "now", "text", room=min(3, columns))
    for part in range(parts):
        text = duration.age(seconds * (parts - part) / parts)
        x = left + columns * part // parts
        if x + len(text) + 1 < end - 3:
            picture.put(x, y, f"{text} ", "quiet")


def _kept(types: Sequence[str], scents: Sequence[Scent], lines: int) -> list[str]:
    """The types that have a band: all, or as many as there are lines, the strongest ones."""
    if len(types) <= lines:
        return list(types)
    strongest: dict[str, float] = {}
    for scent in scents:
        strongest[scent.type] = max(strongest.get(scent.type, 0.0), scent.intensity)
    chosen = set(sorted(types, key=lambda type: (-strongest[type], type))[:lines])
    return [type for type in types if type in chosen]


def _column(scent: Scent, columns: int, step: float) -> int:
    """The column of its emission; -1 for what was emitted before the first."""
    back = _age(scent) / step
    return max(columns - 1 - math.floor(back), -1) if back < columns + 1 else -1


def _age(scent: Scent) -> float:
    """Seconds since its emission; what comes from a clock that is ahead is of now."""
    return scent.age if 0.0 <= scent.age < math.inf else 0.0
