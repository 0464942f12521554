"""A bound on what expressions do with text: the runtime counts iterations, not the characters read in each.

A loop that searches a long text once per element of a long list would hold up the whole server. What it would read at
most follows from the values at hand; beyond the limit the expression is not evaluated, as Kubernetes stops one whose
cost exceeds its budget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kgents.embedded.schema.cel_text import LOOPS, READERS, TOKEN

LIMIT = 2_000_000_000
"""Characters; a second or two of the runtime's work."""
MAX_ITERATIONS = 10_000
"""Where the runtime stops by itself."""

Readers = tuple[int, ...]
"""How many functions that read text stand within one loop, within two, and so on."""


def readers(sources: Iterable[str]) -> Readers:
    """The functions that read text in loops, over all these expressions."""
    found: Counter[int] = Counter()
    for source in sources:
        found.update(_depths([token.group() for token in TOKEN.finditer(source) if token.lastgroup]))
    return tuple(found[depth] for depth in range(1, max(found, default=0) + 1))


def _depths(tokens: Sequence[str]) -> Iterator[int]:
    """The number of loops around each function that reads text and is in any."""
    loops: list[bool] = []
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else ""
        if token in "([{":
            loops.append(token == "(" and before in LOOPS)
        elif token in ")]}" and loops:
            loops.pop()
        elif token in READERS and any(loops):
            yield sum(loops)


def too_much(functions: Readers, values: Mapping[str, Any]) -> bool:
    """Whether such functions could read more than the limit, given these values."""
    if not functions:
        return False
    longest, elements = extent(values)
    each = (min(int(elements ** (depth + 1)), MAX_ITERATIONS) * count for depth, count in enumerate(functions))
    return longest * sum(each) > LIMIT


def extent(values: Mapping[str, Any]) -> tuple[int, int]:
    """The length of the longest text and of the longest list or map in the values."""
    longest, elements = 0, 1
    waiting: list[Any] = list(values.values())
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            longest = max(longest, len(one))
        elif isinstance(one, dict):
            elements = max(elements, len(one))
            waiting.extend(one.values())
        elif isinstance(one, list):
            elements = max(elements, len(one))
            waiting.extend(one)
    return longest, elements
