"""What an operation of the path registry is: its pattern, its arguments and their types, who else can answer it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api.errors import UsageError

ArgumentType = Literal["text", "number", "integer", "boolean", "duration", "object", "list", "any"]
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


@dataclass(frozen=True, slots=True)
class Argument:
    """What an operation takes besides the names in its path. A duration is text such as `5m`."""

    name: str
    type: ArgumentType
    description: str
    required: bool = False
    repeated: bool = False

    def parse(self, value: object) -> Any:
        """`value` as this argument's type; text is read as a person types it. Raises UsageError."""
        parsers = {
            "number": _number,
            "integer": _integer,
            "boolean": _boolean,
            "object": _object,
            "list": _list,
            "any": _decoded,
        }
        parser = parsers.get(self.type)
        if parser is not None:
            return parser(self.name, value)
        if self.repeated and isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        if not isinstance(value, str):
            raise UsageError(f"{self.name} must be text", why=f"got {json.dumps(value)}")
        return value


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. `ghost` is the file below the hive's ghost that can answer it, `kubectl` the command that can."""

    id: str
    pattern: str
    description: str
    command: str
    arguments: tuple[Argument, ...] = ()
    write: bool = False
    many: bool = False
    ghost: str = ""
    kubectl: str = ""

    @property
    def aspect(self) -> str:
        return self.pattern.rpartition(".")[2]

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.pattern.split("."))

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the path binds, in order."""
        return tuple(segment[1:-1] for segment in self.segments if segment.startswith("<"))

    @property
    def affordance(self) -> str:
        """What an umwelt must afford for this: the pattern, with `*` for names."""
        return ".".join("*" if segment.startswith("<") else segment for segment in self.segments)

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """The names that `path` binds, or None when it is not this operation."""
        if len(path) != len(self.segments):
            return None
        bindings = {}
        for wanted, given in zip(self.segments, path, strict=True):
            if wanted.startswith("<"):
                bindings[wanted[1:-1]] = given
            elif wanted != given:
                return None
        return bindings

    def path(self, **bindings: str) -> str:
        """The path with its names filled in. Raises UsageError for what cannot be a name: it would be no path."""
        for value in bindings.values():
            if not all(value.split(".")):
                raise UsageError(f"“{value[:60]}” is no name", why="a name has a–z, 0–9, '-' and single dots inside")
        return ".".join(bindings[part[1:-1]] if part.startswith("<") else part for part in self.segments)

    def parse(self, given: Mapping[str, object]) -> dict[str, Any]:
        """The arguments, typed. Raises UsageError for one that is unknown, missing or of another type."""
        known = {argument.name: argument for argument in self.arguments}
        unknown = sorted(set(given) - set(known))
        if unknown:
            takes = ", ".join(known) or "no arguments"
            raise UsageError(f"unknown argument {unknown[0]}", why=f"this operation takes {takes}")
        missing = [name for name, argument in known.items() if argument.required and name not in given]
        if missing:
            raise UsageError(f"{missing[0]} is missing", why=known[missing[0]].description)
        return {name: known[name].parse(value) for name, value in given.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageError(f"{name} must be a number", why=f"got {json.dumps(value)}")
    try:
        number = float(value)
    except ValueError as error:
        raise UsageError(f"{name} must be a number", why=f"got {value!r}") from error
    if number != number or number in (float("inf"), float("-inf")):
        raise UsageError(f"{name} must be a finite number", why=f"got {value!r}")
    return number


def _integer(name: str, value: object) -> int:
    number = _number(name, value)
    if number != int(number):
        raise UsageError(f"{name} must be a whole number", why=f"got {value!r}")
    return int(number)


def _boolean(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = value.lower() if isinstance(value, str) else ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise UsageError(f"{name} must be true or false", why=f"got {json.dumps(value)}")


def _decoded(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise UsageError(f"{name} must be JSON", why=str(error)) from error


def _object(name: str, value: object) -> dict[str, Any]:
    decoded = _decoded(name, value)
    if not isinstance(decoded, dict):
        raise UsageError(f"{name} must be a JSON object", why=f"got {json.dumps(decoded)}")
    return decoded


def _list(name: str, value: object) -> list[Any]:
    decoded = _decoded(name, value)
    if not isinstance(decoded, list):
        raise UsageError(f"{name} must be a JSON list", why=f"got {json.dumps(decoded)}")
    return decoded
