"""Sets of field paths, kept in the very form in which managedFields stores them (fieldsV1).

A set is a dict from path elements (`f:name`, `k:{"key":…}`, `v:value`) to what lies below. `{}` is a member without
children, `{".": {}, …}` a member with children, anything else only leads to its children. No function changes its
arguments, and results may share parts with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from kgents.embedded.schema.node import Node

Fields = dict[str, Any]

SELF = "."


def is_member(node: Fields) -> bool:
    """Whether the path itself, not only something below it, is in the set."""
    return not node or SELF in node


def build(member: bool, children: Fields) -> Fields | None:
    """A node from its parts; None when it would hold nothing."""
    if not children:
        return {} if member else None
    return {SELF: {}, **children} if member else children


def children_of(node: Fields) -> Fields:
    """What lies below, without the mark for the node itself."""
    return {name: child for name, child in node.items() if name != SELF} if SELF in node else node


def union(one: Fields, other: Fields) -> Fields:
    """Everything that is in either set."""
    if not other:
        return one
    result = dict(one)
    for name, child in other.items():
        mine = result.get(name)
        result[name] = child if mine is None else _union_node(mine, child)
    return result


def _union_node(one: Fields, other: Fields) -> Fields:
    if not one:
        return other if is_member(other) else {SELF: {}, **other}
    if not other:
        return one if SELF in one else {SELF: {}, **one}
    return union(one, other)


def difference(one: Fields, other: Fields) -> Fields:
    """The members of `one` that are not members of `other`."""
    if not other:
        return one
    result: Fields = {}
    for name, child in one.items():
        against = other.get(name)
        if against is None:
            result[name] = child
            continue
        member = is_member(child) and not is_member(against)
        left = build(member, difference(children_of(child), children_of(against)))
        if left is not None:
            result[name] = left
    return result


def intersection(one: Fields, other: Fields) -> Fields:
    """The members of both sets."""
    result: Fields = {}
    for name, child in one.items():
        against = other.get(name)
        if against is None:
            continue
        member = is_member(child) and is_member(against)
        both = build(member, intersection(children_of(child), children_of(against)))
        if both is not None:
            result[name] = both
    return result


def with_named_fields(fields: Fields, node: Node | None) -> Fields:
    """The set with every declared field on the way to a member made a member itself."""
    result: Fields = {}
    for name, child in fields.items():
        below = None if node is None else descend(node, name)
        inner = with_named_fields(children_of(child), below)
        declared = node is not None and name.startswith("f:") and name[2:] in node.properties
        made = build(declared or is_member(child), inner)
        if made is not None:
            result[name] = made
    return result


def descend(node: Node, element: str) -> Node | None:
    """The schema node below a path element."""
    return node.child(element[2:]) if element.startswith("f:") else node.items


def paths(fields: Fields, prefix: str = "") -> Iterator[str]:
    """The members as text such as `.spec.parts[name="b"].count`: first the members of a level, then what is below."""
    ordered = sorted(item for item in fields.items() if item[0] != SELF)
    for name, child in ordered:
        if is_member(child):
            yield prefix + element_text(name)
    for name, child in ordered:
        if child:
            yield from paths(child, prefix + element_text(name))


def element_text(element: str) -> str:
    """A path element as error messages show it."""
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        keys = orjson.loads(rest)
        return "[" + ",".join(f"{name}={_json(keys[name])}" for name in sorted(keys)) + "]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"


def key_element(key: dict[str, Any]) -> str:
    """The `k:` element of a map list's item."""
    return f"k:{_json(key)}"


def value_element(value: Any) -> str:
    """The `v:` element of a set's item."""
    return f"v:{_json(value)}"


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
