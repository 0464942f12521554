"""A custom resource with a bit of everything, for the tests of schemas and patches."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.schema import Schema

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 100},
        "color": {"type": "string", "enum": ["red", "green"], "default": "green"},
        "code": {"type": "string", "pattern": "^[a-z]+$"},
        "label": {"type": "string", "minLength": 2, "maxLength": 4},
        "ratio": {"type": "number", "multipleOf": 0.5},
        "port": {"x-kubernetes-int-or-string": True},
        "due": {"type": "string", "format": "date-time"},
        "hint": {"type": "string", "nullable": True},
        "limits": {"type": "object", "default": {}, "properties": {"cpu": {"type": "string", "default": "1"}}},
        "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "notes": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 3},
        "steps": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set", "maxItems": 3},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}},
            },
        },
        "window": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "properties": {"from": {"type": "string"}, "to": {"type": "string"}},
        },
    },
}


def schema_of(spec: dict[str, Any]) -> dict[str, Any]:
    """An openAPIV3Schema around a schema of `spec`, with a status."""
    status = {"type": "object", "properties": {"phase": {"type": "string"}}}
    return {"type": "object", "properties": {"spec": spec, "status": status}}


def custom(spec: dict[str, Any]) -> Schema:
    """The compiled schema of a Plant with this `spec`."""
    return Schema.custom(schema_of(spec), group="grow.example.com", version="v1", kind="Plant")


PLANTS = custom(SPEC)


def plant(**spec: Any) -> dict[str, Any]:
    """A Plant named p, as a client sends it."""
    return {"apiVersion": "grow.example.com/v1", "kind": "Plant", "metadata": {"name": "p"}, "spec": spec}


def crd(spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A CRD of Plants whose one version has this schema of `spec`."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema_of(spec)}}
    names = {"plural": "plants", "singular": "plant", "kind": "Plant", "listKind": "PlantList"}
    body = {"group": "grow.example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": "plants.grow.example.com"}, "spec": {**body, **changes}}
