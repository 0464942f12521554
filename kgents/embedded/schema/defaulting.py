"""Schema defaults, as Kubernetes applies them: on writes, and again on reads for fields that came later."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.base64_text import canonical, holds_bytes
from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.node import ABSENT, ANY, Node


def default(node: Node, value: Any) -> None:
    """Fill in defaults, in place. A null that its schema does not allow gives way to the default, or goes."""
    if isinstance(value, dict):
        _default_object(node, value)
    elif isinstance(value, list) and node.items is not None and not node.items.is_scalar:
        items = node.items
        for index, item in enumerate(value):
            if item is None and not items.nullable and items.default is not ABSENT:
                value[index] = item = clone(items.default)
            if isinstance(item, dict | list):
                default(items, item)


def _default_object(node: Node, value: dict[str, Any]) -> None:
    properties = node.properties
    nulls = [name for name, child in value.items() if child is None]
    for name in nulls:
        schema = node.child(name)
        if schema is not None and schema is not ANY and not schema.nullable:
            del value[name]
            if schema.default is not ABSENT:
                value[name] = clone(schema.default)
    for name, schema in properties.items():
        if schema.default is not ABSENT and name not in value:
            value[name] = clone(schema.default)
    for name, child in value.items():
        if isinstance(child, dict | list):
            schema = properties.get(name) or node.additional
            if schema is not None:
                default(schema, child)


def omit_empty(node: Node, value: Any) -> None:
    """Write as a Go struct would, in place: no nulls, no optional maps and lists that are empty, bytes in one line."""
    if isinstance(value, list):
        if node.items is not None and not node.items.is_scalar:
            for item in value:
                omit_empty(node.items, item)
        return
    if not isinstance(value, dict):
        return
    for name in list(value):
        child = node.child(name)
        if child is None or child.preserve:
            continue
        item = value[name]
        if item is None or (item in ([], {}) and name not in node.always and _is_collection(child)):
            del value[name]
        elif isinstance(item, str) and holds_bytes(child):
            value[name] = canonical(item)
        else:
            omit_empty(child, item)


def _is_collection(node: Node) -> bool:
    return node.type == "array" or (node.type == "object" and node.additional is not None)
