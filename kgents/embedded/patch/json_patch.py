"""JSON Patch (RFC 6902): a list of operations, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from kgents.embedded.patch.errors import PatchError, bad_request, check_patch_depth
from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.ratchet import same

MAX_OPERATIONS = 10_000
MAX_COPIED = 3 * 1024 * 1024
"""Bytes that all copy operations of one patch may add: a few dozen could else double an object without end."""
REFUSED = "the server rejected our request due to an error in our request"


def apply(document: Any, operations: Any) -> Any:
    """The patched copy of `document`. PatchError 400 when the patch is not a list of objects, 422 when one fails."""
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise PatchError(
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{MAX_OPERATIONS}, got {len(operations)}",
            code=413,
            reason="RequestEntityTooLarge",
        )
    check_patch_depth(operations)
    holder = {"": clone(document)}
    budget = MAX_COPIED
    for operation in operations:
        if operation.get("op") == "copy":
            budget -= _copied_size(holder, operation)
            if budget < 0:
                raise _refused(f"the copies together are larger than {MAX_COPIED} bytes")
        _run(holder, operation)
    return holder[""]


def _copied_size(holder: dict[str, Any], operation: dict[str, Any]) -> int:
    source = _source(operation)
    value = _get(_parent(holder, source), source[-1])
    check_patch_depth(value)
    return len(orjson.dumps(value))


def _run(holder: dict[str, Any], operation: dict[str, Any]) -> None:
    name = operation.get("op")
    run = OPERATIONS.get(name) if isinstance(name, str) else None
    path = operation.get("path")
    if run is None or not isinstance(path, str):
        raise _refused(f"Unexpected kind: {name}")
    run(holder, _pointer(path), operation)


def _refused(why: str) -> PatchError:
    error = PatchError(REFUSED)
    error.why = why
    return error


def _pointer(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise _refused(f"path {path!r} does not start with a slash")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def _parent(holder: dict[str, Any], parts: list[str]) -> Any:
    current: Any = holder
    for part in parts[:-1]:
        current = _get(current, part)
    return current


def _get(container: Any, part: str) -> Any:
    if isinstance(container, dict):
        if part in container:
            return container[part]
    elif isinstance(container, list):
        return container[_index(part, len(container))]
    raise _refused(f"there is nothing at {part!r}")


def _index(part: str, length: int) -> int:
    """An index below `length`; negative ones count from the end, as in the library that Kubernetes uses."""
    digits = part.lstrip("+-") if part[:2] not in ("+-", "-+", "--", "++") else ""
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise _refused(f"{part!r} is not an index")
    place = int(part)
    if not -length <= place < length:
        raise _refused(f"index {part} is out of bounds")
    return place % length


def _value(operation: dict[str, Any]) -> Any:
    return clone(operation.get("value"))


def _insert(holder: dict[str, Any], parts: list[str], value: Any) -> None:
    parent = _parent(holder, parts)
    if isinstance(parent, dict):
        parent[parts[-1]] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if parts[-1] == "-" else _index(parts[-1], len(parent) + 1), value)
    else:
        raise _refused("the target is neither an object nor a list")


def _take(holder: dict[str, Any], parts: list[str]) -> Any:
    parent = _parent(holder, parts)
    value = _get(parent, parts[-1])
    if isinstance(parent, dict):
        del parent[parts[-1]]
    else:
        del parent[_index(parts[-1], len(parent))]
    return value


def _source(operation: dict[str, Any]) -> list[str]:
    source = operation.get("from")
    if not isinstance(source, str):
        raise _refused("the operation has no from")
    return _pointer(source)


def _add(holder: dict[str, Any], parts: list[str], operation: dict[str, Any]) -> None:
    _insert(holder, parts, _value(operation))


def _remove(holder: dict[str, Any], parts: list[str], operation: dict[str, Any]) -> None:
    _take(holder, parts)


def _replace(holder: dict[str, Any], parts: list[str], operation: dict[str, Any]) -> None:
    parent = _parent(holder, parts)
    _get(parent, parts[-1])
    parent[parts[-1] if isinstance(parent, dict) else _index(parts[-1], len(parent))] = _value(operation)


def _move(holder: dict[str, Any], parts: list[str], operation: dict[str, Any]) -> None:
    source = _source(operation)
    if parts[: len(source)] == source and len(parts) > len(source):
        raise _refused("a value cannot move into itself")
    _insert(holder, parts, _take(holder, source))


def _copy(holder: dict[str, Any], parts: list[str], operation: dict[str, Any]) -> None:
    source = _source(operation)
    _insert(holder, parts, clone(_get(_parent(holder, source), source[-1])))


def _test(holder: dict[str, Any], parts: list[str], operation: dict[str, Any]) -> None:
    try:
        actual = _get(_parent(holder, parts), parts[-1])
    except PatchError:
        if operation.get("value") is not None:
            raise
        actual = None  # as in Kubernetes, a test for null holds where there is nothing
    if not same(actual, operation.get("value")):
        raise _refused(f"testing value {operation.get('path')} failed")


OPERATIONS: dict[str, Callable[[dict[str, Any], list[str], dict[str, Any]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
