"""A rough upper estimate of what evaluating a rule costs, from the limits its schema declares.

Kubernetes refuses rules whose worst case is too dear, so that nobody can write an object that stalls the server. This
estimate reads the expression's text: loops multiply by the declared size of what they run over, string functions cost
by the declared length of what they read. It errs a little on either side and is meant for orders of magnitude.
"""

from __future__ import annotations

import re
from typing import Any

from kgents.embedded.schema.cel_values import escape
from kgents.embedded.schema.node import Node

PER_RULE = 10_000_000
PER_SCHEMA = 100_000_000
REQUEST_BYTES = 3 * 1024 * 1024
HINT = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)

TOKEN = re.compile(
    r"""\s+|//[^\n]*|(?P<text>[rR]?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<number>\d[\w.]*)|(?P<sign>[()\[\]{},.?:]|[^\s\w]+?)"""
)
LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
READERS = frozenset(
    {"contains", "startsWith", "endsWith", "matches", "find", "findAll", "replace", "split", "indexOf", "lastIndexOf"}
    | {"lowerAscii", "upperAscii", "trim", "quote", "format", "join", "substring", "sum", "min", "max", "isSorted"}
)


def smallest(node: Node | None) -> int:
    """The fewest bytes a value can take in JSON."""
    if node is None or node.type == "string":
        return 2 + int((node.source.get("minLength") if node else 0) or 0)
    if node.type == "object":
        needed = node.source.get("required") or ()
        return 2 + sum(len(name) + 4 + smallest(node.properties.get(name)) for name in needed)
    return 4 if node.type == "boolean" else 2 if node.type == "array" else 1


def size_limit(node: Node | None) -> int:
    """The most elements or characters a value can have, given the limit on requests."""
    if node is None:
        return REQUEST_BYTES // 2
    source = node.source
    if node.type == "array":
        return int(source.get("maxItems") or REQUEST_BYTES // (smallest(node.items) + 1))
    if node.type == "object":
        return int(source.get("maxProperties") or REQUEST_BYTES // (smallest(node.additional) + 4))
    if node.type == "string":
        if source.get("format") in ("date", "date-time", "duration", "uuid", "ipv4", "ipv6"):
            return 64
        options = source.get("enum") or ()
        longest = max((len(str(option)) for option in options), default=0)
        return int(source.get("maxLength") or longest or REQUEST_BYTES)
    return 1


class _Reader:
    """Reads an expression from left to right, following member chains through the schema."""

    def __init__(self, source: str, names: dict[str, Node | None]) -> None:
        self.tokens = [m for m in TOKEN.finditer(source) if m.lastgroup]
        self.at = 0
        self.names = dict(names)
        self.unknown = _known_size(names)

    def peek(self) -> str:
        return self.tokens[self.at].group() if self.at < len(self.tokens) else ""

    def take(self) -> Any:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expression(self, *, until: str = "") -> float:
        """The cost of everything up to an unmatched closing sign (or a comma, when asked)."""
        cost = 0.0
        current: Node | None = None
        while self.at < len(self.tokens):
            sign = self.peek()
            if sign in (")", "]", "}") or (until and sign == until):
                break
            token = self.take()
            if token.lastgroup == "name":
                current, more = self._name(token.group())
                cost += more
            elif sign == ".":
                current, more = self._member(current)
                cost += more
            elif sign in ("(", "[", "{"):
                cost += self.expression()
                if self.at < len(self.tokens):
                    self.take()
                current = _element(current) if sign == "[" else None
            else:
                cost += 1
        return cost

    def _name(self, name: str) -> tuple[Node | None, float]:
        return self.names.get(name), 1.0

    def _member(self, owner: Node | None) -> tuple[Node | None, float]:
        if self.peek() == "?":
            self.take()
        if self.at >= len(self.tokens):
            return None, 0.0
        name = self.take().group()
        if self.peek() != "(":
            return _property(owner, name), 1.0
        self.take()
        size = size_limit(owner) if owner is not None else self.unknown
        if name in LOOPS:
            cost = self._loop(owner, size)
        else:
            cost = self.expression() + (size * 0.1 if name in READERS else 1.0)
        if self.at < len(self.tokens):
            self.take()
        return (owner if name == "filter" else None), cost

    def _loop(self, owner: Node | None, size: int) -> float:
        variable = self.take().group() if self.at < len(self.tokens) else ""
        if self.peek() == ",":
            self.take()
        before = self.names.get(variable)
        self.names[variable] = owner.items if owner is not None else None
        body = self.expression()
        self.names[variable] = before
        return size * (body + 2)


def _known_size(names: dict[str, Node | None]) -> int:
    """The size assumed for a value whose origin the reader lost: not more than `self` itself can hold."""
    node = names.get("self")
    return size_limit(node) if node is not None and node.type in ("array", "string") else 100


def _property(owner: Node | None, name: str) -> Node | None:
    if owner is None:
        return None
    for prop, child in owner.properties.items():
        if escape(prop) == name:
            return child
    return owner.additional


def _element(owner: Node | None) -> Node | None:
    return None if owner is None else (owner.items or owner.additional)


def estimate(source: str, node: Node) -> float:
    """The cost of one evaluation of a rule whose `self` is a value of `node`."""
    try:
        return _Reader(source, {"self": node, "oldSelf": node}).expression()
    except RecursionError:
        return float(PER_RULE * 100)
