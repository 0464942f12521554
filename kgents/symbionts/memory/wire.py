"""HTTP/1.1, as little as one request a connection needs. Everything is bounded, and all of a request has one deadline.

The standard library's own server takes some 10 MB more at rest, and its time limit begins anew with every byte.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote_to_bytes

HEAD_MOST = 16 << 10
FIELDS_MOST = 64
PIECE = 64 << 10
_REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


class Refusal(Exception):
    """What cannot be done, as it is answered: a status of HTTP and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Gone(Exception):
    """The peer went away, or never said anything: nobody is there to be answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON; `file`, if given, is sent instead and closed."""

    status: int = 200
    body: Any = field(default_factory=dict)
    file: BinaryIO | None = None


class Exchange:
    """One request on one connection. `deadline` is in seconds of time.monotonic()."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.method, self.segments, self.query = "", [""], dict[str, str]()
        self.headers: Mapping[str, str] = {}
        self.length = 0
        self._connection, self._deadline, self._rest = connection, deadline, b""

    def read_head(self) -> None:
        """Raises Refusal, and Gone."""
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > HEAD_MOST:
                raise Refusal(431, f"the head of a request has at most {HEAD_MOST} bytes")
            piece = self._receive()
            if not piece:
                raise Gone
            data += piece
        self._rest = data[end + 4 :]
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        self.method, target = _first_line(first)
        self.headers = _fields(lines)
        path, _, query = target.partition("?")
        self.segments = [_text(segment) for segment in path.split("/")[1:]]
        self.query = _query(query)
        self.length = _length(self.headers)

    def extend(self, deadline: float) -> None:
        """More time, for somebody who is known."""
        self._deadline = deadline

    def body(self, most: int) -> bytes:
        """All of it, at most `most` bytes. Raises Refusal, and Gone for one that ends too soon."""
        return b"".join(self.pieces(most))

    def pieces(self, most: int) -> Iterator[bytes]:
        """The body, bit by bit."""
        if self.length > most:
            raise Refusal(413, f"a body of {self.length} bytes is too large: at most {most}")
        if self.headers.get("expect", "").lower() == "100-continue" and not self._rest:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        left, piece = self.length, self._rest[: self.length]
        while left:
            if not piece and not (piece := self._receive(min(left, PIECE))):
                raise Gone
            yield piece
            left, piece = left - len(piece), b""

    def answer(self, answer: Answer) -> None:
        """Sends it. Raises OSError when the peer does not take it."""
        length, body = 0, b""
        if answer.file is not None:
            length, sort = answer.file.seek(0, 2), "application/vnd.sqlite3"
            answer.file.seek(0)
        elif answer.status != 204:
            body, sort = json.dumps(answer.body, ensure_ascii=False).encode(), "application/json"
            length = len(body)
        head = f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Error')}\r\nConnection: close\r\n"
        if answer.status != 204:
            head += f"Content-Type: {sort}\r\nContent-Length: {length}\r\n"
        if answer.status == 401:
            head += "WWW-Authenticate: Bearer\r\n"
        self._connection.settimeout(max(1.0, self._deadline - time.monotonic()))
        self._connection.sendall(head.encode() + b"\r\n" + body)
        if answer.file is not None:
            with answer.file:
                self._connection.sendfile(answer.file)

    def _receive(self, most: int = PIECE) -> bytes:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Refusal(408, "the request took too long")
        self._connection.settimeout(left)
        try:
            return self._connection.recv(most)
        except TimeoutError:
            raise Refusal(408, "the request took too long") from None
        except OSError:
            raise Gone from None


def _first_line(line: str) -> tuple[str, str]:
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise Refusal(400, "this is not a request of HTTP/1.1")
    return words[0], words[1]


def _fields(lines: list[str]) -> dict[str, str]:
    if len(lines) > FIELDS_MOST:
        raise Refusal(431, f"a request has at most {FIELDS_MOST} header fields")
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise Refusal(400, "a header field is malformed")
        if name.lower() in found and name.lower() in ("content-length", "authorization"):
            raise Refusal(400, f"{name} is given twice")
        found[name.lower()] = value.strip()
    return found


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise Refusal(411, "a body needs a Content-Length")
    told = headers.get("content-length", "0")
    if not told.isascii() or not told.isdecimal() or len(told) > 15:
        raise Refusal(400, "Content-Length is not a number")
    return int(told)


def _text(segment: str) -> str:
    try:
        return unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "the path is not UTF-8") from None


def _query(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=16))
    except ValueError:
        raise Refusal(400, "the query is malformed") from None
