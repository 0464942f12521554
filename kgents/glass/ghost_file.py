"""One ghost file: JSON that knows whether it is whole.

    {"checksum":"<sha256 of everything after this line>",
    "version":1,"writer":"cortex","scopes":{"":1795237023.5},"total":2,"items":[
    {"name":"scout"},
    {"name":"scribe"}
    ]}

It is replaced as a whole (temp file, fsync, rename), so a reader sees the old one or the new one. What does not match
its checksum was torn by a crash or edited by hand: it is set aside as `*.corrupt` and never shown.
Read with the standard library: `json` loads in half of orjson's time, which outweighs its slower parsing here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kgents import files
from kgents.infra.home import private_dir

VERSION = 1
_PREFIX = b'{"checksum":"'
_DIGEST = 64
_BODY = len(_PREFIX) + _DIGEST + len(b'",\n')


class Torn(Exception):
    """The file is not what its writer left."""


class ForeignVersion(Exception):
    """The file was written by a kgents that uses another format."""


def encode(meta: Mapping[str, Any], items: Iterable[bytes]) -> bytes:
    """The whole file. `items` are JSON documents without newlines."""
    head = json.dumps({"version": VERSION, **meta}, separators=(",", ":"))[1:-1].encode()
    body = head + b',"items":[\n' + b",\n".join(items) + b"\n]}\n"
    return _PREFIX + hashlib.sha256(body).hexdigest().encode() + b'",\n' + body


def checksum_of(content: bytes) -> str:
    """The checksum that a file's content states."""
    return content[len(_PREFIX) : len(_PREFIX) + _DIGEST].decode("ascii", "replace")


def stated(path: Path) -> str:
    """The checksum that the file at `path` states, "" where none can be read. Only its head is looked at."""
    try:
        with path.open("rb") as file:
            return checksum_of(file.read(_BODY))
    except OSError:
        return ""


def decode(content: bytes) -> dict[str, Any]:
    """The document. Raises Torn, or ForeignVersion for one that is whole but of another format."""
    if not content.startswith(_PREFIX) or len(content) < _BODY:
        raise Torn
    if hashlib.sha256(memoryview(content)[_BODY:]).hexdigest() != checksum_of(content):
        raise Torn
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise ForeignVersion
    return document


def replace(path: Path, content: bytes) -> None:
    """Put `content` in place of what `path` holds, durably and at once. Raises OSError, leaving the old one."""
    private_dir(path.parent)
    files.write_private(path, content)


def read(path: Path) -> dict[str, Any] | None:
    """The document, or None where there is none. Raises Torn after setting the file aside, ForeignVersion, OSError."""
    try:
        with path.open("rb") as file:
            content = file.read()
            identity = os.fstat(file.fileno()).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return decode(content)
    except (Torn, ValueError, RecursionError) as error:
        _set_aside(path, identity)
        raise Torn from error


def _set_aside(path: Path, identity: int) -> None:
    # A writer may have put a good one in its place meanwhile. On a read-only home the bad one stays where it is.
    with contextlib.suppress(OSError):
        if path.stat().st_ino == identity:
            path.replace(path.with_name(path.name + ".corrupt"))
