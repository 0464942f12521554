"""What an agent may see and do, as its umwelt says now: read anew whenever it has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

VARIABLE = "KGENTS_UMWELT"


class Umwelt:
    """The file that the operator keeps in the pod. Without one nothing is narrowed, and nothing extra is afforded."""

    def __init__(self, path: str | None = None) -> None:
        found = path or os.environ.get(VARIABLE)
        self._path = Path(found) if found else None
        self._stamp: tuple[int, int] | None = None
        self._spec: Mapping[str, Any] = {}

    @property
    def spec(self) -> Mapping[str, Any]:
        """As the Umwelt object has it: affordances, autonomy, constraints, persona, senses."""
        if self._path is not None:
            try:
                stat = self._path.stat()
                stamp = (stat.st_mtime_ns, stat.st_ino)
                if stamp != self._stamp:
                    self._spec, self._stamp = json.loads(self._path.read_text()), stamp
            except (OSError, ValueError):
                return self._spec  # half-written, or just being replaced: what was known holds
        return self._spec

    @property
    def persona(self) -> Mapping[str, float]:
        """warmth, directness, humor and verbosity, each from 0 to 1; those that are set."""
        return self.spec.get("persona") or {}

    @property
    def token_budget(self) -> int | None:
        """Tokens of language models in a day; None: not bounded."""
        budget = (self.spec.get("constraints") or {}).get("tokenBudget")
        return budget if isinstance(budget, int) else None

    def senses(self, type: str) -> bool:
        """Whether it senses signals of this type. What is not narrowed is sensed."""
        return _lets(self.spec, "sense", type)

    def emits(self, type: str) -> bool:
        """Whether it may emit signals of this type."""
        return _lets(self.spec, "emit", type)

    def affords(self, path: str) -> bool:
        """Whether a path is afforded by one of its patterns: `*` is one segment, `**` any number. The default is no."""
        return any(_matches(pattern.split("."), path.split(".")) for pattern in self.spec.get("affordances") or ())


def _lets(spec: Mapping[str, Any], what: str, type: str) -> bool:
    allowed = (spec.get("senses") or {}).get(what)
    return type in allowed if isinstance(allowed, list) else True


def _matches(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_matches(pattern[1:], path[taken:]) for taken in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _matches(pattern[1:], path[1:])
