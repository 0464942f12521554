"""In which order rows are shown, and which of them. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from kgents.api.selecting import Selector
from kgents.terrarium.hive import Key, Row

_TROUBLE = {"Failed": 0, "Safemode": 1, "Degraded": 2, "Pending": 3, "Terminating": 4, "Running": 5, "Suspended": 6}
_WAITING = {"Blocked": 0, "Reviewing": 1, "Pending": 2, "Approved": 3}

Place = Callable[[Key, Row], Any]
"""Where a row goes, as something that sorts."""


def chosen(keys: Iterable[Key], rows: Mapping[Key, Row], selector: Selector | None) -> list[Key]:
    """Those of `keys` that are there and that the selector lets through, in the same order."""
    return [key for key in keys if (row := rows.get(key)) is not None and (selector is None or selector.matches(row))]


def ordered(rows: Mapping[Key, Row], place: Place) -> list[Key]:
    """The keys of `rows` by one of the sorts."""
    return sorted(rows, key=lambda key: place(key, rows[key]))


class Order:
    """The order of many rows, kept: only those that have moved are put anew."""

    def __init__(self) -> None:
        self._rows: Mapping[Key, Row] = {}
        self._sort: Place | None = None
        self._places: dict[Key, Any] = {}
        self._placed: list[tuple[Any, Key]] = []

    def of(self, rows: Mapping[Key, Row], place: Place, moved: Collection[Key]) -> list[Key]:
        """As `ordered`. `moved`: the keys that are new, other or gone since the last time."""
        if rows is not self._rows or place is not self._sort or len(moved) > len(rows) // 4:
            self._rows, self._sort = rows, place
            self._places = {key: place(key, row) for key, row in rows.items()}
            self._placed = [(self._places[key], key) for key in sorted(self._places, key=self._places.__getitem__)]
        else:
            for key in moved:
                if key in self._places:
                    del self._placed[bisect_left(self._placed, (self._places.pop(key), key))]
                if key in rows:
                    self._places[key] = place(key, rows[key])
                    insort(self._placed, (self._places[key], key))
        return [key for _, key in self._placed]


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) else -1.0


def _born(row: Row) -> float:
    """Newest first: the age as of now, less when it was told, tells who is older."""
    return _number(row, "ageSeconds") - float(row.get("_heard") or 0.0)


AGENT_SORTS: Final[Mapping[str, Place]] = {
    "activity": lambda key, row: (-_number(row, "activity"), key[1], key[0]),
    "name": lambda key, row: (key[1], key[0]),
    "trouble": lambda key, row: (_TROUBLE.get(str(row.get("phase")), 5), key[1], key[0]),
    "restarts": lambda key, row: (-_number(row, "restarts"), key[1], key[0]),
    "age": lambda key, row: (_born(row), key[1], key[0]),
}
PROPOSAL_SORTS: Final[Mapping[str, Place]] = {
    "waiting": lambda key, row: (_WAITING.get(str(row.get("phase")), 9), _born(row), key[1], key[0]),
    "risk": lambda key, row: (-_number(row, "risk"), key[1], key[0]),
    "age": lambda key, row: (_born(row), key[1], key[0]),
    "name": lambda key, row: (key[1], key[0]),
}
