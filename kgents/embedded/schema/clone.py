"""Copies of JSON values, several times faster than copy.deepcopy, which allows for more than JSON."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.depth import CONTAINERS


def clone(value: Any) -> Any:
    """A copy that shares no dict and no list with `value`."""
    if isinstance(value, dict):
        return {name: clone(item) if type(item) in CONTAINERS else item for name, item in value.items()}
    if isinstance(value, list):
        return [clone(item) if type(item) in CONTAINERS else item for item in value]
    return value
