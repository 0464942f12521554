"""The two kinds of places that an expression's values come from: a schema's, and an object's."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.cel_values import escape
from kgents.embedded.schema.cost import REQUEST_BYTES
from kgents.embedded.schema.node import ABSENT, Node

KEY_BYTES = 4
"""Bytes that one character may take."""
SMALLEST = {"duration": 3, "date": 12, "date-time": 21}
FORMAT_SIZES = {"duration": 32, "date": 12, "date-time": 32}


def smallest(node: Node | None) -> int:
    """The fewest bytes a value can take in JSON."""
    if node is None or node.int_or_string:
        return 1
    if node.type == "string" and node.source.get("format") in SMALLEST:
        return SMALLEST[node.source["format"]]
    if node.type == "object" and node.additional is None:
        needed = [name for name in node.source.get("required") or () if name in node.properties]
        children = [(name, node.properties[name]) for name in needed]
        return 2 + sum(len(name) + 4 + smallest(child) for name, child in children if child.default is ABSENT)
    return {"string": 2, "object": 2, "array": 2, "boolean": 4}.get(node.type, 1)


def size_limit(node: Node) -> int:
    """The most elements or characters a value can have, given the limit on requests."""
    source = node.source
    if node.type == "array":
        return int(source.get("maxItems", (REQUEST_BYTES - 2) // (smallest(node.items) + 1)))
    if node.type == "object" and node.additional is not None:
        return int(source.get("maxProperties", (REQUEST_BYTES - 2) // (smallest(node.additional) + 6)))
    if node.type == "string" or node.int_or_string:
        form = source.get("format")
        if form in FORMAT_SIZES:
            return FORMAT_SIZES[str(form)]
        if "maxLength" in source:
            return int(source["maxLength"]) * (1 if form == "byte" else KEY_BYTES)
        longest = max((len(str(option)) for option in source.get("enum") or ()), default=0)
        return longest or REQUEST_BYTES - 2
    return 0 if node.type else REQUEST_BYTES


class Key:
    """The place of a map's keys, whose length Kubernetes leaves out of account."""

    def size(self) -> float:
        return 0.0

    def child(self, name: str) -> Key | None:
        return None

    def items(self) -> Key | None:
        return None

    def keys(self) -> Key | None:
        return None


class SchemaPlace:
    """A place in a schema."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    def size(self) -> float:
        return float(size_limit(self.node))

    def child(self, name: str) -> SchemaPlace | None:
        for prop, child in self.node.properties.items():
            if prop == name or escape(prop) == name:
                return SchemaPlace(child)
        return self.items()

    def items(self) -> SchemaPlace | None:
        below = self.node.items or self.node.additional
        return None if below is None else SchemaPlace(below)

    def keys(self) -> SchemaPlace | Key | None:
        return Key() if self.node.type == "object" else self.items()


class ValuePlace:
    """All values at one place of an object."""

    __slots__ = ("values",)

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def size(self) -> float:
        return float(max((len(one) for one in self.values if isinstance(one, str | list | dict)), default=1))

    def child(self, name: str) -> ValuePlace:
        return ValuePlace([one[name] for one in self.values if isinstance(one, dict) and name in one])

    def items(self) -> ValuePlace:
        lists = [item for one in self.values if isinstance(one, list) for item in one]
        return ValuePlace(lists + [item for one in self.values if isinstance(one, dict) for item in one.values()])

    def keys(self) -> ValuePlace:
        names = [name for one in self.values if isinstance(one, dict) for name in one]
        return ValuePlace(names + [item for one in self.values if isinstance(one, list) for item in one])
