"""How signals decay. Pure: every time is an argument, in seconds since 1970, and every duration in seconds.

    intensity(t) = initial * 2 ** (-(t - emitted) / half_life)

A pheromone has evaporated once that is below 0.01, or its ttl is over. Nothing that an object lacks or gets wrong may
make it last for ever: a broken half-life is the usual one of the type, a broken time of emission is that of creation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import duration, times

TYPES = (
    "WARNING",
    "OPPORTUNITY",
    "SCARCITY",
    "CAPABILITY",
    "INTENT",
    "STATE",
    "MEMORY",
    "NARRATIVE",
    "METAPHOR",
    "DREAM",
    "TEST",
    "CHAOS",
    "REVIEW_REQUEST",
)
EVAPORATED = 0.01
"""Below this intensity a pheromone is no more."""
USUAL_HALF_LIFE = 30 * 60.0
HALF_LIVES = {"WARNING": 5 * 60.0, "SCARCITY": 15 * 60.0, "REVIEW_REQUEST": 3600.0, "DREAM": 2 * 3600.0}
CROSSING_PRECISION = 0.001


def default_half_life(type: object) -> float:
    """The usual half-life of a type, in seconds; of an unknown one too."""
    return HALF_LIVES.get(type, USUAL_HALF_LIFE) if isinstance(type, str) else USUAL_HALF_LIFE


def intensity(initial: float, half_life: float, age: float) -> float:
    """What is left of `initial` after `age`. Before its emission a pheromone has its initial intensity."""
    if age <= 0:
        return initial
    # A half-life below any float's reach divides to infinity: gone at once.
    return initial * 2.0 ** -(age / half_life) if half_life > 0 else 0.0


def lifetime(initial: float, half_life: float, ttl: float | None = None) -> float:
    """How long after its emission a pheromone evaporates; 0 if it is too weak from the start."""
    fading = half_life * math.log2(initial / EVAPORATED) if initial > EVAPORATED else 0.0
    return fading if ttl is None else min(fading, ttl)


@dataclass(frozen=True, slots=True)
class Decay:
    """All about a pheromone that its intensity depends on."""

    initial: float
    half_life: float
    emitted: float
    ttl: float | None = None

    @property
    def evaporates(self) -> float:
        """When it evaporates."""
        return self.emitted + lifetime(self.initial, self.half_life, self.ttl)

    def at(self, now: float) -> float:
        """Its intensity, 0 once it has evaporated."""
        if now >= self.evaporates:
            return 0.0
        return intensity(self.initial, self.half_life, now - self.emitted)


def decay_of(pheromone: Mapping[str, Any]) -> Decay:
    """The decay of a Pheromone object, however incomplete; without any time at all it evaporated long ago."""
    spec = pheromone.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    ttl = duration.parse_or(spec.get("ttl"), math.inf)
    return Decay(
        initial=_initial(spec.get("initialIntensity")),
        half_life=duration.parse_or(spec.get("halfLife"), default_half_life(spec.get("type"))),
        emitted=emitted_at(pheromone),
        ttl=None if math.isinf(ttl) else ttl,
    )


def emitted_at(pheromone: Mapping[str, Any]) -> float:
    """When it was emitted: `spec.emittedAt`, but not after its creation, else a clock that is ahead stops all decay."""
    spec, metadata = pheromone.get("spec"), pheromone.get("metadata")
    emitted = times.parse(spec.get("emittedAt")) if isinstance(spec, Mapping) else None
    created = times.parse(metadata.get("creationTimestamp")) if isinstance(metadata, Mapping) else None
    if emitted is None:
        return 0.0 if created is None else created
    # creationTimestamp has whole seconds: within that second the emitter's own time is the better one.
    return emitted if created is None else min(emitted, created + 1.0)


def strength(decays: Iterable[Decay], now: float) -> float:
    """The sum of what is there now."""
    return math.fsum(decay.at(now) for decay in decays)


def next_crossing(decays: Iterable[Decay], threshold: float, now: float) -> float | None:
    """When the sum of `decays` falls below `threshold` if nothing is added; None when it is below already.

    Exact to a millisecond, and never early: at the time returned the sum is below.
    """
    alive = [decay for decay in decays if decay.at(now) > 0]
    total = strength(alive, now)
    if threshold <= 0 or total < threshold:
        return None
    low, high = now, max(decay.evaporates for decay in alive)
    half_lives = {decay.half_life for decay in alive}
    if len(half_lives) == 1 and all(decay.emitted <= now for decay in alive):
        guess = now + half_lives.pop() * math.log2(total / threshold) + CROSSING_PRECISION / 2
        if guess < min(decay.evaporates for decay in alive) and strength(alive, guess) < threshold:
            return guess
    while high - low > CROSSING_PRECISION:
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        if strength(alive, middle) < threshold:
            high = middle
        else:
            low = middle
    return high


def _initial(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return 1.0
    return min(max(float(value), 0.0), 1.0)
