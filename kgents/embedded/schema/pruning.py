"""Unknown fields: dropped from what is stored, and named for the client that asks (fieldValidation)."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.node import Node


def prune(node: Node, value: Any) -> None:
    """Remove, in place, every field the schema does not declare."""
    if isinstance(value, dict):
        _prune_object(node, value)
    elif isinstance(value, list) and node.items is not None and not node.items.is_scalar:
        items = node.items
        for item in value:
            if isinstance(item, dict | list):
                prune(items, item)


def _prune_object(node: Node, value: dict[str, Any]) -> None:
    properties, extra = node.properties, node.additional
    unknown = []
    for name, child in value.items():
        schema = properties.get(name, extra)
        if schema is None:
            unknown.append(name)
        elif isinstance(child, dict | list):
            prune(schema, child)
    if unknown and not node.preserve:
        for name in unknown:
            del value[name]


def unknown_fields(node: Node, value: Any, path: str = "") -> list[str]:
    """The paths `prune` would remove, in document order."""
    found: list[str] = []
    if isinstance(value, dict):
        for name, child in value.items():
            here = f"{path}.{name}" if path else name
            schema = node.child(name)
            if schema is not None:
                if isinstance(child, dict | list):
                    found += unknown_fields(schema, child, here)
            elif not node.preserve:
                found.append(here)
    elif isinstance(value, list) and node.items is not None and not node.items.is_scalar:
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                found += unknown_fields(node.items, item, f"{path}[{index}]")
    return found
