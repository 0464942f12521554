"""A schema compiled once into a tree of nodes that validation, defaulting, pruning and the patches all walk.

Built-in kinds (with `$ref`, possibly recursive) and custom resources become the same nodes, so nothing after this
module knows where a schema came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

ABSENT: Any = object()
"""Stands for "no value here", because None is a value of its own."""

ALWAYS_THERE = frozenset({"spec", "status", "strategy", "updateStrategy", "template", "metadata"})
"""Struct fields of built-in kinds that Go writes even when empty, so that nobody owns their mere presence."""

SCALARS = frozenset({"string", "integer", "number", "boolean"})

Resolver = Callable[[str], "Node"]


class Node:
    """One place in a schema. Plain attributes, filled by `fill`; treat as read-only afterwards."""

    __slots__ = (
        "additional",
        "always",
        "atomic",
        "cel_plain",
        "default",
        "definition",
        "embedded",
        "int_or_string",
        "items",
        "key_defaults",
        "map_keys",
        "merges",
        "nullable",
        "preserve",
        "properties",
        "rules",
        "set_list",
        "source",
        "type",
        "validator",
        "walk_lists",
        "walk_rules",
    )

    def __init__(self) -> None:
        self.type: str = ""
        self.properties: dict[str, Node] = {}
        self.additional: Node | None = None
        self.items: Node | None = None
        self.nullable = False
        self.int_or_string = False
        self.preserve = False
        self.embedded = False
        self.default: Any = ABSENT
        self.atomic = False
        self.set_list = False
        self.map_keys: tuple[str, ...] = ()
        self.key_defaults: dict[str, Any] = {}
        self.always: frozenset[str] = frozenset()
        self.merges: dict[str, tuple[frozenset[str], str]] = {}
        self.rules: tuple[Mapping[str, Any], ...] = ()
        self.source: Mapping[str, Any] = {}
        self.definition = ""
        self.validator: Any = None
        self.walk_lists: bool | None = None
        self.walk_rules: bool | None = None
        self.cel_plain: bool | None = None

    def child(self, name: str) -> Node | None:
        """The node of a property or map key; None when the schema does not declare it."""
        found = self.properties.get(name)
        return found if found is not None else self.additional

    @property
    def is_scalar(self) -> bool:
        """Whether values have no parts: nothing below this node is to be pruned or filled in."""
        return self.type in SCALARS and self.default is ABSENT

    def key_of(self, item: Any) -> tuple[Any, ...] | None:
        """The identity of an element of a map list, key defaults included; None when a key is missing."""
        if not isinstance(item, dict):
            return None
        defaults = self.key_defaults
        key = tuple(item.get(name, defaults.get(name, ABSENT)) for name in self.map_keys)
        return None if ABSENT in key else key


ANY = Node()
ANY.preserve = True


def compile_schema(schema: Mapping[str, Any], resolve: Resolver | None = None) -> Node:
    """Compile an OpenAPI v3 schema object; `resolve` turns a `$ref` into its (perhaps still empty) node."""
    node = Node()
    fill(node, schema, resolve)
    return node


def fill(node: Node, schema: Mapping[str, Any], resolve: Resolver | None) -> None:
    """Set a node's attributes from a schema object."""
    node.source = schema
    node.type = str(schema.get("type") or "")
    node.nullable = bool(schema.get("nullable"))
    node.int_or_string = bool(schema.get("x-kubernetes-int-or-string")) or schema.get("format") == "int-or-string"
    node.preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or not (node.type or node.int_or_string)
    node.embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    node.default = schema.get("default", ABSENT)
    node.rules = tuple(schema.get("x-kubernetes-validations") or ())
    if resolve is not None:
        node.always = ALWAYS_THERE.union(schema.get("required") or ())
        if node.type == "object" and "properties" not in schema and "additionalProperties" not in schema:
            node.preserve = True  # Go's raw JSON: fieldsV1, RawExtension
    _fill_topology(node, schema)
    for name, child in (schema.get("properties") or {}).items():
        node.properties[name] = _child(child, resolve)
        _note_patch_strategy(node, name, child)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        node.additional = _child(extra, resolve)
    elif extra is True:
        node.additional = ANY
    items = schema.get("items")
    if isinstance(items, Mapping):
        node.items = _child(items, resolve)
    if node.items is not None and node.map_keys:
        found = ((key, node.items.properties.get(key)) for key in node.map_keys)
        node.key_defaults = {
            key: child.default for key, child in found if child is not None and child.default is not ABSENT
        }


def _fill_topology(node: Node, schema: Mapping[str, Any]) -> None:
    kind = schema.get("x-kubernetes-list-type")
    node.atomic = kind == "atomic" or schema.get("x-kubernetes-map-type") == "atomic"
    node.set_list = kind == "set"
    if kind == "map":
        node.map_keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if node.type == "array" and not node.set_list and not node.map_keys:
        node.atomic = True


def _child(schema: Mapping[str, Any], resolve: Resolver | None) -> Node:
    reference = schema.get("$ref")
    if isinstance(reference, str) and resolve is not None:
        return resolve(reference)
    return compile_schema(schema, resolve)


def _note_patch_strategy(node: Node, name: str, child: Mapping[str, Any]) -> None:
    strategies = frozenset(filter(None, str(child.get("x-kubernetes-patch-strategy") or "").split(",")))
    if strategies:
        node.merges[name] = (strategies, str(child.get("x-kubernetes-patch-merge-key") or ""))
