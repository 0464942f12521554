"""Compiled expressions as trees: what the runtime made of a source, macros expanded, overloads chosen.

The runtime offers no tree, but it serializes: this reads the protocol buffers of `cel.expr` (syntax.proto,
checked.proto), of which only what a cost needs is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Fields = dict[int, list[Any]]
CONST, IDENT, SELECT, CALL, LIST, STRUCT, LOOP = 3, 4, 5, 6, 7, 8, 9
PRIMITIVES = {5: "string", 6: "bytes"}


@dataclass(slots=True)
class Tree:
    """One expression. `kind` says which of the other attributes mean something."""

    kind: int
    type: str = ""
    """`string`, `bytes`, `list`, `map`, `dyn`, or `` for whatever has one fixed size."""
    value: Any = None
    name: str = ""
    """An identifier, a selected field, a function, a loop's variable."""
    accumulator: str = ""
    test_only: bool = False
    target: Tree | None = None
    parts: list[Tree] = field(default_factory=list)
    """Arguments, elements; of a loop: initial value, condition, step, result."""
    overloads: tuple[str, ...] = ()


def read_tree(serialized: bytes) -> Tree:
    """The tree of a serialized expression, checked or merely parsed."""
    holder = _fields(serialized)
    checked = holder[1][0].endswith(b"CheckedExpr")
    body = _fields(holder[2][0])
    if not checked:
        return _Reader({}, {}).read(body[2][0])
    types = dict(map(_entry, body.get(3, ())))
    references = dict(map(_entry, body.get(2, ())))
    return _Reader(types, references).read(body[4][0])


def _entry(data: bytes) -> tuple[int, bytes]:
    pair = _fields(data)
    return pair[1][0], pair.get(2, [b""])[0]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _pairs(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        length = 8 if wire == 1 else 4
        if wire == 2:
            length, at = _varint(data, at)
        yield key >> 3, data[at : at + length]
        at += length


def _fields(data: bytes) -> Fields:
    found: Fields = {}
    for number, value in _pairs(data):
        found.setdefault(number, []).append(value)
    return found


def _text(fields: Fields, number: int) -> str:
    return fields[number][0].decode(errors="replace") if number in fields else ""


class _Reader:
    def __init__(self, types: dict[int, bytes], references: dict[int, bytes]) -> None:
        self._types = types
        self._references = references

    def read(self, data: bytes) -> Tree:
        fields = _fields(data)
        number = fields.get(2, [0])[0]
        kind = next((one for one in (CONST, IDENT, SELECT, CALL, LIST, STRUCT, LOOP) if one in fields), CONST)
        tree = Tree(kind, type=self._type(number))
        inner = _fields(fields[kind][0]) if kind in fields else {}
        self._fill(tree, inner)
        if kind == CALL and number in self._references:
            reference = _fields(self._references[number])
            tree.overloads = tuple(one.decode() for one in reference.get(3, ()))
        return tree

    def _fill(self, tree: Tree, inner: Fields) -> None:
        if tree.kind == CONST:
            tree.value = next((inner[one][0] for one in (6, 7) if one in inner), None)
        elif tree.kind == IDENT:
            tree.name = _text(inner, 1)
        elif tree.kind == SELECT:
            tree.name, tree.test_only = _text(inner, 2), bool(inner.get(3))
            tree.target = self.read(inner[1][0])
        elif tree.kind == CALL:
            tree.name = _text(inner, 2)
            tree.target = self.read(inner[1][0]) if 1 in inner else None
            tree.parts = [self.read(one) for one in inner.get(3, ())]
        elif tree.kind == LIST:
            tree.parts = [self.read(one) for one in inner.get(1, ())]
        elif tree.kind == STRUCT:
            entries = [_fields(one) for one in inner.get(2, ())]
            tree.parts = [self.read(one[at][0]) for one in entries for at in (3, 4) if at in one]
        else:
            tree.name, tree.accumulator = _text(inner, 1), _text(inner, 3)
            tree.target = self.read(inner[2][0])
            tree.parts = [self.read(inner[at][0]) for at in (4, 5, 6, 7)]

    def _type(self, number: int) -> str:
        if number not in self._types:
            return "dyn"
        found = _fields(self._types[number])
        if 3 in found:
            return PRIMITIVES.get(found[3][0], "")
        if 6 in found:
            return "list"
        if 7 in found:
            return "map"
        return "dyn" if any(one in found for one in (1, 4, 9, 10, 14)) else ""
