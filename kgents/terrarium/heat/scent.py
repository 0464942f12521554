"""Signals as the pictures need them, and spots: what one source says of one type, at one place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, Final

from kgents.api import pheromone
from kgents.terrarium.draw import clean

Key = tuple[str, str]
"""Namespace and name."""

SPOTS: Final = 400
"""More spots than this are never drawn; the strongest are."""
_MARKS: Final = {"METAPHOR": "MT", "REVIEW_REQUEST": "RR"}
_ORDER: Final = {type: nth for nth, type in enumerate(pheromone.TYPES)}


@dataclass(frozen=True, slots=True)
class Scent:
    """A signal as it is now. `intensity` and `initial` 0-1, `age` and `half_life` in seconds."""

    key: Key
    type: str
    source: str
    intensity: float
    age: float
    half_life: float
    initial: float = 1.0
    target: str = ""
    position: Mapping[str, float] | None = None
    payload: str = ""
    caused_by: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], intensity: float, age: float) -> Scent:
        """From a row of `observe`; `intensity` and `age` are those of now, which the row's no longer are."""
        position = row.get("position")
        return cls(
            key=(str(row.get("namespace") or ""), str(row.get("name") or "")),
            type=str(row.get("type") or ""),
            source=str(row.get("source") or ""),
            intensity=intensity,
            age=age,
            half_life=_number(row.get("halfLifeSeconds"), pheromone.USUAL_HALF_LIFE),
            initial=_number(row.get("initialIntensity"), intensity),
            target=str(row.get("target") or ""),
            position=position if isinstance(position, Mapping) else None,
            payload=str(row.get("payload") or ""),
            caused_by=tuple(str(cause) for cause in row.get("causedBy") or ()),
        )

    @property
    def emitter(self) -> Key:
        """Namespace and name of its source."""
        return self.key[0], self.source


@dataclass(slots=True)
class Spot:
    """Signals of one type that one source has at one place; they add up."""

    emitter: Key
    type: str
    scents: list[Scent]
    strength: float

    @property
    def ident(self) -> tuple[Key, str, Key]:
        """What stays the same while it lasts. Those with a position of their own are told apart by their name."""
        first = self.scents[0]
        return self.emitter, self.type, first.key if first.position else ("", "")


def alive(scents: Iterable[Scent]) -> list[Scent]:
    """Those that can be shown: with an intensity above nothing."""
    return [scent for scent in scents if 0.0 < scent.intensity < math.inf]


def spots_of(scents: Iterable[Scent], limit: int = SPOTS) -> list[Spot]:
    """The strongest spots, the strongest first; of equals always the same one first."""
    found: dict[tuple[object, ...], Spot] = {}
    for scent in scents:
        place = tuple(scent.position.items()) if scent.position else ()
        spot = found.get((scent.key[0], scent.source, scent.type, place))
        if spot is None:
            found[scent.key[0], scent.source, scent.type, place] = Spot(
                scent.emitter, scent.type, [scent], scent.intensity
            )
        else:
            spot.scents.append(scent)
            spot.strength += scent.intensity
    return nlargest(limit, found.values(), key=lambda spot: (spot.strength, spot.ident))


def strongest_first(scents: Iterable[Scent]) -> tuple[Scent, ...]:
    return tuple(sorted(scents, key=lambda scent: (-scent.intensity, scent.key)))


def types_of(scents: Iterable[Scent]) -> list[str]:
    """The types that are there: the known ones in their order, then others by name."""
    return sorted({scent.type for scent in scents}, key=lambda type: (_ORDER.get(type, len(_ORDER)), type))


def mark(type: str) -> str:
    """Two letters that stand for a type, where a colour alone would have to: `WA` for WARNING."""
    letters = [sign for sign in clean(type).upper() if sign.isascii() and sign.isalnum()]
    return _MARKS.get(type) or ("".join(letters[:2]) or "??").ljust(2, "?")


def sources_of(scents: Sequence[Scent]) -> int:
    """How many there are that said something."""
    return len({scent.emitter for scent in scents})


def _number(value: object, otherwise: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return otherwise
    return float(value)
