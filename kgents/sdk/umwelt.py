"""What an agent may see and do, as its umwelt says now."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgents.sdk.kept import Source

KEY = "umwelt.json"


class Umwelt:
    """Read from `source` each time. Where there is none nothing is narrowed, and nothing extra is afforded."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def spec(self) -> Mapping[str, Any]:
        """As the agent's `umwelt` has it: affordances, autonomy, constraints, persona, senses. Empty without one."""
        said = self._source()
        return said if isinstance(said, Mapping) else {}

    @property
    def persona(self) -> Mapping[str, float]:
        """warmth, directness, humor and verbosity, each from 0 to 1; those that are set."""
        return self._part("persona")

    @property
    def token_budget(self) -> int | None:
        """Tokens of language models in a day; None: not bounded."""
        budget = self._part("constraints").get("tokenBudget")
        return budget if isinstance(budget, int) else None

    def senses(self, type: str) -> bool:
        """Whether it senses signals of this type. What is not narrowed is sensed."""
        return self._lets("sense", type)

    def emits(self, type: str) -> bool:
        """Whether it may emit signals of this type. What is not narrowed may be."""
        return self._lets("emit", type)

    def affords(self, path: str) -> bool:
        """Whether a path is afforded by one of its patterns: `*` is one segment, `**` any number. The default is no."""
        return any(_matches(pattern.split("."), path.split(".")) for pattern in self.spec.get("affordances") or ())

    def _lets(self, what: str, type: str) -> bool:
        allowed = self._part("senses").get(what)
        return type in allowed if isinstance(allowed, list) else True

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.spec.get(name)
        return part if isinstance(part, Mapping) else {}


def _matches(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_matches(pattern[1:], path[taken:]) for taken in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _matches(pattern[1:], path[1:])
