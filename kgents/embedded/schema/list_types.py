"""Lists that are sets or maps (`x-kubernetes-list-type`): no element of a set twice, no two elements of a map's key."""

from __future__ import annotations

from typing import Any

from kgents.embedded.schema.causes import Cause, duplicate, invalid, show
from kgents.embedded.schema.node import ANY, Node


def check_lists(node: Node, value: Any, path: str, causes: list[Cause]) -> None:
    """Append a cause for every element that repeats an earlier one, anywhere in `value`, which stands at `path`."""
    if not has_lists(node):
        return
    if isinstance(value, dict):
        for name, item in value.items():
            if (child := node.properties.get(name)) is not None:
                check_lists(child, item, f"{path}.{name}" if path else name, causes)
            elif node.additional is not None:
                check_lists(node.additional, item, f"{path}[{name}]", causes)
    elif isinstance(value, list):
        if node.set_list:
            _check_set(value, value, path, causes)
        elif node.map_keys:
            _check_map(node, value, path, causes)
        if node.items is not None:
            for index, item in enumerate(value):
                check_lists(node.items, item, f"{path}[{index}]", causes)


def has_lists(node: Node) -> bool:
    """Whether sets or maps stand anywhere in a tree; remembered on each node."""
    if node.walk_lists is None:
        node.walk_lists = False
        children = [*node.properties.values(), node.additional, node.items]
        below = [has_lists(child) for child in children if child is not None and child is not ANY]
        node.walk_lists = node.set_list or bool(node.map_keys) or any(below)
    return node.walk_lists


def _check_set(elements: list[Any], shown: list[Any], path: str, causes: list[Cause]) -> None:
    """Each repeated element is told once, where it comes the second time."""
    seen: dict[str, int] = {}
    for index, item in enumerate(elements):
        text = show(item) if isinstance(item, dict | list) else repr(item)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:
            causes.append(duplicate(f"{path}[{index}]", shown[index]))


def _check_map(node: Node, value: list[Any], path: str, causes: list[Cause]) -> None:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            causes.append(invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map"))
            return
    keys = [{name: item[name] for name in node.map_keys if name in item} if item else {} for item in value]
    _check_set(keys, keys, path, causes)
