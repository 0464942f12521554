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
BAD_RETAIN = "invalid patch format of retainKeys"
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
        return patch
    if directive == "delete":
        return {}
    if directive is not None:
        raise _broken(f"unknown patch type: {directive} in map: {patch}")
    if RETAIN in patch:
        _retain(target, patch)
    deletions = _pop_prefixed(patch, DELETE_FROM)
    orders = _pop_prefixed(patch, ORDER)
    for name, order in orders.items():
        _check_order(patch.get(name), order, node.merges.get(name, NO_MERGE)[1])
    for name, gone in deletions.items():
        if not isinstance(gone, list):
            raise bad_request("invalid patch format of primitive list")
        if isinstance(target.get(name), list):
            unwanted = {repr(item) for item in gone}
            target[name] = [item for item in target[name] if repr(item) not in unwanted]
    before = {name: target.get(name) for name in orders}
    for name, value in patch.items():
        _merge_field(target, name, value, node)
    for name, order in orders.items():
        if isinstance(target.get(name), list):
            key = node.merges.get(name, NO_MERGE)[1]
            target[name] = _arrange(target[name], order, before.get(name) or [], key)
    return target


def _merge_field(target: dict[str, Any], name: str, value: Any, node: Node) -> None:
    current, strategies = target.get(name), node.merges.get(name, NO_MERGE)
    if value is None:
        target.pop(name, None)
    elif isinstance(value, dict) and isinstance(current, dict) and "replace" not in strategies[0]:
        target[name] = _merge_map(current, value, node.child(name) or ANY)
    elif isinstance(value, list) and isinstance(current, list):
        target[name] = _merge_list(current, value, node.child(name) or ANY, strategies, name)
    elif _is_directive(value):
        target.pop(name, None)
    else:
        target[name] = _clean(value)


def _broken(text: str) -> PatchError:
    """What Kubernetes answers with 500 though the patch is at fault."""
    return PatchError(text, code=500, reason="")


def _retain(target: dict[str, Any], patch: dict[str, Any]) -> None:
    kept = patch.pop(RETAIN)
    if not isinstance(kept, list):
        raise bad_request(BAD_RETAIN)
    named = {name for name in kept if isinstance(name, str)}
    if any(value is not None and not name.startswith("$") and name not in named for name, value in patch.items()):
        raise bad_request(BAD_RETAIN)
    for name in [name for name in target if name not in named]:
        del target[name]


def _check_order(value: Any, order: Any, key: str) -> None:
    """What a patch adds to a list must stand in the order that it asks for."""
    if not isinstance(order, list) or not isinstance(value, list | None):
        raise bad_request("invalid patch format of setElementOrder list")
    named = [item for item in value or () if not (_is_directive(item))]
    if not order or not named:
        return
    wanted = iter([_identity(item, key) for item in order])
    if not all(_identity(item, key) in wanted for item in named):
        raise _broken(f"The order in patch list:\n{value}\n doesn't match {ORDER[:-1]} list:\n{order}\n")


def _pop_prefixed(patch: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): patch.pop(name) for name in [n for n in patch if n.startswith(prefix)]}


def _merge_list(
    before: list[Any], value: list[Any], node: Node, merge: tuple[frozenset[str], str], name: str
) -> list[Any]:
    strategies, key = merge
    directives = [item[DIRECTIVE] for item in value if _is_directive(item)]
    if "merge" not in strategies:
        if "replace" in directives:
            return [_clean(item) for item in value if not (_is_directive(item))]
        return [_clean(item) for item in value]
    if not key:
        if any(isinstance(item, dict) for item in value):
            raise _broken(f"cannot merge lists without merge key for {name}")
        known = {repr(item) for item in before}
        return _arrange(before + [item for item in value if repr(item) not in known], value, before, "")
    return _merge_keyed(before, value, node.items or ANY, key)


def _merge_keyed(original: list[Any], value: list[Any], node: Node, key: str) -> list[Any]:
    merged: dict[str, Any] = {_identity(item, key): item for item in original}
    changes = []
    replaced = False
    for item in value:
        directive = item.get(DIRECTIVE) if isinstance(item, dict) else None
        if directive == "replace":
            replaced = True
        elif directive == "merge":
            raise _broken("merging lists cannot yet be specified in the patch")
        elif directive not in (None, "delete"):
            raise _broken(f"unknown patch type: {directive} in map: {item}")
        elif not isinstance(item, dict) or key not in item:
            raise _broken(f"map: {item} does not contain declared merge key: {key}")
        elif directive == "delete":
            merged.pop(_identity(item, key), None)
        else:
            changes.append(item)
    if replaced:
        return [_clean(item) for item in changes]
    for item in changes:
        name = _identity(item, key)
        known = merged.get(name)
        merged[name] = _merge_map(known, item, node) if isinstance(known, dict) else _clean(item)
    return _arrange(list(merged.values()), changes, original, key)


def _identity(item: Any, key: str) -> str:
    """What two elements must share to be the same one, in a form that can be looked up."""
    return repr(item[key]) if key and isinstance(item, dict) and key in item else repr(item)


def _clean(value: Any) -> Any:
    """A value taken over as it is, without nulls, and without whatever carries a directive."""
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if item is not None and not name.startswith("$")}
        return {name: _clean(item) for name, item in kept.items() if not _is_directive(item)}
    if isinstance(value, list):
        return [_clean(item) for item in value if not _is_directive(item)]
    return value


def _is_directive(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value


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
