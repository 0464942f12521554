"""Kinds about which only their defaults are particular: a line each says what is filled in where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from kgents.embedded.apiserver.kinds.pods import default_spec
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, required

Object = dict[str, Any]


class DefaultedStrategy(Strategy):
    """Fills in `path=value` lines: `spec.ports[].protocol="TCP"` goes into every element that is there.

    The values are those of k8s.io/kubernetes/pkg/apis/*/v1/defaults.go.
    """

    def __init__(self, *lines: str, generation: bool = True, rest: Callable[[Object], None] | None = None) -> None:
        self.generation = generation
        self._lines = [_parsed(line) for line in lines]
        self._rest = rest

    def default(self, obj: Object) -> None:
        for path, value in self._lines:
            _fill(obj, path, value)
        if self._rest is not None:
            self._rest(obj)


def _parsed(line: str) -> tuple[tuple[str, ...], Any]:
    path, _, value = line.partition("=")
    return tuple(path.replace("[]", ".[]").split(".")), orjson.loads(value)


def _fill(owner: Any, path: tuple[str, ...], value: Any) -> None:
    first, rest = path[0], path[1:]
    if first == "[]":
        for item in owner if isinstance(owner, list) else ():
            _fill(item, rest, value)
    elif not isinstance(owner, dict):
        return
    elif rest:
        _fill(owner.get(first), rest, value)
    elif owner.get(first) is None:
        owner[first] = value if isinstance(value, str | int) else orjson.loads(orjson.dumps(value))


def policy_types(obj: Object) -> None:
    """A NetworkPolicy is about ingress, and about egress if it says something of it."""
    spec = obj["spec"]
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def pod_template(obj: Object) -> None:
    """The template of a PodTemplate is a pod."""
    template = obj.setdefault("template", {})
    template.setdefault("metadata", {})
    default_spec(template.setdefault("spec", {}))


def limits(obj: Object) -> None:
    """What a container gets follows from what it may have at most, and at least."""
    for item in (obj.get("spec") or {}).get("limits") or ():
        if item.get("type") != "Container":
            continue
        for source, target in (("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")):
            for key, value in (item.get(source) or {}).items():
                item.setdefault(target, {}).setdefault(key, value)


class IngressStrategy(DefaultedStrategy):
    """Demands to be told how a path is meant."""

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return [
            required(f"spec.rules[{i}].http.paths[{j}].pathType", "pathType must be specified")
            for i, rule in enumerate(obj["spec"].get("rules") or ())
            for j, path in enumerate((rule.get("http") or {}).get("paths") or ())
            if not path.get("pathType")
        ]

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return [] if write.subresource == "status" else self.validate(new, write)
