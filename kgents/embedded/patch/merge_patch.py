"""JSON Merge Patch (RFC 7386): maps merge, null removes, everything else replaces."""

from __future__ import annotations

import copy
from typing import Any

from kgents.embedded.patch.errors import bad_request


def apply(document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The patched document; neither argument is changed, parts that stay are shared with `document`."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a merge patch is an object")
    merged = merge(document, patch)
    return copy.deepcopy(merged) if merged is document else merged


def merge(target: Any, patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7386's MergePatch for an object patch."""
    result: dict[str, Any] = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merge(result.get(name), value)
        else:
            result[name] = copy.deepcopy(value)
    return result
