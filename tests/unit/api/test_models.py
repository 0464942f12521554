"""The typed models and the CRDs say the same, field by field."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any, Literal, Required, Union

import pytest
import yaml

from kgents.api import kinds, pheromone, resources

CRDS = Path(__file__).parents[3] / "crds"
MODELS: dict[str, type] = {
    "agents": resources.Agent,
    "pheromones": resources.Pheromone,
    "memories": resources.Memory,
    "umwelts": resources.Umwelt,
    "proposals": resources.Proposal,
}
SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
Schema = dict[str, Any]


def crd(plural: str) -> Schema:
    return yaml.safe_load((CRDS / f"{plural}.yaml").read_text())


def schema(plural: str) -> Schema:
    return crd(plural)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def differences(model: Any, node: Schema, path: str) -> list[str]:
    """Where a TypedDict (or the type of one of its fields) and a schema part, as `path: what`."""
    if model is Any or model is resources.ObjectMeta:
        return []
    origin, args = typing.get_origin(model), typing.get_args(model)
    if typing.is_typeddict(model):
        return object_differences(model, node, path)
    if origin is Literal:
        return [] if list(args) == node.get("enum") else [f"{path}: {args} is not {node.get('enum')}"]
    if origin in (Union, types.UnionType):
        return [] if node.get("x-kubernetes-int-or-string") else [f"{path}: not int-or-string"]
    if origin is list:
        return expect(path, "array", node) + differences(args[0], node.get("items", {}), f"{path}[]")
    if origin is dict:
        inner = node.get("additionalProperties")
        free = [] if inner or node.get("x-kubernetes-preserve-unknown-fields") else [f"{path}: not a map"]
        return expect(path, "object", node) + free + differences(args[1], inner or {}, f"{path}{{}}")
    no_enum = [f"{path}: has an enum"] if "enum" in node else []
    return expect(path, SCALARS[model], node) + no_enum


def object_differences(model: Any, node: Schema, path: str) -> list[str]:
    annotated = typing.get_type_hints(model, include_extras=True)
    required = {name for name, hint in annotated.items() if typing.get_origin(hint) is Required}
    hints = typing.get_type_hints(model)
    found = expect(path, "object", node)
    fields = node.get("properties", {})
    found += [f"{path}.{name}: only in one" for name in sorted(set(hints) ^ set(fields))]
    if required != set(node.get("required", [])):
        found.append(f"{path}: required {sorted(required)} is not {node.get('required')}")
    for name in set(hints) & set(fields):
        found += differences(hints[name], fields[name], f"{path}.{name}")
    return found


def expect(path: str, kind: str, node: Schema) -> list[str]:
    return [] if node.get("type") == kind else [f"{path}: {kind} is not {node.get('type')}"]


def walk(node: Schema, path: str = "") -> list[tuple[str, Schema]]:
    found = [(path, node)]
    for name, child in node.get("properties", {}).items():
        found += walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            found += walk(node[key], f"{path}.{key}")
    return found


@pytest.mark.parametrize("plural", MODELS)
def test_model_and_crd_are_one(plural: str) -> None:
    assert differences(MODELS[plural], schema(plural), plural) == []


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.plural)
def test_crd_and_kind_are_one(kind: kinds.Kind) -> None:
    document = crd(kind.plural)
    names = document["spec"]["names"]
    assert document["metadata"]["name"] == f"{kind.plural}.{kinds.GROUP}"
    assert (names["kind"], names["plural"], names["shortNames"]) == (kind.kind, kind.plural, [kind.short])
    assert names["categories"] == ["kgents"]
    assert document["spec"]["versions"][0]["subresources"]["status"] == {}


@pytest.mark.parametrize("plural", MODELS)
def test_every_field_is_described(plural: str) -> None:
    named = [
        (path, node) for path, node in walk(schema(plural)) if not path.endswith(("items", "additionalProperties"))
    ]
    assert [path for path, node in named if not node.get("description") and path != ".metadata"] == []


@pytest.mark.parametrize("plural", MODELS)
def test_everything_is_bounded_so_that_rules_stay_cheap(plural: str) -> None:
    nodes = [(path, node) for path, node in walk(schema(plural)) if path not in (".apiVersion", ".kind")]
    free = [
        path
        for path, node in nodes
        if (node.get("type") == "array" and "maxItems" not in node)
        or ("additionalProperties" in node and "maxProperties" not in node)
        or (node.get("type") == "string" and not {"maxLength", "enum", "format"} & set(node))
    ]
    assert free == []


@pytest.mark.parametrize("plural", MODELS)
def test_lists_say_how_they_merge(plural: str) -> None:
    lists = [(path, node) for path, node in walk(schema(plural)) if node.get("type") == "array"]
    assert [path for path, node in lists if "x-kubernetes-list-type" not in node] == []


def test_an_agents_umwelt_is_an_umwelt() -> None:
    inline = schema("agents")["properties"]["spec"]["properties"]["umwelt"]["properties"]
    own = dict(schema("umwelts")["properties"]["spec"]["properties"])
    del own["agent"]
    assert inline == own


def test_types_of_pheromones_are_written_once() -> None:
    assert list(pheromone.TYPES) == list(typing.get_args(resources.PheromoneType))
