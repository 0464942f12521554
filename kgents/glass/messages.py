"""The four messages of cortex.proto, read and written by hand.

The generated stubs need protobuf's runtime, whose import takes longer than a whole answer of Cortex. The messages are
strings and bytes only, so that a few lines do; a test holds them to the stubs, unknown fields included.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def request(path: str, arguments: bytes, namespace: str, client_version: str) -> bytes:
    """An InvokeRequest, or the WatchRequest of the same fields."""
    parts = (path.encode(), arguments, namespace.encode(), client_version.encode())
    return b"".join(
        bytes([number << 3 | _BYTES]) + _varint(len(part)) + part for number, part in enumerate(parts, 1) if part
    )


def reply(message: bytes) -> tuple[bytes, list[bytes]]:
    """An InvokeReply: (head, items). Raises ValueError for what is none."""
    head, items = b"", []
    for number, value in _fields(message):
        if number == 1:
            head = value
        elif number == 2:
            items.append(value)
    return head, items


def event(message: bytes) -> tuple[str, bytes, str]:
    """A WatchEvent: (type, item, resource). Raises ValueError for what is none."""
    found = dict(_fields(message))
    return found.get(1, b"").decode(), found.get(2, b""), found.get(3, b"").decode()


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        wire = tag & 7
        if wire == _BYTES:
            length, position = _read_varint(message, position)
            end = position + length
            if end > len(message):
                raise ValueError("a message is cut short")
            yield tag >> 3, message[position:end]
            position = end
        elif wire == _VARINT:
            _, position = _read_varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            position += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"unknown wire type {wire}")


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
    raise ValueError("a message is cut short")
