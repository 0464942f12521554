"""Objects seen through their schema: which fields they set, how two differ, how one is laid over another.

Granular maps and keyed lists are entered; scalars and whatever is atomic are leaves. Values without a schema are
granular as maps and atomic as lists.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from kgents.embedded.patch.fields import (
    SELF,
    Fields,
    build,
    children_of,
    element_text,
    is_member,
    key_element,
    value_element,
)
from kgents.embedded.schema.decoding import fits
from kgents.embedded.schema.node import ABSENT, ANY, Node
from kgents.embedded.schema.ratchet import same

EXPECTED = {
    "object": "map",
    "array": "list",
    "integer": "numeric (int or float)",
    "number": "numeric (int or float)",
}
GO_NAMES = {dict: "map", list: "list", str: "string", bool: "boolean", int: "int", float: "float"}


class NotTyped(ValueError):
    """A value does not fit its schema; the text names the paths."""


def child_node(node: Node, name: str) -> Node:
    """The schema below a map key; undeclared keys are free-form."""
    return node.child(name) or ANY


class Repeated(list[Any]):
    """Elements of a keyed list that share a key, as updates may leave them: one leaf, owned together."""


def is_granular(node: Node, value: Any) -> bool:
    """Whether the parts of a value are owned one by one."""
    if isinstance(value, Repeated):
        return False
    if isinstance(value, dict):
        return not node.atomic and not node.int_or_string
    return isinstance(value, list) and (bool(node.map_keys) or node.set_list)


def elements(node: Node, items: list[Any]) -> list[str]:
    """The path element of each item of a keyed list or set."""
    return [_set_element(item) if node.set_list else _keyed_element(node, item) for item in items]


def _set_element(item: Any) -> str:
    if item is None:
        raise NotTyped("associative list without keys has an element that's an explicit null")
    if isinstance(item, dict):
        raise NotTyped("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise NotTyped("not supported: associative list with lists as elements")
    return value_element(item)


def _keyed_element(node: Node, item: Any) -> str:
    """A key that an element lacks is left out: it then is another element than one that has it."""
    if item is None:
        raise NotTyped("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise NotTyped("associative list with keys may not have non-map elements")
    values = ((name, item.get(name, node.key_defaults.get(name, ABSENT))) for name in node.map_keys)
    key = {name: value for name, value in values if value is not ABSENT}
    if not key:
        names = " ".join(f'"{name}"' for name in node.map_keys)
        raise NotTyped(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return key_element(key)


def index(node: Node, items: list[Any]) -> dict[str, Any]:
    """Items by path element; those that share one stand together."""
    found: dict[str, Any] = {}
    for element, item in zip(elements(node, items), items, strict=True):
        known = found.get(element, ABSENT)
        if known is ABSENT:
            found[element] = item
        elif isinstance(known, Repeated):
            known.append(item)
        else:
            found[element] = Repeated([known, item])
    return found


def field_set(node: Node, value: Any) -> Fields:
    """The fields that a configuration sets, as an applier owns them."""
    result: Fields = {}
    if isinstance(value, dict):
        for name, item in value.items():
            child = child_node(node, name)
            below = field_set(child, item) if is_granular(child, item) else {}
            member = not below or name not in node.properties
            result[f"f:{name}"] = build(member, below)
        return result
    for element, item in index(node, value).items():
        assert node.items is not None
        below = field_set(node.items, item) if is_granular(node.items, item) else {}
        result[element] = build(True, below)
    return result


def whole_tree(node: Node, value: Any) -> Fields:
    """A node and all that is in it, every level a member: what appears or disappears with the value."""
    if not is_granular(node, value) or not value:
        return {}
    result: Fields = {SELF: {}}
    if isinstance(value, dict):
        for name, item in value.items():
            result[f"f:{name}"] = whole_tree(child_node(node, name), item)
    else:
        for element, item in index(node, value).items():
            result[element] = whole_tree(node.items or ANY, item)
    return result


class Comparison:
    """How `new` differs from `old`: three sets of fields."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self, node: Node, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.added: Fields = {}
        self.modified: Fields = {}
        self.removed: Fields = {}
        _compare_maps(node, old, new, self.added, self.modified, self.removed)


def _compare_maps(
    node: Node, old: dict[str, Any], new: dict[str, Any], added: Fields, modified: Fields, removed: Fields
) -> None:
    always = node.always
    for name, value in new.items():
        before = old.get(name, ABSENT)
        if before is value:
            continue
        if before is ABSENT and name in always:
            before = None
        _compare(child_node(node, name), f"f:{name}", before, value, added, modified, removed)
    for name, value in old.items():
        if name not in new:
            after = None if name in always else ABSENT
            _compare(child_node(node, name), f"f:{name}", value, after, added, modified, removed)


