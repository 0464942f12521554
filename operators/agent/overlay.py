"""Lays a partial PodTemplateSpec over one that the operator made, as a strategic merge patch would.

Lists of things with a name are merged by that name (containers, env, volumes …), other lists are replaced, `null`
removes. It is done here rather than by the API server so that one server-side apply carries the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}


def lay_over(base: Any, patch: Any) -> Any:
    """`base` with `patch` over it; neither is changed."""
    if not isinstance(base, Mapping) or not isinstance(patch, Mapping):
        return patch
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif key in MERGE_KEYS and isinstance(value, list) and isinstance(base.get(key), list):
            merged[key] = _merge_list(base[key], value, MERGE_KEYS[key])
        else:
            merged[key] = lay_over(base[key], value) if key in base else value
    return merged


def _merge_list(base: list[Any], patch: list[Any], key: str) -> list[Any]:
    merged = list(base)
    places = {item.get(key): place for place, item in enumerate(base) if isinstance(item, Mapping)}
    for item in patch:
        place = places.get(item.get(key)) if isinstance(item, Mapping) else None
        if place is None:
            merged.append(item)
        elif item.get("$patch") == "delete":
            merged[place] = None
        else:
            merged[place] = lay_over(merged[place], item)
    return [item for item in merged if item is not None]
