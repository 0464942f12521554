"""The part of JSONPath that printer columns use: fields, quoted fields, indices, wildcards and equality filters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.?\[\?\(\s*@\.(?P<filter>[^=!<>\s]+)\s*(?P<op>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[^)\s]+)\s*\)\]
      | \.?\[(?P<index>-?\d+|\*)\]
      | \.?\[(?P<quoted>'[^']*'|"[^"]*")\]
      | \.(?P<field>(?:\\.|[^.\[\]\\])+)""",
    re.VERBOSE,
)

Step = tuple[str, str, str]


@lru_cache(maxsize=1024)
def parse(path: str) -> tuple[Step, ...]:
    """A path as steps; what cannot be read ends it."""
    path = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    if path and path[0] not in ".[":
        path = "." + path
    return tuple(_steps(path))


def _steps(path: str) -> Iterable[Step]:
    at = 0
    while match := _STEP.match(path, at):
        at = match.end()
        if match["filter"]:
            yield ("filter" + match["op"], match["filter"], match["value"].strip("\"'"))
        elif match["index"]:
            yield ("index", match["index"], "")
        else:
            name = match["quoted"][1:-1] if match["quoted"] else re.sub(r"\\(.)", r"\1", match["field"])
            yield ("field", name, "")


def find(path: str, obj: Any) -> list[Any]:
    """All values at a path, null ones left out."""
    values = [obj]
    for kind, name, wanted in parse(path):
        values = [found for value in values for found in _step(value, kind, name, wanted)]
    return [value for value in values if value is not None]


def _step(value: Any, kind: str, name: str, wanted: str) -> Iterable[Any]:
    if kind == "field":
        if name == "*" and isinstance(value, dict):
            return list(value.values())
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return list(value.values()) if name == "*" and isinstance(value, dict) else []
    if kind == "index":
        if name == "*":
            return value
        return value[int(name) :][:1]
    equal = kind.endswith("==")
    return [one for one in value if isinstance(one, dict) and (_text(one.get(name)) == wanted) == equal]


def _text(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