def _compare(node: Node, element: str, old: Any, new: Any, added: Fields, modified: Fields, removed: Fields) -> None:
    if old is ABSENT:
        added[element] = whole_tree(node, new)
    elif new is ABSENT:
        removed[element] = whole_tree(node, old)
    elif is_granular(node, new) and (old is None or (type(old) is type(new) and (old or new))):
        _compare_inside(node, element, old or type(new)(), new, added, modified, removed)
    elif new is None and is_granular(node, old):
        _compare_inside(node, element, old, type(old)(), added, modified, removed)
    elif not same(old, new):
        modified[element] = {}


def _compare_inside(
    node: Node, element: str, old: Any, new: Any, added: Fields, modified: Fields, removed: Fields
) -> None:
    more: Fields = {}
    other: Fields = {}
    fewer: Fields = {}
    if isinstance(new, dict):
        _compare_maps(node, old, new, more, other, fewer)
    else:
        before, after = index(node, old), index(node, new)
        for key, item in after.items():
            _compare(node.items or ANY, key, before.get(key, ABSENT), item, more, other, fewer)
        for key, item in before.items():
            if key not in after:
                fewer[key] = whole_tree(node.items or ANY, item)
    for target, below in ((added, more), (modified, other), (removed, fewer)):
        if below:
            target[element] = below


def remove(node: Node, value: Any, fields: Fields) -> Any:
    """`value` without the members of `fields`. What is emptied stays, empty, unless it is a member itself."""
    if not is_granular(node, value) or not value:
        return value
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for name, item in value.items():
            left = _left(child_node(node, name), item, fields.get(f"f:{name}"))
            if left is not ABSENT:
                kept[name] = left
        return kept
    remaining = []
    for element, item in zip(elements(node, value), value, strict=True):
        left = _left(node.items or ANY, item, fields.get(element))
        if left is not ABSENT:
            remaining.append(left)
    return remaining


def _left(node: Node, item: Any, fields: Fields | None) -> Any:
    if fields is None:
        return item
    if is_member(fields):
        return ABSENT
    return remove(node, item, children_of(fields))


def merge(node: Node, live: Any, applied: Any) -> Any:
    """The applied value laid over the live one, keyed lists element by element."""
    if applied is None:
        return live if isinstance(live, dict | list) else None
    if not is_granular(node, applied) or type(live) is not type(applied):
        return applied
    if isinstance(applied, list):
        return _merge_lists(node, live, applied)
    result = dict(live)
    for name, item in applied.items():
        result[name] = merge(child_node(node, name), live[name], item) if name in live else item
    return result


def _merge_lists(node: Node, live: list[Any], applied: list[Any]) -> list[Any]:
    """The applied order wins among shared elements; elements only in `live` keep their places between them."""
    left, right = elements(node, live), elements(node, applied)
    mine, theirs = index(node, live), index(node, applied)
    shared = deque(element for element in right if element in mine)
    done: set[str] = set()
    result: list[Any] = []

    def take(element: str) -> None:
        if element in done:
            return
        done.add(element)
        if shared and shared[0] == element:
            shared.popleft()
        item = theirs[element]
        result.append(merge(node.items or ANY, mine[element], item) if element in mine else item)

    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left):
            element = left[i]
            if element not in theirs:
                result.append(live[i])
                i += 1
                continue
            if element in done or (j < len(right) and shared and shared[0] != element):
                i += 1
                continue
        if j < len(right):
            take(right[j])
            j += 1
    return result


def check(node: Node, value: Any, path: str = "") -> list[str]:
    """What keeps an applied configuration from being read through its schema."""
    if value is None:
        return []
    if not fits(node, value):
        return [f"{path}: expected {_expected(node)}, got {GO_NAMES.get(type(value), type(value).__name__)}"]
    if isinstance(value, list):
        return _check_items(node, value, path)
    if not isinstance(value, dict):
        return []
    problems: list[str] = []
    open_ended = node.preserve or (not node.properties and bool(node.definition))
    for name, item in value.items():
        child = node.child(name)
        if child is not None:
            problems += check(child, item, f"{path}.{name}")
        elif not open_ended:
            problems.append(f"{path}.{name}: field not declared in schema")
    return problems


def _check_items(node: Node, value: list[Any], path: str) -> list[str]:
    if node.items is None:
        return []
    problems: list[str] = []
    names = []
    if node.map_keys or node.set_list:
        try:
            found = elements(node, value)
        except NotTyped as error:
            return [f"{path}: {error}"]
        repeated = sorted(element for element, count in Counter(found).items() if count > 1)
        problems += [f"{path}: duplicate entries for key {element_text(element)}" for element in repeated]
        names = [element_text(element) for element in found]
    if node.items.is_scalar and all(item is None or fits(node.items, item) for item in value):
        return problems
    for position, item in enumerate(value):
        problems += check(node.items, item, path + (names[position] if names else f"[{position}]"))
    return problems


def _expected(node: Node) -> str:
    return EXPECTED.get(node.type, node.type or "scalar")
