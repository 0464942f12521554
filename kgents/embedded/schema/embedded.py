"""Whole objects inside others (`x-kubernetes-embedded-resource`): what every object must say of itself."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema import builtin, decoding
from kgents.embedded.schema.causes import Cause, invalid, required
from kgents.embedded.schema.cel_formats import FORMAT_CHECKS
from kgents.embedded.schema.node import Node

MIXED_CASE = "may have mixed case, but should otherwise match: "


def decode_error(node: Node, value: Any, path: str = "") -> str | None:
    """Why the head or the metadata of an embedded resource cannot be decoded, or None.

    Kubernetes decodes them before it looks at anything else (schema/objectmeta, Coerce).
    """
    if isinstance(value, dict):
        for name, item in value.items():
            where = f"{path}.{name}" if path else name
            if node.embedded and (problem := _part_error(name, item)):
                return str(invalid(where, item, problem))
            child = node.child(name)
            if name not in node.properties:
                where = f"{path}[{name}]"
            if child is not None and not child.is_scalar and (problem := decode_error(child, item, where)):
                return problem
    elif isinstance(value, list) and node.items is not None and not node.items.is_scalar:
        found = (decode_error(node.items, item, f"{path}[{index}]") for index, item in enumerate(value))
        return next((problem for problem in found if problem), None)
    return None


def _part_error(name: str, item: Any) -> str | None:
    if name in ("apiVersion", "kind"):
        return None if isinstance(item, str) else "must be a string"
    if name != "metadata":
        return None
    return decoding.decode_error(builtin.object_meta(), item, "ObjectMeta")


def contains_embedded(node: Node) -> bool:
    """Whether embedded resources stand anywhere in a tree."""
    children = [*node.properties.values(), node.additional, node.items]
    return node.embedded or any(contains_embedded(child) for child in children if child is not None)


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
