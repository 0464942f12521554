"""Functions of lists and maps in CEL: Kubernetes' own, CEL's extensions of lists and sets, and what macros become."""

from __future__ import annotations

import datetime as dt
from functools import cmp_to_key
from itertools import pairwise
from typing import Any

from kgents.embedded.schema.cel_rows import Row, equal, identity

MAX_ELEMENTS = 100_000
"""What one call may make out of little: `lists.range` and `flatten`."""


def _less(one: Any, other: Any) -> bool:
    if isinstance(one, dict) or isinstance(other, dict):
        raise ValueError("no such overload")
    try:
        return bool(one < other)
    except TypeError:
        raise ValueError("no such overload") from None


def _is_sorted(items: list[Any]) -> bool:
    return not any(_less(other, one) for one, other in pairwise(items))


def _sorted(items: list[Any], keys: list[Any] | None = None) -> list[Any]:
    by: list[Any] = items if keys is None else keys

    def compare(one: int, other: int) -> int:
        return _less(by[other], by[one]) - _less(by[one], by[other])

    return [items[at] for at in sorted(range(len(items)), key=cmp_to_key(compare))]


def _sum(items: list[Any]) -> Any:
    if any(isinstance(item, str | dict | list | bool) for item in items):
        raise ValueError("no such overload")
    return _result(sum(items[1:], items[0])) if items else 0


def _result(value: Any) -> Any:
    """A value that the runtime takes back: it gives out moments and spans as Python's own, but wants protobuf's."""
    if isinstance(value, dt.timedelta):
        from google.protobuf.duration_pb2 import Duration

        span = Duration()
        span.FromTimedelta(value)
        return span
    if isinstance(value, dt.datetime):
        from google.protobuf.timestamp_pb2 import Timestamp

        moment = Timestamp()
        moment.FromDatetime(value)
        return moment
    if isinstance(value, list):
        return [_result(item) for item in value]
    if isinstance(value, dict):
        return {name: _result(item) for name, item in value.items()}
    return value


def _least(items: list[Any]) -> Any:
    if not items:
        raise ValueError("min called on empty list")
    found = items[0]
    for item in items[1:]:
        found = item if _less(item, found) else found
    return _result(found)


def _greatest(items: list[Any]) -> Any:
    if not items:
        raise ValueError("max called on empty list")
    found = items[0]
    for item in items[1:]:
        found = item if _less(found, item) else found
    return _result(found)


def _index_in_list(items: list[Any], wanted: Any) -> int:
    return next((at for at, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_in_list(items: list[Any], wanted: Any) -> int:
    return next((at for at in range(len(items) - 1, -1, -1) if equal(items[at], wanted)), -1)


def _from(offset: int) -> int:
    if offset < 0:
        raise ValueError(f"index out of range: {offset}")
    return offset


def _last_index(text: str, part: str, offset: int) -> int:
    if part and offset >= len(text):
        return -1
    return text.rfind(part, 0, _from(offset) + len(part))


def _slice(items: list[Any], start: int, end: int) -> Any:
    if start < 0 or end < 0:
        raise ValueError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise ValueError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise ValueError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return _result(items[start:end])


def _flatten(items: list[Any], depth: int = 1) -> Any:
    if depth < 0:
        raise ValueError("level must be non-negative")
    flat: list[Any] = []
    for item in items:
        flat += _flatten(item, depth - 1) if isinstance(item, list) and depth else [item]
        if len(flat) > MAX_ELEMENTS:
            raise ValueError("the flattened list is too long")
    return _result(flat)


def _distinct(items: list[Any]) -> Any:
    return _result(list({identity(item): item for item in reversed(items)}.values())[::-1])


def _range(count: int) -> list[int]:
    if count > MAX_ELEMENTS:
        raise ValueError("the range is too long")
    return list(range(count))


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return {identity(item) for item in wanted} <= {identity(item) for item in items}


def _meet(items: list[Any], others: list[Any]) -> bool:
    return not {identity(item) for item in items}.isdisjoint(identity(item) for item in others)


def _keys(value: Any) -> list[Any]:
    return list(range(len(value))) if isinstance(value, list) else list(value)


def _pairs(items: list[Any]) -> Any:
    return _result(dict(items))


def _merged(items: list[Any]) -> Any:
    result: dict[Any, Any] = {}
    for item in items:
        for name, value in item.items():
            if name in result:
                raise ValueError(f"insert failed: key {name} already exists")
            result[name] = _result(value)
    return result


ROWS: tuple[Row, ...] = (
    ("isSorted", True, "bool", ("dyn*",), _is_sorted),
    ("sum", True, "dyn", ("dyn*",), _sum),
    ("min", True, "dyn", ("dyn*",), _least),
    ("max", True, "dyn", ("dyn*",), _greatest),
    ("indexOf__", True, "int", ("dyn*", "any"), _index_in_list),
    ("indexOf__", True, "int", ("string", "string"), lambda text, part: text.find(part)),
    ("indexOf__", True, "int", ("string", "string", "int"), lambda text, part, at: text.find(part, _from(at))),
    ("lastIndexOf__", True, "int", ("dyn*", "any"), _last_index_in_list),
    ("lastIndexOf__", True, "int", ("string", "string"), lambda text, part: text.rfind(part)),
    ("lastIndexOf__", True, "int", ("string", "string", "int"), _last_index),
    ("reverse__", True, "dyn*", ("dyn*",), lambda items: _result(items[::-1])),
    ("slice", True, "dyn*", ("dyn*", "int", "int"), _slice),
    ("flatten", True, "dyn*", ("dyn*",), _flatten),
    ("flatten", True, "dyn*", ("dyn*", "int"), _flatten),
    ("sort", True, "dyn*", ("dyn*",), lambda items: _result(_sorted(items))),
    ("sortBy__", False, "dyn*", ("dyn*", "dyn*"), lambda items, keys: _result(_sorted(items, keys))),
    ("distinct", True, "dyn*", ("dyn*",), _distinct),
    ("lists.range", False, "int*", ("int",), _range),
    ("sets.contains", False, "bool", ("dyn*", "dyn*"), _contains_all),
    ("sets.intersects", False, "bool", ("dyn*", "dyn*"), _meet),
    ("sets.equivalent", False, "bool", ("dyn*", "dyn*"), lambda a, b: _contains_all(a, b) and _contains_all(b, a)),
    ("keys__", False, "dyn*", ("list",), _keys),
    ("keys__", False, "dyn*", ("map",), _keys),
    ("pairs__", False, "map", ("dyn*",), _pairs),
    ("merged__", False, "map", ("dyn*",), _merged),
)
