"""Strategic merge patch: a merge patch that knows which lists have keys, for built-in kinds.

Directives: `$patch` (delete, replace, merge), `$deleteFromPrimitiveList/f`, `$setElementOrder/f`, `$retainKeys`.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from kgents.embedded.patch.errors import PatchError, bad_request, check_patch_depth
from kgents.embedded.schema.clone import clone
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
    check_patch_depth(patch)
    target: dict[str, Any] = clone(document)
    changes: dict[str, Any] = clone(patch)
    return _merge_map(target, changes, schema.root)


def _merge_map(target: dict[str, Any], patch: dict[str, Any], node: Node) -> dict[str, Any]:
    directive = patch.pop(DIRECTIVE, None)
    if directive == "replace":
        replaced: dict[str, Any] = _clean(patch)
        return replaced
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
            unwanted = {repr(item) for item in gone}
            target[name] = [item for item in target[name] if repr(item) not in unwanted]
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
    if key:
        return _arrange(_merge_keyed(original, value, node.items or ANY, key), value, original, key)
    known = {repr(item) for item in original}
    return _arrange(original + [item for item in value if repr(item) not in known], value, original, "")


def _merge_keyed(original: list[Any], value: list[Any], node: Node, key: str) -> list[Any]:
    merged: dict[str, Any] = {_identity(item, key): item for item in original}
    for item in value:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        name = _identity(item, key)
        if item.get(DIRECTIVE) == "delete":
            merged.pop(name, None)
        elif isinstance(merged.get(name), dict):
            merged[name] = _merge_map(merged[name], item, node)
        else:
            merged[name] = _clean(item)
    return list(merged.values())


def _identity(item: Any, key: str) -> str:
    """What two elements must share to be the same one, in a form that can be looked up."""
    return repr(item[key]) if key and isinstance(item, dict) and key in item else repr(item)


def _clean(value: Any) -> Any:
    """A value taken over as it is, without directives and nulls."""
    if isinstance(value, dict):
        return {n: _clean(v) for n, v in value.items() if v is not None and not n.startswith("$")}
    if isinstance(value, list):
        return [
            _clean(item)
            for item in value
            if not (isinstance(item, dict) and item.get(DIRECTIVE) in ("delete", "replace"))
        ]
    return value


def _arrange(merged: list[Any], order: list[Any], original: list[Any], key: str) -> list[Any]:
    """The elements that `order` names in that order, the others where they stood before, as far as both go together."""
    wanted = {_identity(item, key): rank for rank, item in enumerate(order)}
    places = {_identity(item, key): place for place, item in enumerate(original)}
    named = [item for item in merged if _identity(item, key) in wanted]
    named.sort(key=lambda item: wanted[_identity(item, key)])
    others = deque(item for item in merged if _identity(item, key) not in wanted)
    result: list[Any] = []
    for item in named:
        place = places.get(_identity(item, key), -1)
        while others and places.get(_identity(others[0], key), len(original)) < place:
            result.append(others.popleft())
        result.append(item)
    return result + list(others)
