"""What was wrong before and has not changed is tolerated: a tightened schema must not lock stored objects."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.causes import NOWHERE, Cause, invalid_at
from kgents.embedded.schema.node import ABSENT, Node
from kgents.embedded.schema.patience import OutOfPatience, patience
from kgents.embedded.schema.validation import validate

OUT_OF_PATIENCE = invalid_at(
    "",
    "validation failed due to running out of cost budget: the object is too large for the number of "
    "alternatives (anyOf, oneOf, allOf, not) in the schema",
)


def same(one: Any, other: Any) -> bool:
    """Deep equality that keeps true, 1 and 1.0 apart, as JSON does."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(name in other and same(item, other[name]) for name, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def correlate(node: Node, old: Any) -> dict[tuple[Any, ...], Any]:
    """Elements of an old map list by key; empty for lists whose elements have no identity."""
    if not node.map_keys or not isinstance(old, list):
        return {}
    return {key: item for item in old if (key := node.key_of(item)) is not None and _hashable(key)}


def _hashable(key: tuple[Any, ...]) -> bool:
    return not any(isinstance(part, dict | list) for part in key)


def unchanged(node: Node, new: Any, old: Any, path: str) -> list[str]:
    """Paths of the largest parts of `new` that equal their old selves; everything below them is tolerated."""
    if old is ABSENT:
        return []
    if same(new, old):
        return [path]
    found: list[str] = []
    if isinstance(new, dict) and isinstance(old, dict):
        for name, item in new.items():
            child = node.child(name)
            if child is not None:
                found += unchanged(child, item, old.get(name, ABSENT), f"{path}.{name}" if path else name)
    elif isinstance(new, list) and node.items is not None and node.map_keys:
        before = correlate(node, old)
        for index, item in enumerate(new):
            key = node.key_of(item)
            if key is not None and _hashable(key):
                found += unchanged(node.items, item, before.get(key, ABSENT), f"{path}[{index}]")
    return found


def tolerated(kept: set[str], owner: str) -> bool:
    """Whether a path lies within one of the unchanged parts `kept`."""
    if owner in kept:
        return True
    return any(sign in ".[" and owner[:at] in kept for at, sign in enumerate(owner))


def validate_ratcheting(node: Node, new: Any, old: Any) -> list[Cause]:
    """Validation of an update, without the causes that were there before and are untouched."""
    causes: list[Cause] = []
    try:
        with patience():
            validate(node, new, "", causes)
    except OutOfPatience:
        # Of what is stored already, finalizers and labels can still be changed.
        return [] if _only_metadata(new, old) else [OUT_OF_PATIENCE]
    if not causes or old is ABSENT:
        return causes
    kept = set(unchanged(node, new, old, ""))
    return [cause for cause in causes if not tolerated(kept, _owner(cause))]


def _only_metadata(new: Any, old: Any) -> bool:
    return isinstance(old, dict) and same({**new, "metadata": None}, {**old, "metadata": None})


def _owner(cause: Cause) -> str:
    if cause.field == NOWHERE:
        return cause.owner
    if cause.reason == "FieldValueRequired":
        return cause.field.rpartition(".")[0]
    return cause.field
