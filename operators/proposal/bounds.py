"""What no patch may touch, whatever its risk: what a diff does not show, and what tells whose change it was. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import adopting
from kgents.api.governance import changes
from kgents.api.kinds import AGENT

OPERATIONS_MAX = 10_000
"""Of a JSON patch, as Kubernetes has it."""
_FIXED = frozenset(
    ("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generateName", "generation")
) | {"managedFields", "name", "namespace", "resourceVersion", "selfLink", "uid"}


def refusal(patch: Mapping[str, Any]) -> str:
    """Why this `spec.patch` is not even tried, or nothing."""
    content = patch.get("content")
    if patch.get("type") == "Json":
        return _of_operations(content)
    if not isinstance(content, Mapping):
        return f"the content of a patch of type {patch.get('type') or 'Apply'} is a partial object"
    if "status" in content:
        return _untouchable("/status")
    metadata = content.get("metadata")
    if isinstance(metadata, Mapping) and "annotations" in metadata and metadata["annotations"] is None:
        return "not all annotations can be taken away at once: name each with null"
    return ""


def hidden(before: Any, after: Any) -> str:
    """Why a change that a diff does not show must not be made, or nothing."""
    was, will_be = changes.silent_annotations(before), changes.silent_annotations(after)
    touched = sorted(key for key in was.keys() | will_be.keys() if was.get(key) != will_be.get(key))
    return _untouchable(f"/metadata/annotations/{touched[0]}") if touched else ""


def not_its_own(before: Any, after: Any) -> str:
    """Why a change of an agent that adopts a workload would come to nothing, for it is the workload's; else nothing."""
    ref = None if before is changes.ABSENT or before.get("kind") != AGENT.kind else adopting.ref_of(before)
    if ref is None:
        return ""
    touched = {change.path[1] for change in changes.between(before, after) if len(change.path) > 1}
    theirs = sorted(str(field) for field in touched & adopting.OF_THE_WORKLOAD)
    if not theirs:
        return ""
    name = before["metadata"]["name"]
    return (
        f"{name} is adopted, and its {', '.join(theirs)} are its workload's: propose the change of {ref.text} instead"
    )


def _of_operations(content: Any) -> str:
    if not isinstance(content, list):
        return "the content of a Json patch is a list of operations"
    if len(content) > OPERATIONS_MAX:
        return f"the patch has {len(content)} operations, and {OPERATIONS_MAX} are possible"
    for number, operation in enumerate(content):
        if not isinstance(operation, Mapping) or not isinstance(operation.get("path"), str):
            return f"operation {number} of the patch is no JSON patch operation"
        pointers = [operation["path"]] if operation.get("op") != "test" else []
        pointers += [str(operation["from"])] if operation.get("op") == "move" and "from" in operation else []
        why = next((said for pointer in pointers if (said := _of_pointer(pointer))), "")
        if why:
            return why
    return ""


def _of_pointer(pointer: str) -> str:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    whole = steps in ([], ["metadata"])
    fixed = steps[:1] == ["metadata"] and len(steps) > 1 and steps[1] in _FIXED
    return _untouchable(pointer or "/") if whole or fixed or steps[:1] == ["status"] else ""


def _untouchable(pointer: str) -> str:
    return f"{pointer[:200]} is not to be proposed: it is what others observe or note. Leave it out of the patch"
