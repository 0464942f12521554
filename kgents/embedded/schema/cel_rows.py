"""One function of CEL as a row: its name, its types, its code."""

from __future__ import annotations

from collections.abc import Callable
from decimal import InvalidOperation
from typing import Any

Row = tuple[str, bool, str, tuple[str, ...], Callable[..., Any]]
"""Name, whether it is called on its first parameter, result type, parameter types, code.

`string*` is a list; `any` is a parameter of any type.
"""


def holds(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    """A function that says whether `parse` takes a text."""

    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, InvalidOperation):
            return False
        return True

    return check


def equal(one: Any, other: Any) -> bool:
    """CEL's equality: numbers by value whatever their type, nothing else across types."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict):
        if not isinstance(other, dict) or len(one) != len(other):
            return False
        return all(name in other and equal(item, other[name]) for name, item in one.items())
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def identity(value: Any) -> Any:
    """A hashable stand-in with `identity(a) == identity(b)` exactly when `equal(a, b)`."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict):
        return ("map", frozenset((identity(name), identity(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(identity(item) for item in value))
    return bytes(value) if isinstance(value, bytearray) else value
