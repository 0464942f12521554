"""Whole objects inside others (`x-kubernetes-embedded-resource`): what every object must say of itself."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.causes import Cause, invalid, required
from kgents.embedded.schema.cel_formats import FORMAT_CHECKS

MIXED_CASE = "may have mixed case, but should otherwise match: "


def check_resource(value: dict[str, Any], prefix: str, causes: list[Cause]) -> None:
    """Append a cause for everything wrong with the head and the metadata; `prefix` is the path with its dot."""
    for name in ("apiVersion", "kind"):
        said = value.get(name)
        if name not in value:
            causes.append(required(prefix + name))
        elif isinstance(said, str):
            causes += [invalid(prefix + name, said, problem) for problem in _head_problems(name, said)]
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        _check_metadata(metadata, f"{prefix}metadata", causes)


def _head_problems(name: str, said: str) -> list[str]:
    if not said:
        return ["must not be empty"]
    if name == "apiVersion":
        return [f"unexpected GroupVersion string: {said}"] if said.count("/") > 1 else []
    return [MIXED_CASE + problem for problem in FORMAT_CHECKS["dns1035Label"](said.lower())]


def _check_metadata(metadata: dict[str, Any], path: str, causes: list[Cause]) -> None:
    for field in ("name", "generateName"):
        name = metadata.get(field)
        if isinstance(name, str):
            causes += [invalid(f"{path}.{field}", name, problem) for problem in _segment_problems(name)]
    labels, annotations = metadata.get("labels"), metadata.get("annotations")
    for key, said in labels.items() if isinstance(labels, dict) else ():
        causes += [invalid(f"{path}.labels", key, problem) for problem in FORMAT_CHECKS["qualifiedName"](key)]
        problems = FORMAT_CHECKS["labelValue"](said) if isinstance(said, str) else []
        causes += [invalid(f"{path}.labels", said, problem) for problem in problems]
    for key in annotations if isinstance(annotations, dict) else ():
        found = FORMAT_CHECKS["qualifiedName"](key.lower())
        causes += [invalid(f"{path}.annotations", key, problem) for problem in found]


def _segment_problems(name: str) -> list[str]:
    """What keeps a name from being one part of a URL's path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in name]
