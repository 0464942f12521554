"""Whether an agent has sickened since a change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import conditions

SICK = frozenset({"Failed", "Safemode"})
WELL = frozenset({"Running", "Suspended", "Terminating"})
PATIENCE = 5.0
"""Seconds for which an agent may be Degraded, or its mind not answer, before that counts."""


def condition_of(agent: Mapping[str, Any], workload: Mapping[str, Any] | None = None) -> str:
    """`sick`, `poor` (it may pass), `starting` or `well`, as its status says now.

    `workload`: what it adopts, as that is now; a status that is of an earlier one says nothing yet.
    """
    status = agent.get("status") or {}
    phase = str(status.get("phase") or "Pending")
    if phase in SICK:
        return "sick"
    if phase == "Degraded" or status.get("cognitiveHealth") in ("Degraded", "Unresponsive"):
        return "poor"
    seen = int(status.get("observedGeneration") or 0) >= int(agent["metadata"].get("generation") or 0)
    if workload is not None:
        known = int((status.get("workload") or {}).get("generation") or 0)
        seen = seen and known >= int(workload["metadata"].get("generation") or 0)
    return "well" if phase in WELL and seen else "starting"


def describe(agent: Mapping[str, Any]) -> str:
    """Its phase and why, in a few words."""
    status = agent.get("status") or {}
    ready = conditions.find(agent, "Ready") or {}
    why = str(ready.get("message") or ready.get("reason") or "")
    phase = str(status.get("phase") or "Pending")
    return f"{phase}: {why}"[:300] if why else phase
