"""Kubernetes' own OpenAPI definitions, as the package kubernetes-validate ships them.

The file is found without importing that package (its import costs a hundred milliseconds) and read lazily. Descriptions
are dropped from what stays in memory; the published documents read the file again.
"""

from __future__ import annotations

import importlib.util
import re
import threading
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from kgents.api.errors import KgentsError
from kgents.embedded.schema.node import Node, fill

PREFERRED = "v1.36"
PREFIX = "#/$defs/"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
KEY_DEFAULTS = {
    "io.k8s.api.core.v1.ContainerPort": {"protocol": "TCP"},
    "io.k8s.api.core.v1.ServicePort": {"protocol": "TCP"},
}
"""Defaults of list keys, which the shipped definitions leave out but server-side apply needs."""

_lock = threading.RLock()
_nodes: dict[str, Node] = {}


def definitions_file() -> Path:
    """The newest 1.36 definitions installed, or else the newest of all."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise KgentsError("Kubernetes' schemas are missing", fix="Install the package kubernetes-validate.")
    root = Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema"
    found = sorted((_version(path.parent.name), path) for path in root.glob("v*-local/_definitions.json"))
    if not found:
        raise KgentsError("Kubernetes' schemas are missing", why=f"no definitions below {root}")
    preferred = [path for _, path in found if path.parent.name.startswith(PREFERRED)]
    return preferred[-1] if preferred else found[-1][1]


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name))


def read_definitions() -> dict[str, Any]:
    """All definitions, normalised to plain OpenAPI, descriptions included. Costs some 50 ms: not to be kept."""
    raw: dict[str, Any] = orjson.loads(definitions_file().read_bytes())["$defs"]
    for name, schema in raw.items():
        normalise(schema)
        if name == INT_OR_STRING:
            raw[name] = {"type": "string", "format": "int-or-string", "description": schema.get("description", "")}
        elif name == QUANTITY:
            raw[name] = {"type": "string", "description": schema.get("description", ""), "x-kubernetes-quantity": True}
        for key, value in KEY_DEFAULTS.get(name, {}).items():
            schema["properties"][key]["default"] = value
    return raw


def normalise(schema: Any) -> None:
    """Undo, in place, what the packagers changed: null in types, enums of apiVersion and kind."""
    if isinstance(schema, list):
        for one in schema:
            normalise(one)
        return
    if not isinstance(schema, dict):
        return
    kinds = schema.get("type")
    if isinstance(kinds, list):
        schema["type"] = next((kind for kind in kinds if kind != "null"), "")
    for value in schema.values():
        if isinstance(value, dict | list):
            normalise(value)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name in ("apiVersion", "kind"):
            if isinstance(properties.get(name), dict):
                properties[name].pop("enum", None)


@cache
def _slim() -> tuple[dict[str, Any], dict[tuple[str, str, str], str]]:
    definitions = read_definitions()
    kinds: dict[tuple[str, str, str], str] = {}
    for name, schema in definitions.items():
        for gvk in schema.get("x-kubernetes-group-version-kind") or ():
            kinds.setdefault((gvk["group"], gvk["version"], gvk["kind"]), name)
        _drop_descriptions(schema)
    return definitions, kinds


def _drop_descriptions(schema: Any) -> None:
    if isinstance(schema, list):
        for one in schema:
            _drop_descriptions(one)
    elif isinstance(schema, dict):
        if isinstance(schema.get("description"), str):
            del schema["description"]
        for value in schema.values():
            _drop_descriptions(value)


def definition_name(group: str, version: str, kind: str) -> str | None:
    """The definition that describes a kind, such as `io.k8s.api.apps.v1.Deployment`."""
    return _slim()[1].get((group, version, kind))


def definition(name: str) -> Node:
    """The compiled node of a definition. Recursive definitions meet their own, still empty node."""
    with _lock:
        node = _nodes.get(name)
        if node is None:
            node = _nodes[name] = Node()
            node.definition = name
            schema = _slim()[0][name]
            fill(node, schema, lambda reference: definition(reference.removeprefix(PREFIX)))
        return node


def object_meta() -> Node:
    """The node of metadata, shared by every kind."""
    return definition(OBJECT_META)
