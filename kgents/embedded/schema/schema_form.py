"""What Kubernetes asks of every schema object of a CRD, structural or not: keywords, list and map types, their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kgents.embedded.schema.causes import Cause, forbidden, invalid, not_supported, required

Schema = Mapping[str, Any]
TYPES = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES = ("atomic", "set", "map")
MAP_TYPES = ("atomic", "granular")
NOT_ALLOWED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
META = frozenset({"metadata", "kind", "apiVersion"})
JUNCTORS = ("allOf", "anyOf", "oneOf")


def check_form(schema: Schema, path: str) -> list[Cause]:
    """Everything wrong with the keywords of a schema, wherever they stand in it."""
    return _check(schema, path, is_root=True)


def _check(
    schema: Schema, path: str, *, is_root: bool = False, no_default: str = "", in_metadata: bool = False
) -> list[Cause]:
    causes = _keywords(schema, path, no_default)
    if in_metadata and schema.get("x-kubernetes-embedded-resource"):
        text = "must not be used inside of resource meta"
        causes.append(forbidden(f"{path}.x-kubernetes-embedded-resource", text))
    extra = schema.get("additionalProperties")
    if extra not in (None, True) and schema.get("properties"):
        text = "additionalProperties and properties are mutual exclusive"
        causes.append(forbidden(f"{path}.additionalProperties", text))
    if isinstance(extra, Mapping):
        below = "inside additionalProperties applying to object metadata" if in_metadata else no_default
        causes += _check(extra, f"{path}.additionalProperties", no_default=below, in_metadata=in_metadata)
    has_metadata = is_root or schema.get("x-kubernetes-embedded-resource")
    for name, child in (schema.get("properties") or {}).items():
        inside = in_metadata or (bool(has_metadata) and name in META)
        below = f"in top-level {name}" if is_root and name in META else no_default
        causes += _check(child, f"{path}.properties[{name}]", no_default=below, in_metadata=inside)
    for part, where in _parts(schema, path):
        causes += _check(part, where, no_default=no_default, in_metadata=in_metadata)
    causes += _map_type(schema, path)
    causes += _list_type(schema, path)
    return causes


def _parts(schema: Schema, path: str) -> Iterator[tuple[Schema, str]]:
    negated, items = schema.get("not"), schema.get("items")
    if isinstance(negated, Mapping):
        yield negated, f"{path}.not"
    for keyword in JUNCTORS:
        for at, part in enumerate(schema.get(keyword) or ()):
            if isinstance(part, Mapping):
                yield part, f"{path}.{keyword}[{at}]"
    if isinstance(items, Mapping):
        yield items, f"{path}.items"


def _keywords(schema: Schema, path: str, no_default: str) -> list[Cause]:
    causes = [forbidden(f"{path}.{name}", f"{name} is not supported") for name in NOT_ALLOWED if schema.get(name)]
    kind = schema.get("type") or ""
    if kind and kind not in TYPES:
        causes.append(not_supported(f"{path}.type", kind, TYPES))
    if kind == "null":
        causes.append(forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative"))
    if isinstance(schema.get("items"), list):
        causes.append(forbidden(f"{path}.items", "items must be a schema object and not an array"))
    if no_default and schema.get("default") is not None:
        causes.append(forbidden(f"{path}.default", f"must not be set {no_default}"))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        causes.append(forbidden(f"{path}.uniqueItems", text))
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        field = f"{path}.x-kubernetes-preserve-unknown-fields"
        causes.append(invalid(field, False, "must be true or undefined"))
    return causes


def _wrong_type(schema: Schema, path: str, wanted: str, keyword: str) -> Cause:
    text = f"must be {wanted} if {keyword} is specified"
    kind = schema.get("type") or ""
    return invalid(f"{path}.type", kind, text) if kind else required(f"{path}.type", text)


def _map_type(schema: Schema, path: str) -> list[Cause]:
    mapped = schema.get("x-kubernetes-map-type")
    if mapped is None:
        return []
    causes = []
    if schema.get("type") != "object":
        causes.append(_wrong_type(schema, path, "object", "x-kubernetes-map-type"))
    if mapped not in MAP_TYPES:
        causes.append(not_supported(f"{path}.x-kubernetes-map-type", mapped, MAP_TYPES))
    return causes


def _list_type(schema: Schema, path: str) -> list[Cause]:
    listed, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    items = schema.get("items")
    items = items if isinstance(items, Mapping) else None
    causes: list[Cause] = []
    if listed is not None and schema.get("type") != "array":
        causes.append(_wrong_type(schema, path, "array", "x-kubernetes-list-type"))
    elif listed == "set" and items is not None:
        causes += _set_items(items, f"{path}.items")
    if listed is not None and listed not in LIST_TYPES:
        causes.append(not_supported(f"{path}.x-kubernetes-list-type", listed, LIST_TYPES))
    if keys and listed != "map":
        text = "must be map if x-kubernetes-list-map-keys is non-empty"
        field = f"{path}.x-kubernetes-list-type"
        causes.append(required(field, text) if listed is None else invalid(field, listed, text))
    if listed == "map":
        causes += _keys(items, keys, path)
    if listed in ("map", "set") and items is not None and items.get("nullable"):
        causes.append(
            forbidden(f"{path}.items.nullable", f"cannot be nullable when x-kubernetes-list-type is {listed}")
        )
    return causes


def _set_items(items: Schema, path: str) -> list[Cause]:
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    nested = items.get("x-kubernetes-list-type")
    if items.get("type") == "array" and nested not in (None, "atomic"):
        return [invalid(f"{path}.x-kubernetes-list-type", nested, text)]
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        return [invalid(f"{path}.x-kubernetes-map-type", nested, text)]
    return []


def _keys(items: Schema | None, keys: list[Any], path: str) -> list[Cause]:
    where = f"{path}.x-kubernetes-list-map-keys"
    causes = [] if keys else [required(where, "must not be empty if x-kubernetes-list-type is map")]
    if items is None:
        return [*causes, required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")]
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        return [*causes, invalid(f"{path}.items.type", items.get("type") or "", text)]
    properties, needed = items.get("properties") or {}, items.get("required") or ()
    seen: set[str] = set()
    for key in keys:
        child, field = properties.get(key), f"{path}.items.properties[{key}]"
        if child is None:
            causes.append(invalid(where, keys, "entries must all be names of item properties"))
        elif child.get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            causes.append(invalid(f"{field}.type", items["type"], text))
        if key in seen:
            causes.append(invalid(where, keys, "must not contain duplicate entries"))
        seen.add(key)
        about = "this property is in x-kubernetes-list-map-keys, so it"
        if child is not None and key not in needed and child.get("default") is None:
            causes.append(required(f"{field}.default", f"{about} must have a default or be a required property"))
        if child is not None and child.get("nullable"):
            causes.append(forbidden(f"{field}.nullable", f"{about} cannot be nullable"))
    return causes
