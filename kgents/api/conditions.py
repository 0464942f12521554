"""Status conditions, changed by Kubernetes' rules: the time is that of the last transition, not of the last look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from kgents.api import times
from kgents.api.resources import Condition

ConditionStatus = Literal["True", "False", "Unknown"]
MESSAGE_MAX = 4096


def make(
    type: str, status: bool | ConditionStatus | None, reason: str, message: str = "", *, now: float, generation: int = 0
) -> Condition:
    """A condition. `status` may be a bool, or None for Unknown; `now` in seconds since 1970."""
    word: ConditionStatus = status if isinstance(status, str) else _WORDS[status]
    return {
        "type": type,
        "status": word,
        "observedGeneration": generation,
        "lastTransitionTime": times.to_text(now),
        "reason": reason,
        "message": message[:MESSAGE_MAX],
    }


_WORDS: dict[bool | None, ConditionStatus] = {True: "True", False: "False", None: "Unknown"}


def set_condition(conditions: Iterable[Mapping[str, Any]] | None, new: Condition) -> list[Condition]:
    """The conditions with `new` in its place. Its lastTransitionTime is kept from before when the status is the same.

    The input is not changed. Order is kept; a condition that is new stands last.
    """
    result: list[Condition] = []
    placed = False
    for old in conditions or ():
        if old.get("type") != new["type"]:
            result.append(old)  # type: ignore[arg-type]
            continue
        if placed:
            continue
        placed = True
        same = old.get("status") == new["status"] and old.get("lastTransitionTime")
        result.append({**new, "lastTransitionTime": old["lastTransitionTime"]} if same else new)
    return result if placed else [*result, new]


def without(conditions: Iterable[Mapping[str, Any]] | None, type: str) -> list[Mapping[str, Any]]:
    """The conditions but the one of that type."""
    return [condition for condition in conditions or () if condition.get("type") != type]


def find(obj: Mapping[str, Any], type: str) -> Mapping[str, Any] | None:
    """An object's condition of that type."""
    status = obj.get("status")
    conditions = status.get("conditions") if isinstance(status, Mapping) else None
    if not isinstance(conditions, list):
        return None
    return next((c for c in conditions if isinstance(c, Mapping) and c.get("type") == type), None)


def is_true(obj: Mapping[str, Any], type: str) -> bool:
    """Whether the object has that condition with status True."""
    condition = find(obj, type)
    return condition is not None and condition.get("status") == "True"
