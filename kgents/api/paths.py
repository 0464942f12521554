"""The path registry: every operation of kgents, once. The CLI, Cortex, `kgents paths` and the docs read this table.

A path is `context.entity[.name].aspect`. Segments in angle brackets are names; the last segment is always the aspect,
so an agent may be called `manifest`. Nobody else takes paths apart: `resolve` decides what one means, and where two
patterns fit, that is an error which lists both readings, never a guess.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api.errors import NotFound, UsageError

ArgumentType = Literal["text", "number", "integer", "boolean", "duration", "object", "list"]
CONTEXTS = ("world", "self", "concept", "void", "time")
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
        parsers = {"number": _number, "integer": _integer, "boolean": _boolean, "object": _object, "list": _list}
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
        """The path with its names filled in."""
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


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a path means: the operation, and the names found in the path."""

    entry: Entry
    bindings: dict[str, str]


_SIGNAL_ARGUMENTS = (
    Argument("type", "text", "the type of the signal, such as WARNING", required=True),
    Argument("payload", "text", "what it says"),
    Argument("source", "text", "who says it"),
    Argument("target", "text", "the agent that it is meant for"),
    Argument("intensity", "number", "how strong it starts, from 0 to 1"),
    Argument("halfLife", "duration", "the time in which it loses half its strength, such as 5m"),
)

_SENSE_ARGUMENTS = (
    Argument("type", "text", "only signals of this type", repeated=True),
    Argument("minIntensity", "number", "only signals at least this strong now"),
    Argument("limit", "integer", "at most so many, the strongest first"),
)

_LOG_ARGUMENTS = (
    Argument("follow", "boolean", "keep printing what is written"),
    Argument("tail", "integer", "only so many of the last lines"),
)

REGISTRY: tuple[Entry, ...] = (
    Entry(
        "agents.list",
        "world.cluster.agents.manifest",
        "list agents",
        "kgents status",
        many=True,
        ghost="agents/_index.json",
        kubectl="get agents.kgents.io",
    ),
    Entry(
        "agents.get",
        "world.cluster.agents.<agent>.manifest",
        "show one agent",
        "kgents status AGENT",
        ghost="agents/<namespace>/<agent>.json",
        kubectl="get agents.kgents.io <agent>",
    ),
    Entry(
        "agents.define",
        "world.cluster.agents.<agent>.define",
        "make an agent, or change it",
        "kgents run NAME -- COMMAND",
        (
            Argument("spec", "object", "the agent's spec", required=True),
            Argument("labels", "object", "its labels"),
            Argument("annotations", "object", "its annotations"),
        ),
        write=True,
        kubectl="apply --server-side -f -",
    ),
    Entry(
        "agents.suspend",
        "world.cluster.agents.<agent>.suspend",
        "pause an agent: no pods until it is resumed",
        "kgents pause AGENT",
        write=True,
        kubectl="patch agents.kgents.io <agent> --type merge --patch {spec: {suspend: true}}",
    ),
    Entry(
        "agents.resume",
        "world.cluster.agents.<agent>.resume",
        "let a paused agent run again",
        "kgents resume AGENT",
        write=True,
        kubectl="patch agents.kgents.io <agent> --type merge --patch {spec: {suspend: false}}",
    ),
    Entry(
        "agents.terminate",
        "world.cluster.agents.<agent>.terminate",
        "delete an agent and all that it owns",
        "kgents delete AGENT",
        write=True,
        kubectl="delete agents.kgents.io <agent> --wait=false",
    ),
    Entry(
        "agents.witness",
        "world.cluster.agents.<agent>.witness",
        "read an agent's log",
        "kgents logs AGENT",
        _LOG_ARGUMENTS,
        many=True,
        kubectl="logs --selector kgents.io/agent=<agent>",
    ),
    Entry(
        "cluster.apply",
        "world.cluster.apply",
        "apply objects as they are written",
        "kgents apply -f FILE",
        (Argument("objects", "list", "the objects, as Kubernetes writes them", required=True),),
        write=True,
        many=True,
        kubectl="apply --server-side -f -",
    ),
    Entry(
        "cluster.manifest",
        "world.cluster.manifest",
        "the health of the hive",
        "kgents infra status",
        ghost="cluster/status.json",
        kubectl="get --raw /readyz",
    ),
    Entry(
        "pheromones.sense",
        "void.pheromone.sense",
        "list signals, the strongest now first",
        "kgents observe",
        _SENSE_ARGUMENTS,
        many=True,
        ghost="pheromones/active.json",
        kubectl="get pheromones.kgents.io",
    ),
    Entry(
        "pheromones.emit",
        "void.pheromone.emit",
        "emit a signal that fades by itself",
        "kgents signal emit TYPE",
        _SIGNAL_ARGUMENTS,
        write=True,
        kubectl="create -f -",
    ),
    Entry(
        "proposals.list",
        "self.deployment.manifest",
        "list proposals",
        "kgents proposals",
        many=True,
        ghost="proposals/pending.json proposals/merged.json proposals/rejected.json",
        kubectl="get proposals.kgents.io",
    ),
    Entry(
        "proposals.get",
        "self.deployment.<proposal>.manifest",
        "show one proposal",
        "kgents proposals NAME",
        ghost="proposals/pending.json proposals/merged.json proposals/rejected.json",
        kubectl="get proposals.kgents.io <proposal>",
    ),
    Entry(
        "memory.manifest",
        "self.memory.manifest",
        "the last known state, as it lies on this disk",
        "kgents ghost show",
        many=True,
        ghost="_meta/stability_score.json",
    ),
    Entry(
        "witness.stream",
        "time.witness.stream",
        "what happens in the hive, as it happens",
        "kgents status --watch",
        many=True,
    ),
)

_BY_ID = {entry.id: entry for entry in REGISTRY}


def entry(id: str) -> Entry:
    """The operation of that id. Raises KeyError: ids are written in code, not by people."""
    return _BY_ID[id]


def path_of(id: str, **bindings: str) -> str:
    """The path of an operation, with its names filled in."""
    return _BY_ID[id].path(**bindings)


def resolve(path: str, registry: Iterable[Entry] = REGISTRY) -> Resolution:
    """What `path` means. Raises NotFound when nothing fits, UsageError when it is no path or has several readings."""
    segments = tuple(path.strip().split("."))
    if len(segments) < 2 or not all(segments):
        raise UsageError(
            f"{path!r} is not a path", why="a path is context.entity[.name].aspect", fix="Try kgents paths"
        )
    found = [(one, bound) for one in registry if (bound := one.match(segments)) is not None]
    if not found:
        raise NotFound(f"no operation at {path}", why=_nearest(segments, registry), fix="kgents paths lists them all")
    if len(found) > 1:
        readings = "; ".join(f"{one.pattern} ({one.description}: {one.command})" for one, _ in found)
        raise UsageError(f"{path} has {len(found)} readings", why=readings, fix="Use the command of the one you mean")
    return Resolution(*found[0])


def _nearest(segments: tuple[str, ...], registry: Iterable[Entry]) -> str:
    if segments[0] not in CONTEXTS:
        return f"a path starts with one of {', '.join(CONTEXTS)}"
    entries = list(registry)
    longer = [one.pattern for one in entries if one.match((*segments, one.aspect)) is not None]
    if longer:
        return f"the last part is what to do; it could be {' or '.join(longer)}"
    aspects = [one.aspect for one in entries if one.match((*segments[:-1], one.aspect)) is not None]
    if aspects:
        return f"what can be done there: {', '.join(sorted(set(aspects)))}"
    return "nothing fits it"


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
