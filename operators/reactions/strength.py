"""How strong a type of pheromone is for one agent, and when that will cross a threshold. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import pheromone, times
from kgents.api.kinds import PHEROMONE
from operators.world import Trace

DIGITS = 4
FIELDS = ("type", "active", "intensity", "since", "causedBy")
CAUSES = 8
"""Signals that are named to an agent when a threshold is crossed."""


@dataclass(frozen=True, slots=True)
class Look:
    """The strength now, whether it is at or above the threshold, and when mere decay takes it below."""

    strength: float
    active: bool
    crosses: float | None


def sensed(traces: Mapping[str, Trace], type: str, agent: str, senses: Iterable[str] | None) -> dict[str, Trace]:
    """What `agent` senses of `type`: what is meant for it or for all, if its umwelt lets it sense that type."""
    if senses is not None and type not in senses:
        return {}
    return {name: one for name, one in traces.items() if one.type == type and one.target in ("", agent)}


def causes(traces: Mapping[str, Trace], namespace: str, now: float) -> list[dict[str, Any]]:
    """The strongest of them as causes: a program passes them on in the `causedBy` of what it does next."""
    strongest = sorted(traces.items(), key=lambda named: -named[1].decay.at(now))[:CAUSES]
    found = []
    for name, trace in strongest:
        named = {"apiVersion": PHEROMONE.api_version, "kind": PHEROMONE.kind, "namespace": namespace, "name": name}
        snapshot = {"type": trace.type, "intensity": round(trace.decay.at(now), DIGITS)}
        found.append({"object": named, "uid": trace.uid, "snapshot": snapshot})
    return found


def look(decays: list[pheromone.Decay], threshold: float, now: float) -> Look:
    strength = pheromone.strength(decays, now)
    return Look(strength, strength >= threshold, pheromone.next_crossing(decays, threshold, now))


def identity(reaction: Mapping[str, Any]) -> str:
    """A reaction is another one when anything of it is changed."""
    return hashlib.sha256(json.dumps(reaction, sort_keys=True).encode()).hexdigest()[:12]


def told(
    reaction: Mapping[str, Any],
    seen: Look,
    before: Mapping[str, Any] | None,
    now: float,
    caused_by: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """What the agent is told. It changes at a crossing only: between two, strength is a matter of arithmetic."""
    if before is not None and before.get("active") == seen.active:
        return {key: before[key] for key in FIELDS if key in before}
    return {
        "type": reaction["type"],
        "active": seen.active,
        "intensity": round(seen.strength, DIGITS),
        "since": times.to_micro_text(now),
        "causedBy": caused_by or [],
    }
