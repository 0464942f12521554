"""Values of the wrong type where Kubernetes decodes into Go structs: a 400, before any validation."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.base64_text import canonical, holds_bytes
from kgents.embedded.schema.node import Node

GO_TYPES = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool"}
JSON_NAMES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
}


def decode_error(node: Node, value: Any, owner: str, path: str = "") -> str | None:
    """The first value that would not decode, as Go's JSON decoder says it; None when all fit."""
    if value is None:
        return None
    if not fits(node, value):
        found = JSON_NAMES[type(value)]
        field = f"Go struct field {owner}{'.' if path else ''}{path}" if path else "Go value"
        return f"json: cannot unmarshal {found} into {field} of type {_go_type(node)}"
    if isinstance(value, str):
        return _bytes_error(value) if holds_bytes(node) else None
    if isinstance(value, dict):
        for name, item in value.items():
            child = node.child(name)
            if child is not None:
                problem = decode_error(
                    child, item, owner, f"{path}.{name}" if path and name in node.properties else path or name
                )
                if problem:
                    return problem
    elif isinstance(value, list) and node.items is not None:
        for item in value:
            problem = decode_error(node.items, item, owner, path)
            if problem:
                return problem
    return None


def _bytes_error(text: str) -> str | None:
    try:
        canonical(text)
    except ValueError as error:
        return str(error)
    return None


def fits(node: Node, value: Any) -> bool:
    """Whether a value that is not null decodes into the type of `node`; its parts are not looked at."""
    expected = node.type
    if node.int_or_string:
        return isinstance(value, str) or type(value) is int
    if expected == "string":
        quantity = node.source.get("x-kubernetes-quantity")
        return isinstance(value, str) or (bool(quantity) and type(value) in (int, float))
    if expected == "integer":
        return type(value) is int or (type(value) is float and value.is_integer())
    if expected == "number":
        return type(value) in (int, float)
    if expected == "boolean":
        return isinstance(value, bool)
    if expected == "object":
        return isinstance(value, dict)
    return isinstance(value, list) if expected == "array" else True


def _go_type(node: Node) -> str:
    if node.type == "array":
        return f"[]{_go_type(node.items) if node.items is not None else 'interface {}'}"
    if node.type == "object" and node.additional is not None:
        return f"map[string]{_go_type(node.additional)}"
    if node.type == "object":
        return node.definition.rpartition("apis.")[2] or "map[string]interface {}"
    return GO_TYPES.get(node.type, "interface {}")
