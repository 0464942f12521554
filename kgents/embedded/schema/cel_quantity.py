"""Quantities in CEL: maps that carry their canonical amount, so that equality works."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import re2

from kgents.embedded.schema.cel_rows import Row, holds

SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
MAX_LENGTH = 256
"""Beyond any amount; keeps arithmetic on hostile text cheap."""
_QUANTITY = re2.compile(r"^([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([eE][+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)$")


def parse_quantity(text: str) -> Decimal:
    """A Kubernetes quantity as an exact number; ValueError for anything else."""
    match = _QUANTITY.match(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    number = Decimal(match.group(1))
    if match.group(2):
        return number * Decimal(10) ** int(match.group(2)[1:])
    return number * SUFFIXES[match.group(3) or ""]


def _quantity(text: str) -> dict[str, Any]:
    return {"quantity": _text(parse_quantity(text))}


def _text(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _number(value: Any) -> Decimal:
    if isinstance(value, dict) and isinstance(value.get("quantity"), str):
        return Decimal(value["quantity"])
    raise ValueError("no such overload")


def _as_integer(value: Any) -> int:
    number = _number(value)
    if number != int(number) or abs(number) >= 2**63:
        raise ValueError("cannot convert value to integer")
    return int(number)


def compare(one: Any, other: Any) -> int:
    """-1, 0 or 1."""
    left, right = _number(one), _number(other)
    return (left > right) - (left < right)


def _added(one: Any, other: Any, sign: int) -> dict[str, Any]:
    amount = Decimal(other) if isinstance(other, int) else _number(other)
    return {"quantity": _text(_number(one) + sign * amount)}


ROWS: tuple[Row, ...] = (
    ("quantity", False, "map", ("string",), _quantity),
    ("isQuantity", False, "bool", ("string",), holds(parse_quantity)),
    ("asInteger", True, "int", ("map",), _as_integer),
    ("isInteger", True, "bool", ("map",), holds(_as_integer)),
    ("asApproximateFloat", True, "double", ("map",), lambda value: float(_number(value))),
    ("sign", True, "int", ("map",), lambda value: int(_number(value).compare(Decimal(0)))),
    ("add", True, "map", ("map", "map"), lambda a, b: _added(a, b, 1)),
    ("add", True, "map", ("map", "int"), lambda a, b: _added(a, b, 1)),
    ("sub", True, "map", ("map", "map"), lambda a, b: _added(a, b, -1)),
    ("sub", True, "map", ("map", "int"), lambda a, b: _added(a, b, -1)),
)
