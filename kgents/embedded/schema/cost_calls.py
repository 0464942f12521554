"""What single functions cost: by the length of the texts they read and the lists they run through."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

READ = 0.1
"""The cost of reading one character."""
PATTERN = 0.25
"""The cost of one character of a regular expression, for each tenth character it is matched against."""
AUTHORIZER_CHECK = 350_000.0
FORMAT_LENGTH = 128


class Sized(Protocol):
    """An argument: how large its value can be, and its elements."""

    def bound(self) -> float:
        """The most characters or elements."""

    def elements(self) -> Sized:
        """What is in it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function with estimates of its arguments; `constants` are those that stand in the source."""

    name: str
    overloads: tuple[str, ...]
    target: Sized | None
    given: list[Any]
    constants: list[Any]

    def subject(self) -> float:
        """The size of what the function is called on."""
        if self.target is not None:
            return self.target.bound()
        return float(self.given[0].bound()) if self.given else 1.0

    def size(self, at: int) -> float:
        """The size of an argument."""
        return float(self.given[at].bound()) if at < len(self.given) else 1.0


Cost = tuple[float, float | None, float | None]
"""The call's own cost, the size of its result and of the result's elements, where known."""


def call_cost(call: Call) -> Cost:
    """The cost of a call, its arguments' own cost aside."""
    rule = RULES.get(call.name)
    return (1.0, None, None) if rule is None else rule(call)


def _matches(call: Call) -> Cost:
    cost = math.ceil((call.subject() + 1) * READ) * math.ceil(call.size(0) * PATTERN)
    return cost, (call.subject() if call.name != "matches" else 1.0), call.subject()


def _contains(call: Call) -> Cost:
    return math.ceil(call.subject() * READ) * math.ceil(call.size(0) * READ), 1.0, None


def _read_argument(call: Call) -> Cost:
    return math.ceil(call.size(0) * READ), None, None


def _read_subject(call: Call) -> Cost:
    return math.ceil(call.subject() * READ), call.subject(), None


def _add(call: Call) -> Cost:
    size = call.size(0) + call.size(1)
    if call.overloads and not any("string" in one or "bytes" in one for one in call.overloads):
        listed = any("list" in one for one in call.overloads)
        longest = max(one.elements().bound() for one in call.given[:2]) if listed else None
        return 1.0, size if listed else 1.0, longest
    return math.ceil(size * READ), size, None


def _equal(call: Call) -> Cost:
    return math.ceil(min(call.size(0), call.size(1)) * READ), 1.0, None


def _compare(call: Call) -> Cost:
    return max(1.0, _equal(call)[0]), 1.0, None


def _split(call: Call) -> Cost:
    return math.ceil(call.subject() * 2 * READ), call.subject(), call.subject()


def _join(call: Call) -> Cost:
    count = call.subject()
    element = call.target.elements().bound() if call.target is not None else 1.0
    size = count * (element + (call.size(0) if call.given else 0.0))
    return math.ceil(size * READ), size, None


def _replace(call: Call) -> Cost:
    length = call.subject()
    old = call.constants[0] if call.constants else None
    times = length / len(old) if old else length + 1
    return math.ceil(length * 2 * READ), length + times * call.size(1), None


def _run_through(call: Call) -> Cost:
    element = call.target.elements().bound() if call.target is not None else 1.0
    return call.subject() * (1 + math.ceil(element * READ)), None, element


def _build(call: Call) -> Cost:
    count = call.subject()
    element = (call.target or call.given[0]).elements().bound()
    return count * (1 + math.ceil(element * READ)), count, element


def _keys(call: Call) -> Cost:
    return call.size(0), call.size(0), None


def _validate(call: Call) -> Cost:
    return math.ceil(call.size(0) * READ * FORMAT_LENGTH * PATTERN), 4096.0, None


def _format(call: Call) -> Cost:
    given = call.given[0].elements().bound() if call.given else 1.0
    size = call.subject() + call.size(0) * given
    return math.ceil(call.subject() * READ), size, None


def _fixed(cost: float) -> Callable[[Call], Cost]:
    return lambda call: (cost, 1.0, None)


RULES: dict[str, Callable[[Call], Cost]] = {
    **dict.fromkeys(("matches", "find", "findAll"), _matches),
    **dict.fromkeys(("startsWith", "endsWith"), _read_argument),
    **dict.fromkeys(("cidr", "isIP", "isCIDR", "ip.isCanonical", "isURL"), _read_argument),
    **dict.fromkeys(("quantity", "isQuantity", "semver", "isSemver", "url"), _read_argument),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim", "string", "bytes", "quote"), _read_subject),
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _compare),
    **dict.fromkeys(("_==_", "_!=_"), _equal),
    **dict.fromkeys(("sum", "min", "max", "isSorted", "indexOf__", "lastIndexOf__"), _run_through),
    **dict.fromkeys(("sort", "distinct", "flatten", "sets.contains", "sets.intersects", "sets.equivalent"), _build),
    **dict.fromkeys(("_&&_", "_||_"), _fixed(0.0)),
    **dict.fromkeys(("charAt", "size", "@not_strictly_false"), _fixed(1.0)),
    "contains": _contains,
    "_+_": _add,
    "@in": lambda call: (call.size(1), 1.0, None),
    "split": _split,
    "join": _join,
    "replace": _replace,
    "keys__": _keys,
    "validate__": _validate,
    "format": _format,
    "check": _fixed(AUTHORIZER_CHECK),
}
