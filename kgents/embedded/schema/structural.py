"""The rules a CRD's schema itself must follow: structural, complete, with defaults that fit.

Paths and sentences are those of Kubernetes; `path` arguments point at the schema object under test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2

from kgents.embedded.schema import pruning
from kgents.embedded.schema.causes import Cause, forbidden, invalid, not_supported, required
from kgents.embedded.schema.clone import clone
from kgents.embedded.schema.node import compile_schema
from kgents.embedded.schema.ratchet import same
from kgents.embedded.schema.validation import validate

TYPES = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES = ("atomic", "map", "set")
MAP_TYPES = ("atomic", "granular")
NOT_ALLOWED = ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id", "discriminator")
NOT_IN_JUNCTORS = (
    "type",
    "description",
    "default",
    "title",
    "nullable",
    "additionalProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
MAX_NESTING = 100

WHERE = {
    "root": "must not be empty at the root",
    "field": "must not be empty for specified object fields",
    "item": "must not be empty for specified array items",
}

Schema = Mapping[str, Any]


def check_schema(schema: Schema, path: str) -> list[Cause]:
    """Everything that keeps an `openAPIV3Schema` from being structural."""
    causes: list[Cause] = []
    _check(schema, path, "root", causes, 0)
    if schema.get("type") not in (None, "", "object"):
        causes.append(invalid(f"{path}.type", schema["type"], "must be object at the root"))
    metadata = (schema.get("properties") or {}).get("metadata")
    if isinstance(metadata, Mapping):
        extra = set(metadata.get("properties") or {}) - {"name", "generateName"}
        if extra or set(metadata) - {"type", "description", "properties"}:
            text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            causes.append(forbidden(f"{path}.properties[metadata]", text))
    return causes


def _check(schema: Schema, path: str, place: str, causes: list[Cause], depth: int) -> None:
    if depth > MAX_NESTING:
        causes.append(forbidden(path, f"must not be nested more than {MAX_NESTING} levels"))
        return
    _check_type(schema, path, place, causes)
    _check_keywords(schema, path, causes)
    _check_topology(schema, path, causes)
    _check_junctors(schema, path, causes)
    for name, child in (schema.get("properties") or {}).items():
        _check(child, f"{path}.properties[{name}]", "field", causes, depth + 1)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        if schema.get("properties"):
            text = "additionalProperties and properties are mutual exclusive"
            causes.append(forbidden(f"{path}.additionalProperties", text))
        _check(extra, f"{path}.additionalProperties", "field", causes, depth + 1)
    elif extra is False:
        causes.append(forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false"))
    items = schema.get("items")
    if isinstance(items, Mapping):
        _check(items, f"{path}.items", "item", causes, depth + 1)
    elif schema.get("type") == "array":
        causes.append(required(f"{path}.items", "must be specified"))
    if "default" in schema:
        causes += _check_default(schema, f"{path}.default")


def _check_type(schema: Schema, path: str, place: str, causes: list[Cause]) -> None:
    kind = schema.get("type") or ""
    either = schema.get("x-kubernetes-int-or-string")
    if kind and kind not in TYPES:
        causes.append(not_supported(f"{path}.type", kind, TYPES))
    elif kind and either:
        causes.append(forbidden(f"{path}.type", "must be empty if x-kubernetes-int-or-string is true"))
    elif not kind and not either and (place == "root" or not schema.get("x-kubernetes-preserve-unknown-fields")):
        causes.append(required(f"{path}.type", WHERE[place]))
    if schema.get("x-kubernetes-embedded-resource"):
        if kind and kind != "object":
            causes.append(invalid(f"{path}.type", kind, "must be object if x-kubernetes-embedded-resource is true"))
        if not schema.get("x-kubernetes-preserve-unknown-fields") and not schema.get("properties"):
            text = "must not be empty if x-kubernetes-embedded-resource is true"
            causes.append(required(f"{path}.properties", f"{text} without x-kubernetes-preserve-unknown-fields"))


def _check_keywords(schema: Schema, path: str, causes: list[Cause]) -> None:
    for name in NOT_ALLOWED:
        if schema.get(name):
            causes.append(forbidden(f"{path}.{name}", f"{name} is not supported"))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        causes.append(forbidden(f"{path}.uniqueItems", text))
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        field = f"{path}.x-kubernetes-preserve-unknown-fields"
        causes.append(invalid(field, False, "must be true or undefined"))
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and pattern:
        problem = _pattern_problem(pattern)
        if problem:
            text = f"must be a valid regular expression, but isn't: {problem}"
            causes.append(invalid(f"{path}.pattern", pattern, text))


def _pattern_problem(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0] if error.args else error
        return text.decode() if isinstance(text, bytes) else str(text)
    return ""


def _check_topology(schema: Schema, path: str, causes: list[Cause]) -> None:
    listed, mapped = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-map-type")
    keys = schema.get("x-kubernetes-list-map-keys")
    if listed is not None:
        if listed not in LIST_TYPES:
            causes.append(not_supported(f"{path}.x-kubernetes-list-type", listed, LIST_TYPES))
        if schema.get("type") != "array":
            text = "must be array if x-kubernetes-list-type is specified"
            causes.append(invalid(f"{path}.type", schema.get("type") or "", text))
    if mapped is not None and mapped not in MAP_TYPES:
        causes.append(not_supported(f"{path}.x-kubernetes-map-type", mapped, MAP_TYPES))
    if listed == "map":
        _check_keys(schema, keys, path, causes)
    elif keys:
        text = "must be empty if x-kubernetes-list-type is not map"
        causes.append(forbidden(f"{path}.x-kubernetes-list-map-keys", text))
    items = schema.get("items")
    if listed == "set" and isinstance(items, Mapping):
        _check_set_items(items, f"{path}.items", causes)


def _check_keys(schema: Schema, keys: Any, path: str, causes: list[Cause]) -> None:
    if not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        causes.append(required(f"{path}.x-kubernetes-list-map-keys", text))
        return
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        causes.append(invalid(f"{path}.items.type", items.get("type") or "", text))
        return
    properties = items.get("properties") or {}
    for at, key in enumerate(keys):
        child = properties.get(key)
        if child is None:
            text = "entries must all be names of item properties"
            causes.append(invalid(f"{path}.x-kubernetes-list-map-keys[{at}]", key, text))
        elif child.get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            causes.append(invalid(f"{path}.items.properties[{key}].type", child["type"], text))
        elif "default" not in child and key not in (items.get("required") or ()):
            text = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            causes.append(required(f"{path}.items.properties[{key}].default", text))


def _check_set_items(items: Schema, path: str, causes: list[Cause]) -> None:
    if items.get("nullable"):
        causes.append(forbidden(f"{path}.nullable", "cannot be nullable when x-kubernetes-list-type is set"))
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        text = "must be atomic as item of a list with x-kubernetes-list-type=set"
        causes.append(invalid(f"{path}.x-kubernetes-map-type", items.get("x-kubernetes-map-type") or "", text))


def _check_junctors(schema: Schema, path: str, causes: list[Cause]) -> None:
    either = bool(schema.get("x-kubernetes-int-or-string"))
    for name in ("allOf", "anyOf", "oneOf"):
        for at, part in enumerate(schema.get(name) or ()):
            if isinstance(part, Mapping) and not (either and set(part) <= {"type", "anyOf"}):
                _check_junctor(part, f"{path}.{name}[{at}]", causes)
    negated = schema.get("not")
    if isinstance(negated, Mapping):
        _check_junctor(negated, f"{path}.not", causes)


def _check_junctor(schema: Schema, path: str, causes: list[Cause]) -> None:
    for name in NOT_IN_JUNCTORS:
        if schema.get(name):
            causes.append(forbidden(f"{path}.{name}", "must be empty to be structural"))
    _check_junctors(schema, path, causes)
    for name, child in (schema.get("properties") or {}).items():
        _check_junctor(child, f"{path}.properties[{name}]", causes)
    items = schema.get("items")
    if isinstance(items, Mapping):
        _check_junctor(items, f"{path}.items", causes)


def _check_default(schema: Schema, path: str) -> list[Cause]:
    node = compile_schema({name: value for name, value in schema.items() if name != "default"})
    value = schema["default"]
    kept = clone(value)
    pruning.prune(node, kept)
    if not same(kept, value):
        return [invalid(path, value, "must not have unknown fields")]
    causes: list[Cause] = []
    validate(node, value, "", causes)
    return [Cause(path + (f".{cause.field}" if cause.field else ""), cause.reason, cause.message) for cause in causes]
