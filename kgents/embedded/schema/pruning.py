"""Unknown fields: dropped from what is stored, and named for the client that asks (fieldValidation)."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.node import Node


def prune(node: Node, value: Any, *, keeps: bool = False) -> None:
    """Remove, in place, every field the schema does not declare; with `keeps` only those below declared ones."""
    if isinstance(value, dict):
        _prune_object(node, value, keeps=keeps)
    elif isinstance(value, list) and node.items is not None and not node.items.is_scalar:
        items = node.items
        for item in value:
            if isinstance(item, dict | list):
                prune(items, item, keeps=node.preserve or keeps)


def _prune_object(node: Node, value: dict[str, Any], *, keeps: bool) -> None:
    properties, extra = node.properties, node.additional
    unknown = []
    for name, child in value.items():
        schema = properties.get(name, extra)
        if schema is None:
            unknown.append(name)
        elif isinstance(child, dict | list):
            prune(schema, child)
    if unknown and not node.preserve and not keeps:
        for name in unknown:
            del value[name]


def unknown_fields(node: Node, value: Any, path: str = "", *, keeps: bool = False) -> list[str]:
    """The paths `prune` would remove, in document order."""
    found: list[str] = []
    if isinstance(value, dict):
        for name, child in value.items():
            here = f"{path}.{name}" if path else name
            schema = node.child(name)
            if schema is not None:
                if isinstance(child, dict | list):
                    found += unknown_fields(schema, child, here)
            elif not node.preserve and not keeps:
                found.append(here)
    elif isinstance(value, list) and node.items is not None and not node.items.is_scalar:
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                found += unknown_fields(node.items, item, f"{path}[{index}]", keeps=node.preserve or keeps)
    return found
