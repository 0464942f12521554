"""The witness: an append-only journal of what happened, one JSON object a line.

    $KGENTS_HOME/witness/<hive>/journal.jsonl, journal.1.jsonl … (older ones)

Rotated by size, so that it never grows without bound. A disk that refuses costs one warning, and the line.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from kgents.infra.home import private_dir

log = logging.getLogger(__name__)

ROTATE_AT = 8 * 1024 * 1024
KEEP = 4
RECENT = 200
"""Lines that are kept in memory, for those who begin to watch."""


class Journal:
    """Appends to one hive's journal. Lines are written together by `flush`, so that a burst costs one write."""

    def __init__(self, folder: Path, *, rotate_at: int = ROTATE_AT, keep: int = KEEP) -> None:
        self.path = folder / "journal.jsonl"
        self._rotate_at, self._keep = rotate_at, keep
        self._lines: list[bytes] = []
        self._recent: deque[bytes] | None = None
        self._refused = False

    def add(self, fact: Mapping[str, Any]) -> bytes:
        """Note a fact, already redacted. Returns it serialised."""
        line = orjson.dumps(fact)
        self._known().append(line)
        self._lines.append(line)
        return line

    def flush(self) -> None:
        """Write what was noted. Blocks; call it off the event loop."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            private_dir(self.path.parent)
            with open(self.path, "ab", opener=_private) as file:
                file.write(b"\n".join(lines) + b"\n")
                full = file.tell() >= self._rotate_at
            if full:
                self._rotate()
            self._refused = False
        except OSError as error:
            if not self._refused:
                log.warning("the journal %s cannot be written: %s", self.path, error.strerror)
            self._refused = True

    def recent(self, limit: int = RECENT) -> list[bytes]:
        """The last lines, oldest first, written or not; RECENT at most. A line that a crash cut short is left out."""
        return list(self._known())[-limit:]

    def _known(self) -> deque[bytes]:
        """The last lines: what an earlier daemon left on disk, and what was noted since."""
        if self._recent is None:
            found: list[bytes] = []
            for path in (self.path, self._older(1)):
                if len(found) < RECENT:
                    found = _last_lines(path) + found
            self._recent = deque(found, RECENT)
        return self._recent

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"journal.{number}.jsonl")

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            if self._older(number).exists():
                self._older(number).replace(self._older(number + 1))
        self.path.replace(self._older(1))


def _last_lines(path: Path) -> list[bytes]:
    try:
        lines = path.read_bytes().splitlines()[-RECENT:]
    except OSError:
        return []
    return [line for line in lines if _is_whole(line)]


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)
