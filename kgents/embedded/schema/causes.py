"""The parts of a 422 answer: which field, what kind of trouble, and Kubernetes' own sentence about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

INVALID = "FieldValueInvalid"
REQUIRED = "FieldValueRequired"
FORBIDDEN = "FieldValueForbidden"
DUPLICATE = "FieldValueDuplicate"
NOT_SUPPORTED = "FieldValueNotSupported"
TYPE_INVALID = "FieldValueTypeInvalid"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"
GO_EXPONENT = 1e21
"""From here on Go writes numbers with an exponent."""
NOWHERE = "<nil>"
"""The field of a cause that Kubernetes assigns to none: only its sentence says what it is about."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes`; `message` does not repeat the field."""

    field: str
    reason: str
    message: str
    owner: str = ""
    """The path of the value it is about, where the field does not tell."""

    def to_dict(self) -> dict[str, str]:
        """The entry as Kubernetes writes it."""
        return {"reason": self.reason, "message": self.message, "field": self.field}

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def show(value: Any) -> str:
    """A value as Kubernetes quotes it in an error: JSON, with strings in double quotes."""
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < GO_EXPONENT else repr(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # integers beyond 64 bits, which YAML can bring
        return json.dumps(value, sort_keys=True, default=str)


def invalid(field: str, value: Any, detail: str) -> Cause:
    """`Invalid value: <value>: <detail>`."""
    return Cause(field, INVALID, f"Invalid value: {show(value)}: {detail}")


def invalid_at(owner: str, detail: str) -> Cause:
    """What Kubernetes says of the value at `owner` without naming its field."""
    return Cause(NOWHERE, INVALID, f'Invalid value: "": {detail}', owner)


def type_invalid(field: str, value: Any, detail: str) -> Cause:
    """A value of the wrong type."""
    return Cause(field, TYPE_INVALID, f"Invalid value: {show(value)}: {detail}")


def required(field: str, detail: str = "") -> Cause:
    """A value that must be there."""
    return Cause(field, REQUIRED, f"Required value: {detail}" if detail else "Required value")


def forbidden(field: str, detail: str) -> Cause:
    """A value that must not be there."""
    return Cause(field, FORBIDDEN, f"Forbidden: {detail}")


def duplicate(field: str, value: Any) -> Cause:
    """A list element that repeats an earlier one."""
    return Cause(field, DUPLICATE, f"Duplicate value: {show(value)}")


def not_supported(field: str, value: Any, supported: Iterable[Any]) -> Cause:
    """A value outside an enumeration."""
    shown = ", ".join(show(one) if isinstance(one, str) else f'"{show(one)}"' for one in supported)
    return Cause(field, NOT_SUPPORTED, f"Unsupported value: {show(value)}: supported values: {shown}")


def too_long(field: str, limit: int) -> Cause:
    """A string beyond its limit; Kubernetes says bytes whatever it counted."""
    return Cause(field, TOO_LONG, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Cause:
    """A list or map beyond its limit."""
    return Cause(field, TOO_MANY, f"Too many: {count}: must have at most {limit} items")


def below(path: str, causes: Iterable[Cause]) -> list[Cause]:
    """The causes of a value that was judged by itself, and stands at `path`; their sentences stay as they are."""
    return [replace(one, field=f"{path}.{one.field}" if one.field not in ("", NOWHERE) else path) for one in causes]


def invalid_message(causes: Sequence[Cause]) -> str:
    """The list of causes as one line, the part after `… is invalid: `."""
    if len(causes) == 1:
        return str(causes[0])
    return "[" + ", ".join(str(cause) for cause in causes) + "]"
