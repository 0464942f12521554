"""What the memory should be, as the operator says in a mounted file: read again when it changes, without a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1 << 20
LEAST = 256 << 10
"""Bytes that the empty file and its indexes want."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server that makes embeddings. `model` is its name there."""

    url: str
    model: str


@dataclass(frozen=True, slots=True)
class Settings:
    """`type` is Ephemeral, KeyValue or Vector; `size` is in bytes."""

    type: str = "Ephemeral"
    size: int = 256 * MIB
    endpoint: Endpoint | None = None


class SettingsFile:
    """Settings that follow a file. One that is absent or broken changes nothing; `trouble` says what is wrong."""

    def __init__(self, path: Path | None) -> None:
        self.current = Settings()
        self.trouble = ""
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self.look()

    def look(self) -> bool:
        """Whether the settings have changed since the last look."""
        if self._path is None:
            return False
        try:
            stat = self._path.stat()
            if (stat.st_mtime_ns, stat.st_ino) == self._stamp:
                return False
            found = parse(json.loads(self._path.read_text()))
        except (OSError, ValueError, RecursionError) as error:
            self.trouble = f"the settings cannot be read: {error}"
            return False
        self._stamp, self.trouble = (stat.st_mtime_ns, stat.st_ino), ""
        changed, self.current = found != self.current, found
        return changed


def parse(given: Any) -> Settings:
    """Raises ValueError."""
    if not isinstance(given, dict):
        raise ValueError("they are no object")
    kind, size, endpoint = given.get("type", "Ephemeral"), given.get("size", 256 * MIB), given.get("embeddings")
    if kind not in ("Ephemeral", "KeyValue", "Vector"):
        raise ValueError(f"no type {str(kind)[:40]!r}")
    if not isinstance(size, int) or isinstance(size, bool):
        raise ValueError("size is no number of bytes")
    made = None
    if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str):
        made = Endpoint(endpoint["url"], str(endpoint.get("model") or ""))
    return Settings(kind, max(LEAST, size), made)
