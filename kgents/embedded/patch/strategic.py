"""Strategic merge patch: a merge patch that knows which lists have keys, for built-in kinds.

Directives: `$patch` (delete, replace, merge), `$deleteFromPrimitiveList/f`, `$setElementOrder/f`, `$retainKeys`.
"""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.clone import clone
from kgents.embedded.patch.errors import PatchError, bad_request
from kgents.embedded.schema.node import ANY, Node
from kgents.embedded.schema.schema import Schema

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"
NO_MERGE: tuple[frozenset[str], str] = (frozenset(), "")


def apply(document: dict[str, Any], patch: Any, schema: Schema) -> dict[str, Any]:
    """The patched copy of `document`, lists merged by the merge keys of a built-in kind's schema."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a strategic merge patch is an object")
    return _merge_map(clone(document), clone(patch), schema.root)


def _merge_map(target: dict[str, Any], patch: dict[str, Any], node: Node) -> dict[str, Any]:
    directive = patch.pop(DIRECTIVE, None)
    if directive == "replace":
        return _clean(patch)
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f'Unknown patch type found: "{directive}"')
    if RETAIN in patch:
        _retain(target, patch)
    deletions = _pop_prefixed(patch, DELETE_FROM)
    orders = _pop_prefixed(patch, ORDER)
    for name, gone in deletions.items():
        if isinstance(target.get(name), list) and isinstance(gone, list):
            target[name] = [item for item in target[name] if item not in gone]
    before = {name: target.get(name) for name in orders}
    for name, value in patch.items():
        child = node.child(name) or ANY
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            current = target.get(name)
            target[name] = _merge_map(current if isinstance(current, dict) else {}, value, child)
        elif isinstance(value, list):
            target[name] = _merge_list(target.get(name), value, child, node.merges.get(name, NO_MERGE), name)
        else:
            target[name] = value
    for name, order in orders.items():
        if isinstance(target.get(name), list) and isinstance(order, list):
            key = node.merges.get(name, NO_MERGE)[1]
            target[name] = _arrange(target[name], order, before.get(name) or [], key)
    return target


def _retain(target: dict[str, Any], patch: dict[str, Any]) -> None:
    kept = patch.pop(RETAIN)
    if not isinstance(kept, list):
        raise bad_request(f"{RETAIN} must be a list")
    strange = [name for name in patch if not name.startswith("$") and name not in kept]
    if strange:
        raise PatchError(f"{RETAIN} does not name {strange[0]}", code=400, reason="BadRequest")
    for name in [name for name in target if name not in kept]:
        del target[name]


def _pop_prefixed(patch: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): patch.pop(name) for name in [n for n in patch if n.startswith(prefix)]}


def _merge_list(before: Any, value: list[Any], node: Node, merge: tuple[frozenset[str], str], name: str) -> list[Any]:
    strategies, key = merge
    if any(isinstance(item, dict) and item.get(DIRECTIVE) == "replace" for item in value):
        return [_clean(item) for item in value if not (isinstance(item, dict) and item.get(DIRECTIVE) == "replace")]
    if "merge" not in strategies:
        return [_clean(item) for item in value]
    original = list(before) if isinstance(before, list) else []
    if not key:
        merged = original + [item for item in value if item not in original]
        return _arrange(merged, value, original, "")
    merged = list(original)
    for item in value:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        _merge_item(merged, item, node.items or ANY, key)
    return _arrange(merged, value, original, key)


def _merge_item(merged: list[Any], item: dict[str, Any], node: Node, key: str) -> None:
    at = next((i for i, old in enumerate(merged) if isinstance(old, dict) and old.get(key) == item[key]), None)
    if item.get(DIRECTIVE) == "delete":
        merged[:] = [old for old in merged if not (isinstance(old, dict) and old.get(key) == item[key])]
    elif at is None:
        merged.append(_clean(item))
    else:
        merged[at] = _merge_map(merged[at], item, node)


def _clean(value: Any) -> Any:
    """A value taken over as it is, without directives and nulls."""
    if isinstance(value, dict):
        return {n: _clean(v) for n, v in value.items() if v is not None and not n.startswith("$")}
    if isinstance(value, list):
        return [
            _clean(item) for item in value if not (isinstance(item, dict) and item.get(DIRECTIVE) in ("delete", "replace"))
        ]
    return value


def _arrange(merged: list[Any], order: list[Any], original: list[Any], key: str) -> list[Any]:
    """The elements that `order` names in that order, the others where they stood before, as far as both go together."""

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [identity(item) for item in order]
    places = [identity(item) for item in original]
    named = sorted((i for i in merged if identity(i) in wanted), key=lambda item: wanted.index(identity(item)))
    others = [item for item in merged if identity(item) not in wanted]
    result: list[Any] = []
    for item in named:
        if identity(item) in places:
            place = places.index(identity(item))
            while others and identity(others[0]) in places and places.index(identity(others[0])) < place:
                result.append(others.pop(0))
        result.append(item)
    return result + others
