"""The JSONPath of CRD columns: `.spec.x`, `.items[0]`, `.items[*].name`, `.conditions[?(@.type=="Ready")].status`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Step = Callable[[Any], list[Any]]

_TOKEN = re.compile(
    r"""\.(?P<key>(?:[^.\[\]\\]|\\.)+)
      | \[\?\(@\.(?P<field>[^=!]+?)\s*==\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\)\]
      | \[(?P<quoted>["'])(?P<name>.*?)(?P=quoted)\]
      | \[(?P<index>-?\d+|\*)\]""",
    re.VERBOSE,
)


def look_up(path: str, obj: Any) -> list[Any]:
    """All values at `path`, in order; none for a path that leads nowhere or is of another form."""
    found = [obj]
    for step in _steps(path):
        found = [value for item in found for value in step(item)]
    return [value for value in found if value is not None]


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[Step, ...]:
    path = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    steps: list[Step] = []
    place = 0
    while place < len(path):
        token = _TOKEN.match(path, place)
        if token is None:
            return (_nowhere,)
        steps.append(_step(token))
        place = token.end()
    return tuple(steps)


def _step(token: re.Match[str]) -> Step:
    if token["field"] is not None:
        return _matching(token["field"].strip(), token["value"])
    if token["index"] is not None:
        return _each if token["index"] == "*" else _at(int(token["index"]))
    name = token["name"] if token["name"] is not None else re.sub(r"\\(.)", r"\1", token["key"])
    return _key(name)


def _nowhere(_item: Any) -> list[Any]:
    return []


def _each(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []


def _at(index: int) -> Step:
    return lambda item: item[index : index + 1 or None] if isinstance(item, list) else []


def _key(name: str) -> Step:
    return lambda item: [item[name]] if isinstance(item, dict) and name in item else []


def _matching(field: str, value: str) -> Step:
    inner = _steps("." + field)

    def keep(item: Any) -> list[Any]:
        return [element for element in _each(item) if value in _texts(element, inner)]

    return keep


def _texts(element: Any, steps: tuple[Step, ...]) -> list[str]:
    found = [element]
    for step in steps:
        found = [value for item in found for value in step(item)]
    return [str(value) for value in found]
