"""The rows of a table that lives: as they are now, though the server said nothing since. No I/O.

Ages grow and signals fade by arithmetic. What ended is shown for a moment, marked, and then is gone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from kgents.cli.columns import GONE, Row, Sheet
from kgents.glass.ghost_rows import as_of

LINGERS = 3.0
"""Seconds for which what has ended is still shown."""


@dataclass(slots=True)
class _Held:
    row: Row
    at: float
    ended: float | None = None


class LiveRows:
    """Signals come strongest first, and those weaker than `least` are left out; other rows by namespace and name."""

    def __init__(self, sheet: Sheet, least: float = 0.0) -> None:
        self._kind = sheet.noun if sheet.noun != "signals" else "pheromones"
        self._least = least
        self._held: dict[tuple[str, str], _Held] = {}

    @property
    def count(self) -> int:
        """How many there are, without those that have ended."""
        return sum(1 for held in self._held.values() if held.ended is None)

    def hear(self, type: str, item: bytes, now: float) -> Row:
        """Take a change, told at `now`. Returns the row as it is then: of what has ended, as it was in the end."""
        if type not in ("ADDED", "MODIFIED", "DELETED"):
            return {}
        row: Row = json.loads(item)
        key = (str(row.get("namespace")), str(row.get("name")))
        known = self._held.get(key)
        if type != "DELETED":
            self._held[key] = _Held(row, now)
            return row
        if known is None:
            return row
        known.ended = now if known.ended is None else known.ended
        last = self._as_of(known, now)
        return last if last is not None else {**known.row, "intensity": 0.0}

    def shown(self, now: float) -> list[Row]:
        """What stands in the table at `now`."""
        living: list[Row] = []
        gone: list[Row] = []
        for key, held in list(self._held.items()):
            row = self._as_of(held, now)
            if held.ended is None and row is None:
                held.ended = now
            if held.ended is not None:
                if now - held.ended >= LINGERS:
                    del self._held[key]
                else:
                    gone.append({**held.row, "intensity": 0.0, GONE: True})
            elif row is not None and (self._kind != "pheromones" or row["intensity"] >= self._least):
                living.append(row)
        if self._kind == "pheromones":
            living.sort(key=lambda row: -float(row.get("intensity") or 0.0))
        else:
            living.sort(key=lambda row: (str(row.get("namespace")), str(row.get("name"))))
        return living + gone

    def _as_of(self, held: _Held, now: float) -> Row | None:
        found = as_of(self._kind, [held.row], held.at, now)
        return found[0] if found else None
