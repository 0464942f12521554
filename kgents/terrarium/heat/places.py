"""Where a spot lies: at its own position, or where its source and its type put it. What has a place keeps it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

from kgents.api import pheromone
from kgents.terrarium.heat.scent import Key, Spot

Place = tuple[float, float]
"""Across and down, 0 to 1."""

_ACROSS: Final = frozenset({"x", "lon", "lng", "long", "longitude"})
_UPWARD: Final = frozenset({"lat", "latitude"})
_DOWN: Final = _UPWARD | {"y"}
_LARGEST: Final = 1e15
"""Coordinates beyond it count as it: differences of larger ones are no numbers any more."""
_TRIES: Final = 24
_RELAXED: Final = 80
"""With so many placed, others no longer look for free air: there is none, and looking costs."""
_REMEMBERED: Final = 2000
_WIDTH: Final = 0.4
_HEIGHT: Final = 0.3
"""The share of an ordinary pane that a spot and its label take, with the air around them."""
_LOOSE: Final = 0.15
"""How far from where its source and type meet a place may always be, so that crowds make no lines."""
_BANDS: Final = {
    type: nth for nth, type in enumerate(pheromone.TYPES[0::3] + pheromone.TYPES[2::3] + pheromone.TYPES[1::3])
}

Ident = tuple[Key, str, Key]


class Places:
    """Remembers the places of spots, so that nothing jumps when others come and go."""

    def __init__(self) -> None:
        self._kept: dict[Ident, Place] = {}

    def of(self, spots: Sequence[Spot]) -> list[Place]:
        """A place for each spot, in their order."""
        points = [coordinates(spot.scents[0].position) for spot in spots]
        across = _frame([point[0] for point in points if point])
        down = _frame([point[1] for point in points if point and point[1] is not None])
        wanting = [spot for spot, point in zip(spots, points, strict=True) if point is None]
        self._settle(wanting)
        made: list[Place] = []
        for spot, point in zip(spots, points, strict=True):
            if point is None:
                made.append(self._kept[spot.ident])
            else:
                lower = _band(spot.type) if point[1] is None else _share(point[1], down)
                made.append((_share(point[0], across), lower))
        return made

    def _settle(self, spots: Sequence[Spot]) -> None:
        if len(self._kept) > _REMEMBERED:
            present = {spot.ident for spot in spots}
            self._kept = {ident: place for ident, place in self._kept.items() if ident in present}
        new = [spot for spot in spots if spot.ident not in self._kept]
        if not new:
            return
        # The order must not hang on the strengths: a hive looked at a minute later should look the same.
        shown = {spot.ident for spot in spots}
        taken = [place for ident, place in self._kept.items() if ident in shown]
        for spot in sorted(new, key=lambda spot: spot.ident):
            place = _free(spot, taken if len(taken) < _RELAXED else [])
            self._kept[spot.ident] = place
            taken.append(place)


def coordinates(position: Mapping[str, float] | None) -> tuple[float, float | None] | None:
    """(across, down) of a position: `x` and `y`, longitude and latitude (north is up), else its first two numbers."""
    numbers = {
        str(name).lower(): min(max(float(value), -_LARGEST), _LARGEST)
        for name, value in (position or {}).items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
    if not numbers:
        return None
    names = list(numbers)
    across = next((name for name in names if name in _ACROSS), None)
    down = next((name for name in names if name in _DOWN), None)
    across = across or next((name for name in names if name != down), None)
    down = down or next((name for name in names if name != across), None)
    if across is None:
        return 0.0, _turned(down, numbers)
    return numbers[across], _turned(down, numbers)


def _turned(down: str | None, numbers: Mapping[str, float]) -> float | None:
    if down is None:
        return None
    return -numbers[down] if down in _UPWARD else numbers[down]


def _frame(values: Sequence[float]) -> tuple[float, float]:
    """The range to show, rounded outwards so that a newcomer seldom moves the others; 0 to 1 where all lie in it."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    if high <= low:
        return low, low
    step = 10.0 ** math.floor(math.log10(high - low))
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _share(value: float, frame: tuple[float, float]) -> float:
    low, high = frame
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def _free(spot: Spot, taken: Sequence[Place]) -> Place:
    """Near where source and type put it, where the air is free."""
    across, down = _hashed(*spot.emitter, "")[0], _band(spot.type)
    best, found = -math.inf, (across, down)
    for nth in range(_TRIES if taken else 1):
        aside, lower = _hashed(*spot.emitter, spot.type, str(nth))
        spread = _LOOSE + nth / _TRIES
        tried = (_inside(across + (aside - 0.5) * spread * 1.7), _inside(down + (lower - 0.5) * spread * 1.5))
        room = min((_apart(tried, other) for other in taken), default=1.0)
        score = min(room, 1.5) - 0.3 * spread
        if score > best:
            best, found = score, tried
    return found


def _apart(one: Place, other: Place) -> float:
    """The distance of two places, in spots."""
    return math.hypot((one[0] - other[0]) / _WIDTH, (one[1] - other[1]) / _HEIGHT)


def _band(type: str) -> float:
    """The height of a type: bands in which neighbours of the usual order lie apart."""
    nth = _BANDS.get(type)
    return _hashed(type)[0] if nth is None else (nth + 0.5) / len(_BANDS)


def _inside(share: float) -> float:
    """Turned back at the edges, so that nothing gathers there."""
    share = abs(share)
    return share if share <= 1.0 else max(2.0 - share, 0.0)


def _hashed(*words: str) -> Place:
    """Two numbers of 0 to 1 that are the same for these words on every machine, always."""
    digest = hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4]) / 0xFFFFFFFF, int.from_bytes(digest[4:8]) / 0xFFFFFFFF
