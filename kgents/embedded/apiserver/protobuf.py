"""Reads protobuf bodies, which kubectl and other Go clients send for built-in kinds. Answers are JSON all the same."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import orjson

from kgents.embedded.apiserver.errors import StatusError, bad_request
from kgents.embedded.apiserver.protobuf_schema import Field, message, name_of

MAGIC = b"k8s\x00"
Object = dict[str, Any]


def decode(body: bytes) -> Object:
    """A Kubernetes protobuf envelope as the object it holds. Raises 400, and 415 for kinds not known here."""
    if not body.startswith(MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = dict(_fields(memoryview(body)[4:]))
        head = {number: bytes(value).decode() for number, value in _fields(envelope[1])}
        name = name_of(head.get(1, ""), head[2])
        if name is None:
            raise StatusError(
                415,
                "UnsupportedMediaType",
                f"protobuf bodies of kind {head.get(2)} are not read here: send application/json",
            )
        obj = _message(name, envelope.get(2, memoryview(b"")))
    except (LookupError, ValueError, TypeError, OverflowError, OSError) as error:
        raise bad_request(f"the protobuf body cannot be read: {error}") from error
    return {"apiVersion": head.get(1, ""), "kind": head[2], **obj}


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        size, at = _varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
        if at + size > len(data):
            raise ValueError("a field reaches beyond the end")
        yield tag >> 3, data[at : at + size]
        at += size


def _message(name: str, data: memoryview) -> Object:
    known = message(name)
    obj: Object = {}
    for number, raw in _fields(data):
        field = known.get(number)
        if field is not None:
            _take(obj, field, raw)
    return obj


def _take(obj: Object, field: Field, raw: Any) -> None:
    name, kind, shape, keep = field
    if name == ".":
        obj.update(_message(kind, raw))
        return
    if shape == "map":
        entry = dict(_fields(raw))
        key = bytes(entry.get(1, b"")).decode()
        obj.setdefault(name, {})[key] = _value(kind, entry.get(2, memoryview(b"")))
        return
    value = _value(kind, raw)
    if shape == "list":
        obj.setdefault(name, []).append(value)
    elif value is not None and (keep or value not in ("", 0, False, {})):
        obj[name] = value


def _value(kind: str, raw: Any) -> Any:
    if kind == "i":
        number = int(raw)
        return number - (1 << 64) if number >= 1 << 63 else number
    if kind == "B":
        return bool(raw)
    if kind == "s":
        return bytes(raw).decode()
    if kind == "b":
        return base64.b64encode(bytes(raw)).decode()
    return _wellknown(kind, raw)


def _wellknown(kind: str, raw: memoryview) -> Any:
    if kind not in ("T", "M", "Q", "IS", "R", "L"):
        return _message(kind, raw)
    if kind == "L":
        return [bytes(one).decode() for number, one in _fields(raw) if number == 1]
    fields = dict(_fields(raw))
    if kind == "Q":
        return bytes(fields.get(1, b"")).decode()
    if kind == "R":
        return orjson.loads(bytes(fields.get(1, b"null")))
    if kind == "IS":
        return bytes(fields.get(3, b"")).decode() if fields.get(1) else _value("i", fields.get(2, 0))
    seconds, nanos = fields.get(1, 0), fields.get(2, 0)
    if not seconds and not nanos:
        return None
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{nanos // 1000:06d}Z" if kind == "M" else f"{text}Z"
