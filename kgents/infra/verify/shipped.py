"""Whether an object is what was shipped: the same, but for what the API server fills in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_FILLED_IN: dict[str, object] = {"matchPolicy": "Equivalent", "scope": "*", "failurePolicy": "Fail"}
_EMPTY: tuple[object, ...] = (None, "", {}, [])


def differences(shipped: object, there: object, at: str = "") -> Iterator[str]:
    """Where they differ, as paths: also what was added, for an exception weakens a law as well as an omission."""
    if isinstance(shipped, Mapping) and isinstance(there, Mapping):
        for key in sorted({*shipped, *there}):
            inner = f"{at}.{key}" if at else str(key)
            if key not in shipped:
                if there[key] not in _EMPTY and there[key] != _FILLED_IN.get(key):
                    yield f"{inner} was added"
            elif key not in there:
                if shipped[key] not in _EMPTY:
                    yield f"{inner} is missing"
            else:
                yield from differences(shipped[key], there[key], inner)
    elif isinstance(shipped, list) and isinstance(there, list):
        if len(shipped) != len(there):
            yield f"{at} has {len(there)} entries, not {len(shipped)}"
        else:
            for index, (ours, theirs) in enumerate(zip(shipped, there, strict=True)):
                yield from differences(ours, theirs, f"{at}[{index}]")
    elif shipped != there:
        yield f"{at} differs"


def part(obj: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object says what it does. An aggregated ClusterRole's rules are the cluster's to fill in."""
    left_out = {"apiVersion", "kind", "metadata", "status"} | ({"rules"} if obj.get("aggregationRule") else set())
    return {key: value for key, value in obj.items() if key not in left_out}
