"""Schemas from the form they are kept in to the two published forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.embedded.schema.builtin import PREFIX

V3_PREFIX = "#/components/schemas/"
V2_PREFIX = "#/definitions/"
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
ONLY_V3 = ("anyOf", "oneOf", "not", "allOf", "nullable", "x-kubernetes-validations")
NESTED_MAPS = ("properties", "patternProperties")
NESTED_LISTS = ("allOf", "anyOf", "oneOf")
NESTED = ("items", "additionalProperties", "not")


def rewrite_refs(schema: Any, prefix: str) -> list[str]:
    """The names of the definitions a schema refers to directly; refs become `prefix` + name unless it is empty."""
    names: list[str] = []
    if isinstance(schema, list):
        for one in schema:
            names += rewrite_refs(one, prefix)
    elif isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            names.append(reference.rpartition("/")[2])
            if prefix:
                schema["$ref"] = prefix + names[-1]
        for value in schema.values():
            if isinstance(value, dict | list):
                names += rewrite_refs(value, prefix)
    return names


def publish_v3(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for OpenAPI 3.0, where a reference may not stand beside other keywords."""
    result: dict[str, Any] = {}
    for name, value in schema.items():
        if name in NESTED_MAPS and isinstance(value, Mapping):
            result[name] = {key: publish_v3(child) for key, child in value.items()}
        elif name in NESTED_LISTS and isinstance(value, list):
            result[name] = [publish_v3(child) for child in value]
        elif name in NESTED and isinstance(value, Mapping):
            result[name] = publish_v3(value)
        elif name == "$ref":
            reference = {"$ref": V3_PREFIX + str(value).removeprefix(PREFIX)}
            if len(schema) == 1:
                return reference
            result["allOf"] = [reference]
        elif name != "x-kubernetes-quantity":
            result[name] = value
    if schema.get("x-kubernetes-int-or-string") and "anyOf" not in result and "allOf" not in result:
        result["anyOf"] = INT_OR_STRING
    return result


def publish_v2(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for Swagger 2.0, which knows fewer keywords: what it cannot say is left open."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        kept = ("description", "type", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-group-version-kind")
        return {name: schema[name] for name in kept if name in schema}
    result: dict[str, Any] = {}
    for name, value in schema.items():
        if name in NESTED_MAPS and isinstance(value, Mapping):
            result[name] = {key: publish_v2(child) for key, child in value.items()}
        elif name in NESTED and isinstance(value, Mapping):
            result[name] = publish_v2(value)
        elif name == "$ref":
            result[name] = V2_PREFIX + str(value).removeprefix(PREFIX)
        elif name not in ONLY_V3 and name not in ("default", "x-kubernetes-quantity"):
            result[name] = value
    if schema.get("nullable"):
        result.pop("type", None)
        result.pop("items", None)
        result.pop("properties", None)
    return result
