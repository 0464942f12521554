"""YAML bodies as the JSON values that they stand for, whatever a hostile one holds.

The parser's events are put together here, without recursion, since the YAML library's own way ends in a stack overflow
for deep documents and in gigabytes for aliases of aliases. As in sigs.k8s.io/yaml only the first document counts, keys
become text, and there are no dates.
"""

from __future__ import annotations

import math
from typing import Any

import orjson
import yaml

from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.depth import MAX_DEPTH

SMALL = 10_000
"""Values that a document may have in any case; a larger one may have as many as it has bytes, aliases written out."""
MERGE = "<<"
TAG = "tag:yaml.org,2002:"
TIMESTAMP = f"{TAG}timestamp"


class YamlError(ValueError):
    """What is wrong, as Kubernetes words it: `line 3: …`."""


def load(body: bytes) -> Any:
    """The value of the first document; None if there is none. Raises YamlError."""
    try:
        # What kubectl and most other clients send as YAML is JSON.
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    builder = _Builder(max(SMALL, len(body)))
    try:
        for event in yaml.parse(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.DocumentEndEvent):
                break
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark is not None else ""
        raise YamlError(f"{line}{error.problem}") from error
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise YamlError(str(error).partition("\n")[0]) from error
    return builder.root


class _Open:
    """A list or a mapping that is being read. `key` is the one whose value comes next."""

    __slots__ = ("anchor", "depth", "key", "merged", "size", "value", "waiting")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.size = 1
        self.depth = 1
        self.key: Any = None
        self.waiting = False
        self.merged: list[Any] = []


class _Builder:
    """Makes a value of events, and counts how large it would be if written out."""

    def __init__(self, limit: int) -> None:
        self.root: Any = None
        self._limit = limit
        self._total = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}

    def take(self, event: Any) -> None:
        """One event. Raises YamlError."""
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            merges = event.value == MERGE and event.implicit[0]
            if event.anchor:
                self._anchors[event.anchor] = (value, 1, 0)
            self._put(value, 1, 0, merges=merges)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()

    def _begin(self, value: Any, anchor: str | None) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise YamlError(f"exceeded max depth of {MAX_DEPTH}")
        self._anchors.pop(anchor or "", None)
        self._count(1)
        self._open.append(_Open(value, anchor))

    def _end(self) -> None:
        done = self._open.pop()
        for other in done.merged:
            for one in other if isinstance(other, list) else [other]:
                if not isinstance(one, dict):
                    raise YamlError("map merge requires map or sequence of maps as the value")
                done.value.update({key: value for key, value in one.items() if key not in done.value})
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size, done.depth)
        self._put(done.value, done.size, done.depth, merges=False, counted=True)

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if found is None:
            inside = any(one.anchor == event.anchor for one in self._open)
            text = f"anchor '{event.anchor}' value contains itself" if inside else f"unknown anchor '{event.anchor}'"
            raise YamlError(text)
        value, size, depth = found
        if len(self._open) + depth > MAX_DEPTH:
            raise YamlError(f"exceeded max depth of {MAX_DEPTH}")
        # Counted first: a copy, since whoever changes one place must not change the other.
        self._count(size)
        self._put(clone(value), size, depth, merges=False, counted=True)

    def _count(self, size: int) -> None:
        self._total += size
        if self._total > self._limit:
            raise YamlError("document contains excessive aliasing")

    def _put(self, value: Any, size: int, depth: int, *, merges: bool, counted: bool = False) -> None:
        if not counted:
            self._count(size)
        if not self._open:
            self.root = value
            return
        around = self._open[-1]
        around.size += size
        around.depth = max(around.depth, depth + 1)
        if isinstance(around.value, list):
            around.value.append(value)
        elif not around.waiting:
            around.key, around.waiting = (MERGE if merges else _key(value), merges), True
        else:
            key, merging = around.key
            around.waiting = False
            if merging:
                around.merged.append(value)
            else:
                around.value[key] = value


def _key(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise YamlError(f"unsupported map key of type: {type(value).__name__}")


def _scalar(event: Any) -> Any:
    text, tag = event.value, event.tag
    if tag is None or tag == "!":
        tag = _implied(text) if event.implicit[0] else f"{TAG}str"
    node = yaml.ScalarNode(tag, text)
    make = _MAKERS.get(tag.removeprefix(TAG))
    try:
        value = make(node) if make is not None else text
        value = value.decode() if isinstance(value, bytes) else value
    except (ValueError, KeyError, yaml.YAMLError) as error:
        raise YamlError(f"cannot decode !!{tag.removeprefix(TAG)} `{text[:40]}`") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlError(f"json: unsupported value: {text}")
    return value


def _implied(text: str) -> str:
    known = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in (*known.get(text[:1], ()), *known.get(None, ())):
        if tag != TIMESTAMP and pattern.match(text):
            return str(tag)
    return f"{TAG}str"


_constructor = yaml.constructor.SafeConstructor()
_MAKERS = {
    "null": lambda node: None,
    "bool": _constructor.construct_yaml_bool,
    "int": _constructor.construct_yaml_int,
    "float": _constructor.construct_yaml_float,
    "binary": _constructor.construct_yaml_binary,
}
