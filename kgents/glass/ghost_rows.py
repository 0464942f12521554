"""Rows that were true then, as they are now: ages grow, pheromones decay, and the evaporated are gone.

It works on what a row says itself, so that it holds for the rows of every writer.
"""

from __future__ import annotations

from typing import Any

from kgents.api import times

Row = dict[str, Any]

EVAPORATED = 0.01


def as_of(kind: str, rows: list[Row], then: float, now: float) -> list[Row]:
    """`rows` of time `then` at time `now` (both in seconds since the epoch). Pheromones come strongest first."""
    passed = max(now - then, 0.0)
    if kind == "pheromones":
        living = [_decayed(row, passed) for row in rows if not _ended(row, now)]
        living = [row for row in living if not _evaporated(row)]
        return sorted(living, key=lambda row: -float(row.get("intensity") or 0.0))
    return [_aged(row, passed, then, now) for row in rows]


def _aged(row: Row, passed: float, then: float, now: float) -> Row:
    made = dict(row)
    age = row.get("ageSeconds")
    if isinstance(age, (int, float)):
        made["ageSeconds"] = type(age)(age + passed)
    for part in ("pheromones", "proposals"):
        if isinstance(row.get(part), list):
            made[part] = as_of(part, row[part], then, now)
    return made


def _decayed(row: Row, passed: float) -> Row:
    made = _aged(row, passed, 0.0, 0.0)
    intensity, half_life = row.get("intensity"), row.get("halfLifeSeconds")
    if isinstance(intensity, (int, float)) and isinstance(half_life, (int, float)) and half_life > 0:
        made["intensity"] = round(intensity * 2.0 ** (-passed / half_life), 6)
    return made


def _evaporated(row: Row) -> bool:
    intensity = row.get("intensity")
    return isinstance(intensity, (int, float)) and intensity < EVAPORATED


def _ended(row: Row, now: float) -> bool:
    evaporates = times.parse(row.get("evaporatesAt"))
    return evaporates is not None and evaporates <= now
