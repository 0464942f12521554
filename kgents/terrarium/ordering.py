"""In which order rows are shown, and which of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kgents.api.selecting import Selector
from kgents.terrarium.hive import Key, Row

_TROUBLE = {"Failed": 0, "Safemode": 1, "Degraded": 2, "Pending": 3, "Terminating": 4, "Running": 5, "Suspended": 6}
_WAITING = {"Blocked": 0, "Reviewing": 1, "Pending": 2, "Approved": 3}

AGENT_SORTS = ("activity", "name", "trouble", "restarts", "age")
PROPOSAL_SORTS = ("waiting", "risk", "age", "name")


def agents(rows: Mapping[Key, Row], by: str) -> list[Key]:
    """The keys of `rows`, by one of AGENT_SORTS."""
    return _ordered(rows, _AGENT_KEYS[by])


def proposals(rows: Mapping[Key, Row], by: str) -> list[Key]:
    """The same for proposals, by one of PROPOSAL_SORTS."""
    return _ordered(rows, _PROPOSAL_KEYS[by])


def chosen(keys: Iterable[Key], rows: Mapping[Key, Row], selector: Selector | None) -> list[Key]:
    """Those of `keys` that are there and that the selector lets through, in the same order."""
    return [key for key in keys if key in rows and (selector is None or selector.matches(rows[key]))]


def _ordered(rows: Mapping[Key, Row], sort_key: Callable[[Key, Row], Any]) -> list[Key]:
    return sorted(rows, key=lambda key: sort_key(key, rows[key]))


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) else -1.0


def _born(row: Row) -> float:
    """Newest first: the age as of now, less when it was told, tells who is older."""
    return _number(row, "ageSeconds") - float(row.get("_heard") or 0.0)


_AGENT_KEYS: dict[str, Callable[[Key, Row], Any]] = {
    "activity": lambda key, row: (-_number(row, "activity"), key[1], key[0]),
    "name": lambda key, row: (key[1], key[0]),
    "trouble": lambda key, row: (_TROUBLE.get(str(row.get("phase")), 5), key[1], key[0]),
    "restarts": lambda key, row: (-_number(row, "restarts"), key[1], key[0]),
    "age": lambda key, row: (_born(row), key[1], key[0]),
}
_PROPOSAL_KEYS: dict[str, Callable[[Key, Row], Any]] = {
    "waiting": lambda key, row: (_WAITING.get(str(row.get("phase")), 9), _born(row), key[1], key[0]),
    "risk": lambda key, row: (-_number(row, "risk"), key[1], key[0]),
    "age": lambda key, row: (_born(row), key[1], key[0]),
    "name": lambda key, row: (key[1], key[0]),
}
