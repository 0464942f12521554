"""What a field manager has applied to an object: needed to apply something more without taking the rest back.

Source: Kubernetes' FieldsV1 (structured-merge-diff): `f:name` a field, `k:{…}` the list element with these keys, `v:…`
an element of a set, `.` the thing itself.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def applied_by(obj: Mapping[str, Any], manager: str) -> Object:
    """The part of `obj` that `manager` applied, with the values of now; {} when it applied nothing."""
    for entry in obj["metadata"].get("managedFields") or ():
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            found = _part(entry.get("fieldsV1") or {}, obj)
            return found if isinstance(found, dict) else {}
    return {}


def overlay(base: Any, patch: Any, keys: tuple[str, ...] = ("name", "containerPort", "mountPath")) -> Any:
    """`patch` laid over `base`, elements of lists matched by the keys that Kubernetes' lists of maps have."""
    if isinstance(base, dict) and isinstance(patch, dict):
        merged = dict(base)
        for key, value in patch.items():
            merged[key] = overlay(base[key], value, keys) if key in base else copy.deepcopy(value)
        return merged
    if isinstance(base, list) and isinstance(patch, list) and (key := _shared_key(base + patch, keys)):
        places = {item[key]: item for item in base}
        for item in patch:
            places[item[key]] = overlay(places.get(item[key], {}), item, keys)
        return list(places.values())
    return copy.deepcopy(patch)


def _shared_key(items: list[Any], keys: tuple[str, ...]) -> str:
    if not items or not all(isinstance(item, dict) for item in items):
        return ""
    return next((key for key in keys if all(isinstance(item.get(key), (str, int)) for item in items)), "")


def _part(fields: Mapping[str, Any], value: Any) -> Any:
    inner = {key: below for key, below in fields.items() if key != "."}
    if not inner:
        return copy.deepcopy(value)
    if isinstance(value, Mapping):
        named = {key.removeprefix("f:"): below for key, below in inner.items() if key.startswith("f:")}
        return {name: _part(below, value[name]) for name, below in named.items() if name in value}
    if isinstance(value, list):
        return [part for key, below in inner.items() for part in _elements(key, below, value)]
    return copy.deepcopy(value)


def _elements(key: str, below: Mapping[str, Any], items: list[Any]) -> list[Any]:
    if key.startswith("k:"):
        wanted = json.loads(key[2:])
        found = (item for item in items if isinstance(item, Mapping) and wanted.items() <= item.items())
        return [{**_part(below, item), **wanted} for item in found]
    if key.startswith("v:"):
        wanted = json.loads(key[2:])
        return [item for item in items if item == wanted]
    return []
