"""A rule's `fieldPath`: where, below the value that a rule judges, its error is reported."""

from __future__ import annotations

import re

from kgents.embedded.schema.node import Node

_PART = re.compile(r"\.([^.\[\]]+)|\['((?:[^'\\]|\\.)*)'\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\"}


def parts(path: str) -> list[tuple[str, bool]] | None:
    """The names of a path, and whether each stood in brackets; None when it is not one."""
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(path):
        match = _PART.match(path, at)
        if match is None:
            return None
        plain, quoted = match.groups()
        if quoted is not None and any(sign not in _ESCAPED for sign in _ESCAPE.findall(quoted)):
            return None
        text = plain if plain is not None else _ESCAPE.sub(lambda sign: _ESCAPED[sign.group(1)], quoted)
        found.append((text, plain is None))
        at = match.end()
    return found


def target(node: Node, path: str) -> Node | None:
    """The declared field, or the values of a map, that a path names below `node`."""
    names = parts(path)
    current: Node | None = node if names else None
    for name, _ in names or ():
        if current is None:
            return None
        if current.properties:
            current = current.properties.get(name)
        else:
            current = current.additional if current.additional is not None and current.additional.source else None
    return current


def dotted_problem(node: Node, path: str) -> str:
    """Why a path of names and dots leads nowhere, or nothing."""
    if "[" in path:
        return "array notation is not allowed"
    if not path.startswith("."):
        return f"expected [ or . but got: {path.partition('.')[0]}"
    if path.endswith("."):
        return "unexpected end of JSON path"
    return "" if target(node, path) is not None else "does not refer to a valid field"


def field_suffix(node: Node, path: str) -> str:
    """A rule's fieldPath as the end of a field name: `.min`; a key of a map, however it is written, `.notes[a]`."""
    told: list[str] = []
    current: Node | None = node
    for name, _ in parts(path) or ():
        is_key = current is not None and not current.properties
        told.append(f"[{name}]" if is_key and told else f".[{name}]" if is_key else f".{name}")
        current = None if current is None else current.child(name)
    return "".join(told)
