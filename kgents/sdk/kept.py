"""What the operator keeps for an agent: files that are mounted in its pod, keys of a ConfigMap everywhere else."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgents.api.errors import NotFound

if TYPE_CHECKING:
    from kgents.sdk.http import Api

LOOK_EVERY = 2.0
Source = Callable[[], Any]
"""Gives what is kept, as JSON has it; None when there is nothing."""


class MountedFile:
    """Read anew whenever it has changed; half-written, or just being replaced, it says what it said before."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._stamp: tuple[int, int, int] | None = None
        self._said: Any = None

    def __call__(self) -> Any:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp != self._stamp:
                self._said, self._stamp = json.loads(self._path.read_text(encoding="utf-8")), stamp
        except (OSError, ValueError):
            return self._said
        return self._said


class KeptKeys:
    """The agent's ConfigMap, looked at every two seconds at most. Raises Refused when one may not read it."""

    def __init__(self, api: Api, name: str, namespace: str) -> None:
        self._api, self._name, self._namespace = api, name, namespace
        self._data: dict[str, str] = {}
        self._looked: float | None = None

    def key(self, key: str) -> Source:
        """What stands under `key`; None where there is no such key, or no such agent."""
        return lambda: self._read(key)

    def _read(self, key: str) -> Any:
        from kgents.api.kinds import CONFIG_MAP
        from kgents.api.operations.requests import Get

        now = time.monotonic()
        if self._looked is None or now - self._looked >= LOOK_EVERY:
            try:
                self._data = self._api.send(Get(CONFIG_MAP, self._name, self._namespace)).get("data") or {}
            except NotFound:
                self._data = {}
            self._looked = now
        try:
            return json.loads(self._data[key])
        except (KeyError, ValueError):
            return None
