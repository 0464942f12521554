"""Keys that stand twice in one JSON object: parsers silently take the last, the API must be able to tell."""

from __future__ import annotations

import json
from typing import Any


def duplicate_fields(raw: bytes | str) -> list[str]:
    """Paths of repeated keys in a JSON text, such as `spec.size`; empty for text that is not JSON."""
    repeated: dict[int, tuple[dict[str, Any], list[str]]] = {}

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            names = [name for name, _ in pairs if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
            repeated[id(result)] = (result, list(dict.fromkeys(names)))
        return result

    try:
        document = json.loads(raw, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return []
    return _paths(document, "", repeated) if repeated else []


def _paths(value: Any, path: str, repeated: dict[int, tuple[dict[str, Any], list[str]]]) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        for name in repeated.get(id(value), ({}, []))[1]:
            found.append(f"{path}.{name}" if path else name)
        for name, child in value.items():
            found += _paths(child, f"{path}.{name}" if path else name, repeated)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _paths(item, f"{path}[{index}]", repeated)
    return found
