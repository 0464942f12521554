"""How strong a type of pheromone is for one agent, and when that will cross a threshold. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import pheromone, times
from operators.world import Trace

DIGITS = 4


@dataclass(frozen=True, slots=True)
class Look:
    """The strength now, whether it is at or above the threshold, and when mere decay takes it below."""

    strength: float
    active: bool
    crosses: float | None


def sensed(traces: Iterable[Trace], type: str, agent: str, senses: Iterable[str] | None) -> list[pheromone.Decay]:
    """What `agent` senses of `type`: what is meant for it or for all, if its umwelt lets it sense that type."""
    if senses is not None and type not in senses:
        return []
    return [trace.decay for trace in traces if trace.type == type and trace.target in ("", agent)]


def look(decays: list[pheromone.Decay], threshold: float, now: float) -> Look:
    strength = pheromone.strength(decays, now)
    return Look(strength, strength >= threshold, pheromone.next_crossing(decays, threshold, now))


def identity(reaction: Mapping[str, Any]) -> str:
    """A reaction is another one when anything of it is changed."""
    return hashlib.sha256(json.dumps(reaction, sort_keys=True).encode()).hexdigest()[:12]


def told(reaction: Mapping[str, Any], seen: Look, before: Mapping[str, Any] | None, now: float) -> dict[str, Any]:
    """What the agent is told. It changes at a crossing only: between two, strength is a matter of arithmetic."""
    if before is not None and before.get("active") == seen.active:
        return {key: before[key] for key in ("type", "active", "intensity", "since") if key in before}
    return {
        "type": reaction["type"],
        "active": seen.active,
        "intensity": round(seen.strength, DIGITS),
        "since": times.to_micro_text(now),
    }
