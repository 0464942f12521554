"""The Swagger 2.0 document as protobuf, which kubectl asks for when it validates or explains by it.

The messages are those of gnostic's OpenAPIv2.proto (github.com/google/gnostic), as far as published documents use them.
A map is a list of name-value pairs there, and what may be anything is kept as YAML, of which JSON is a part.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson

MEDIA = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
DEPRECATED_MEDIA = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"

MESSAGES = """
Document: 1 swagger s, 2 info Info, 8/2 paths {PathItem}, 9/1 definitions {Schema}
Info: 1 title s, 2 version s
PathItem: 2 get Operation, 3 put Operation, 4 post Operation, 5 delete Operation, 8 patch Operation, 9 parameters [Parameter]
Operation: 1 tags [s], 3 description s, 5 operationId s, 6 produces [s], 7 consumes [s], 8 parameters [Parameter], 9/1 responses {Response}, 13 x- any
BodyParameter: 1 description s, 2 name s, 3 in s, 4 required i, 5 schema Schema
QueryParameter: 1 required i, 2 in s, 3 description s, 4 name s, 6 type s, 20 uniqueItems i
PathParameter: 1 required i, 2 in s, 3 description s, 4 name s, 5 type s, 19 uniqueItems i
Response: 1/1 description s, 1/2/1 schema Schema
Schema: 1 $ref s, 2 format s, 3 title s, 4 description s, 5 default any, 6 multipleOf d, 7 maximum d, 8 exclusiveMaximum i, 9 minimum d, 10 exclusiveMinimum i, 11 maxLength i, 12 minLength i, 13 pattern s, 14 maxItems i, 15 minItems i, 16 uniqueItems i, 17 maxProperties i, 18 minProperties i, 19 required [s], 20 enum [any], 21 additionalProperties open, 22/1 type s, 23/1 items Schema, 25/1 properties {Schema}, 31 x- any
"""  # noqa: E501 - a table reads best with one message on a line
"""A line is `Message: number name type, …`. 8/2 is field 2 of the message in field 8. Types: s text, i integer or
boolean, d double, any YAML, open a schema or a boolean; [x] a list, {x} a map; x- is for all extensions."""

PARAMETERS = {"body": ("BodyParameter", (1, 1)), "query": ("QueryParameter", (1, 2, 3))}
PATH_PARAMETER = ("PathParameter", (1, 2, 4))


class Field(NamedTuple):
    """Where a keyword's value is written, and how."""

    path: tuple[int, ...]
    kind: str
    shape: str


def encode(document: Mapping[str, Any]) -> bytes:
    """A Swagger 2.0 document as a serialised openapi.v2.Document."""
    return _message("Document", document)


@cache
def _messages() -> dict[str, dict[str, Field]]:
    found: dict[str, dict[str, Field]] = {}
    for line in MESSAGES.strip().splitlines():
        name, _, listed = line.partition(": ")
        found[name] = {}
        for text in listed.split(", "):
            number, keyword, kind = text.split(" ")
            path = tuple(int(part) for part in number.split("/"))
            found[name][keyword] = Field(path, kind.strip("[]{}"), kind[0] if kind[0] in "[{" else "")
    return found


def _message(name: str, value: Mapping[str, Any]) -> bytes:
    fields = _messages()[name]
    parts = []
    for keyword, content in value.items():
        field = fields.get(keyword)
        if field is not None:
            parts.append(_field(field, content))
        elif keyword.startswith("x-") and "x-" in fields:
            named = _bytes(1, keyword.encode()) + _bytes(2, _any(content))
            parts.append(_wrapped(fields["x-"].path, named))
    return b"".join(parts)


def _field(field: Field, content: Any) -> bytes:
    path, kind, shape = field
    if shape == "[":
        if kind == "Parameter":
            return b"".join(_wrapped(path, _parameter(one)) for one in content)
        return b"".join(_value(path, kind, one) for one in content)
    if shape == "{":
        named = (_bytes(1, key.encode()) + _value((2,), kind, one) for key, one in content.items())
        return _wrapped(path[:-1], b"".join(_bytes(path[-1], one) for one in named))
    return _value(path, kind, content)


def _value(path: tuple[int, ...], kind: str, content: Any) -> bytes:
    if kind == "s":
        return _wrapped(path, str(content).encode())
    if kind == "i":
        return _varint(path[0] << 3) + _varint(int(content) & 0xFFFFFFFFFFFFFFFF)
    if kind == "d":
        return _varint(path[0] << 3 | 1) + struct.pack("<d", content)
    if kind == "any":
        return _wrapped(path, _any(content))
    if kind == "open":
        is_schema = isinstance(content, Mapping)
        inner = _bytes(1, _message("Schema", content)) if is_schema else _varint(2 << 3) + _varint(int(content))
        return _wrapped(path, inner)
    return _wrapped(path, _message(kind, content))


def _parameter(content: Mapping[str, Any]) -> bytes:
    name, path = PARAMETERS.get(content["in"], PATH_PARAMETER)
    return _wrapped(path, _message(name, content))


def _any(content: Any) -> bytes:
    return _bytes(2, orjson.dumps(content))


def _wrapped(path: tuple[int, ...], payload: bytes) -> bytes:
    for number in reversed(path):
        payload = _bytes(number, payload)
    return payload


def _bytes(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
