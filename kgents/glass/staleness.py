"""How old is too old. Pure rules; every answer that is not live is judged by these.

    age < T        fresh    shown at once
    age < 2T       stale    shown when nothing live answers
    beyond         old      shown all the same, loudly dated: it is most wanted in the outage

T = base · (1 + stability): what rarely changes stays true for longer.
"""

from __future__ import annotations

from typing import Literal

Staleness = Literal["live", "fresh", "stale", "old"]

BASE_SECONDS = {"agents": 60.0, "pheromones": 30.0, "proposals": 300.0, "cluster": 120.0}
OTHERWISE_SECONDS = 60.0
WINDOW_SECONDS = 600.0
"""Over this long the changes of a hive are counted for its stability."""


def fresh_for(kind: str, stability: float) -> float:
    """T in seconds. `stability` outside [0, 1] is taken as its nearest end."""
    return BASE_SECONDS.get(kind, OTHERWISE_SECONDS) * (1.0 + min(max(stability, 0.0), 1.0))


def classify(kind: str, age: float, stability: float = 0.0, *, outdated: bool = False) -> Staleness:
    """`outdated`: something of this kind was written since, so it cannot be fresh whatever its age."""
    limit = fresh_for(kind, stability)
    if age >= 2 * limit:
        return "old"
    return "stale" if outdated or age >= limit else "fresh"


def acceptable(age: float, max_age: float | None) -> bool:
    """May an answer of this age be shown to who asked for `max_age` seconds at most (None: any age)?"""
    return max_age is None or age <= max_age


def stability_score(changes: int, window: float = WINDOW_SECONDS) -> float:
    """1 for a hive in which nothing changed over `window` seconds, ½ at one change a minute, towards 0 beyond."""
    per_minute = changes * 60.0 / window
    return 1.0 / (1.0 + per_minute)
