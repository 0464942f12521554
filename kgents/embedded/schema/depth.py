"""A bound on nesting, so that no walk over a client's object can run out of stack."""

from __future__ import annotations

from typing import Any

from kgents.api.errors import KgentsError

CONTAINERS = frozenset({dict, list})
MAX_DEPTH = 200
"""Deeper than any real object; two or three frames a level stay well below Python's own limit."""


class TooDeep(KgentsError):
    """An object is nested deeper than the server walks."""


def check_depth(value: Any, limit: int = MAX_DEPTH) -> None:
    """Raise TooDeep when lists and objects are nested more than `limit` levels. Iterative, so safe on anything."""
    level: list[Any] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > limit:
            raise TooDeep("The object is nested too deeply", why=f"more than {limit} levels")
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += [child for child in one.values() if type(child) in CONTAINERS]
            elif isinstance(one, list):
                below += [child for child in one if type(child) in CONTAINERS]
        level = below
