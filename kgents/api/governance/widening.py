"""Whether a change of an umwelt gives the agent less than it had. What is not plainly less counts as more."""

from __future__ import annotations

import json
from typing import Any

from kgents.api import quantity
from kgents.api.governance.changes import ABSENT, Change

# Lists of what is allowed. In `senses` an absent list is no restriction; elsewhere an absent one allows nothing extra.
_GRANTS = (("affordances",), ("autonomy", "images"), ("autonomy", "configKeys"))
_FILTERS = (("senses", "sense"), ("senses", "emit"))
_CEILINGS = (("autonomy", "replicas", "max"), ("autonomy", "resources", "max"))
_FLOORS = (("autonomy", "replicas", "min"),)


def is_narrower(change: Change) -> bool:
    """Whether this change of an Umwelt's spec takes something away and gives nothing."""
    field = change.fields[1:]
    if field == ("autonomy",):
        return change.after is ABSENT
    if field in _GRANTS:
        return _is_part(_items(change.after), _items(change.before))
    if field in _FILTERS:
        return change.after is not ABSENT and (
            change.before is ABSENT or _is_part(_items(change.after), _items(change.before))
        )
    if field[:3] in _CEILINGS:
        return change.after is ABSENT or _is_at_most(change.after, change.before)
    if field in _FLOORS:
        return change.before is not ABSENT and change.after is not ABSENT and _is_at_most(change.before, change.after)
    if field[:1] == ("constraints",):
        return change.after is not ABSENT and (change.before is ABSENT or _is_at_most(change.after, change.before))
    return False


def _items(value: Any) -> set[str]:
    return {json.dumps(item, sort_keys=True) for item in value} if isinstance(value, list) else set()


def _is_part(smaller: set[str], larger: set[str]) -> bool:
    return smaller <= larger


def _is_at_most(one: Any, other: Any) -> bool:
    less, more = quantity.parse_or(one, None), quantity.parse_or(other, None)
    return less is not None and more is not None and less <= more
