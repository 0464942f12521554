"""Calls for a person: a REVIEW_REQUEST in the air for each proposal that waits for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import names, times
from kgents.api.kinds import API_VERSION, PHEROMONE, PROPOSAL
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, ObjectNotFound

SOURCE = "t-gent"
PAYLOAD_MAX = 500


async def call(api: KubeClient, proposal: Mapping[str, Any], phase: str, reason: str, now: float) -> None:
    """Once for each proposal and phase: the name says so, and a second one of that name is not made."""
    metadata = proposal["metadata"]
    cause = {
        "object": {"apiVersion": API_VERSION, "kind": PROPOSAL.kind, "name": metadata["name"]},
        "uid": metadata["uid"],
    }
    spec = {
        "type": "REVIEW_REQUEST",
        "source": SOURCE,
        "emittedAt": times.to_micro_text(now),
        "payload": f"{metadata['name']} is {phase}: {reason} (kgents diff {metadata['name']})"[:PAYLOAD_MAX],
        "causedBy": [cause],
    }
    body = {"metadata": {"name": _name(proposal, phase), "namespace": metadata["namespace"]}, "spec": spec}
    try:
        await api.create(PHEROMONE, body, metadata["namespace"])
    except AlreadyExists:
        return


async def hush(api: KubeClient, proposal: Mapping[str, Any]) -> None:
    """Nobody needs to look any longer."""
    for phase in ("Reviewing", "Blocked"):
        try:
            await api.delete(PHEROMONE, _name(proposal, phase), proposal["metadata"]["namespace"])
        except ObjectNotFound:
            continue


def _name(proposal: Mapping[str, Any], phase: str) -> str:
    metadata = proposal["metadata"]
    return names.child_name("review", metadata["name"], phase.lower(), metadata["uid"][:8], longest=253)
