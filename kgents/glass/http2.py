"""One gRPC read over a Unix socket, in plain Python: importing grpc takes longer than a whole answer of Cortex.

It knows just enough HTTP/2 to send one request and to read a good answer. Whatever is not that, an error status
included, raises Surprise, and the caller asks again with grpc, which can tell what it is; reads bear being repeated.
"""

from __future__ import annotations

import socket
import time

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY, _CONTINUATION = 0, 1, 3, 4, 6, 7, 9
_WINDOW = 0x7FFFFFFF
_END_STREAM, _END_HEADERS, _ACK, _PADDED = 1, 4, 1, 8
_LARGEST = 1 << 24
# Trailers as grpc servers write them: name and value as plain literals. Anything else is a surprise.
_GOOD = b"\x0bgrpc-status\x010"


class Surprise(Exception):
    """Something other than a good answer came."""


def call(address: str, method: str, token: str, message: bytes, patience: float, streaming: float) -> list[bytes]:
    """The messages of one server-streaming call.

    `patience` seconds for everything up to the first message, `streaming` more for the rest. Raises TimeoutError,
    OSError when the connection fails, Surprise for an answer that is no success.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        deadline = time.monotonic() + patience
        connection.settimeout(patience)
        connection.connect(address)
        connection.sendall(_opening(method, token, message))
        return _read(connection, deadline, streaming)


def _opening(method: str, token: str, message: bytes) -> bytes:
    # A header table of size 0 keeps the server from referring to what was sent before, so nothing need be kept.
    settings = _setting(1, 0) + _setting(2, 0) + _setting(4, _WINDOW)
    window = (_WINDOW - 65_535).to_bytes(4, "big")
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
        "authorization": f"Bearer {token}",
    }
    block = b"".join(b"\x10" + _text(name) + _text(value) for name, value in headers.items())
    body = b"\0" + len(message).to_bytes(4, "big") + message
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, settings)
        + _frame(8, 0, 0, window)
        + _frame(_HEADERS, _END_HEADERS, 1, block)
        + _frame(_DATA, _END_STREAM, 1, body)
    )


def _read(connection: socket.socket, deadline: float, streaming: float) -> list[bytes]:
    buffer, body, begun = bytearray(), bytearray(), False
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        connection.settimeout(remaining)
        received = connection.recv(262_144)
        if not received:
            raise Surprise("the connection ended")
        buffer += received
        position = 0
        while len(buffer) - position >= 9:
            length = int.from_bytes(buffer[position : position + 3], "big")
            if length > _LARGEST:
                raise Surprise("a frame is too long")
            end = position + 9 + length
            if end > len(buffer):
                break
            kind, flags = buffer[position + 3], buffer[position + 4]
            if _took(connection, kind, flags, buffer[position + 9 : end], body):
                return _messages(body)
            position = end
        del buffer[:position]
        if body and not begun:
            begun, deadline = True, time.monotonic() + streaming


def _took(connection: socket.socket, kind: int, flags: int, payload: bytearray, body: bytearray) -> bool:
    """Handles one frame. True when the call is over and good."""
    if kind in (_DATA, _HEADERS) and flags & _PADDED:
        raise Surprise("a frame is padded")
    if kind == _DATA:
        body += payload
    elif kind == _HEADERS and flags & _END_STREAM:
        if _GOOD not in payload:
            raise Surprise("the call failed")
        return True
    elif kind in (_SETTINGS, _PING) and not flags & _ACK:
        connection.sendall(_frame(kind, _ACK, 0, bytes(payload) if kind == _PING else b""))
    elif kind in (_RST, _GOAWAY, _CONTINUATION):
        raise Surprise("the call was broken off")
    return False


def _messages(body: bytearray) -> list[bytes]:
    found, position = [], 0
    while position < len(body):
        end = position + 5 + int.from_bytes(body[position + 1 : position + 5], "big")
        if body[position] or end > len(body):
            raise Surprise("a message is compressed, or cut short")
        found.append(bytes(body[position + 5 : end]))
        position = end
    return found


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _setting(name: int, value: int) -> bytes:
    return name.to_bytes(2, "big") + value.to_bytes(4, "big")


def _text(text: str) -> bytes:
    """A string literal: its length in a 7-bit prefix, then its bytes, not Huffman-coded."""
    raw = text.encode()
    if len(raw) < 0x7F:
        return bytes([len(raw)]) + raw
    rest, prefix = len(raw) - 0x7F, bytearray([0x7F])
    while rest > 0x7F:
        prefix.append(rest & 0x7F | 0x80)
        rest >>= 7
    prefix.append(rest)
    return bytes(prefix) + raw
