"""Reactions: what the hive tells an agent about the strength of a type of signal, at each crossing of its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DIRECTORY = "KGENTS_REACTIONS_DIR"
PREFIX = "reaction."


@dataclass(frozen=True, slots=True)
class Reaction:
    """What was told last. It is true while the strength is at or above the threshold.

    `intensity` is the sum over all signals of the type that the agent senses, at the crossing; `since` an RFC 3339
    time, "" when nothing was told yet.
    """

    type: str
    active: bool
    intensity: float
    since: str

    def __bool__(self) -> bool:
        return self.active


def read(said: Any, file: str) -> Reaction:
    """The reaction that stands in a file; nothing that can be understood is an inactive one."""
    if not isinstance(said, Mapping):
        return Reaction(file, False, 0.0, "")
    strength = said.get("intensity")
    return Reaction(
        str(said.get("type") or file),
        said.get("active") is True,
        float(strength) if isinstance(strength, (int, float)) else 0.0,
        str(said.get("since") or ""),
    )
