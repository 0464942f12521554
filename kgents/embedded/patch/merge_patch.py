"""JSON Merge Patch (RFC 7386): maps merge, null removes, everything else replaces."""

from __future__ import annotations

from typing import Any

from kgents.embedded.patch.errors import bad_request, check_patch_depth
from kgents.embedded.schema.clone import clone


def apply(document: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The patched copy of `document`; it shares nothing with either argument."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a merge patch is an object")
    check_patch_depth(patch)
    return merge(clone(document), patch)


def merge(target: Any, patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7386's MergePatch for an object patch; changes `target` when that is an object."""
    result: dict[str, Any] = target if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merge(result.get(name), value)
        else:
            result[name] = clone(value)
    return result
