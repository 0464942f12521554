"""The status that a Memory should have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
Told = tuple[str, bool | None, str, str]
"""(condition, whether it holds, reason, message)."""

_SHARED = (
    "its pods share one file: they have to be on one node, where the claim is mounted, and see each other's memories"
)
_APART = "each of its pods has a memory of its own; the numbers are those of all of them together"
_LIKENESS = "what is alike in spelling is found, not what is alike in meaning"


def make(
    memory: Mapping[str, Any],
    claim: Mapping[str, Any] | None,
    measured: Mapping[str, Any] | None,
    *,
    replicas: int,
) -> tuple[Object, list[Told]]:
    """The fields of the status, and its conditions."""
    fields, ready = _phase(memory, claim)
    for name in ("usedBytes", "entries", "lastAccess"):
        known = (measured or {}).get(name)
        kept = known if known is not None else (memory.get("status") or {}).get(name)
        if kept is not None:
            fields[name] = kept
    told: list[Told] = [ready, _measured(measured)]
    if replicas > 1:
        durable = _is_durable(memory)
        told.append(("Shared", durable, "OneFile" if durable else "OnePerPod", _SHARED if durable else _APART))
    return fields, told + _said(measured or {})


def retained(memory: Mapping[str, Any]) -> tuple[Object, list[Told]]:
    """Of one whose agent is gone."""
    before = memory.get("status") or {}
    fields = {name: before[name] for name in ("usedBytes", "entries", "lastAccess") if name in before}
    ready = ("Ready", True, "Retained", "it waits for the next agent of this name")
    return {**_claim(memory), **fields, "phase": "Retained"}, [ready]


def prepared(memory: Mapping[str, Any]) -> tuple[Object, list[Told]]:
    """Of one that was made by hand and whose agent is yet to come, or has another name."""
    owner, name = memory["spec"]["owner"], memory["metadata"]["name"]
    if owner != name:
        why = f"an agent's memory bears the agent's name: call it {owner}"
        return {"phase": "Failed"}, [("Ready", False, "NameMismatch", why)]
    why = "it waits for an agent of this name whose memory is enabled"
    return {"phase": "Pending"}, [("Ready", False, "NoAgent", why)]


def _phase(memory: Mapping[str, Any], claim: Mapping[str, Any] | None) -> tuple[Object, Told]:
    if not _is_durable(memory):
        return {"phase": "Bound"}, ("Ready", True, "Ephemeral", "each pod has a room of its own, gone with it")
    phase = ((claim or {}).get("status") or {}).get("phase", "Pending")
    if phase == "Bound":
        return {**_claim(memory), "phase": "Bound"}, ("Ready", True, "Bound", "")
    word = "Failed" if phase == "Lost" else "Pending"
    return {**_claim(memory), "phase": word}, ("Ready", False, phase, f"its PersistentVolumeClaim is {phase}")


def _measured(measured: Mapping[str, Any] | None) -> Told:
    if measured is None:
        return ("Measured", None, "NothingSaid", "no memory sidecar of this agent has said how full it is")
    return ("Measured", True, "Said", "")


def _said(measured: Mapping[str, Any]) -> list[Told]:
    told: list[Told] = []
    embedding = measured.get("embedding")
    if isinstance(embedding, Mapping):
        by_endpoint = embedding.get("kind") == "Endpoint"
        why = str(embedding.get("message") or "")
        message = "" if by_endpoint else f"{_LIKENESS}: {why}" if why else _LIKENESS
        told.append(("Embedding", by_endpoint, "Endpoint" if by_endpoint else "WordLikeness", message))
    if aside := measured.get("setAside"):
        message = f"its file was damaged: it is kept beside the new one as {str(aside)[:200]}"
        told.append(("Intact", False, "SetAside", message))
    return told


def _is_durable(memory: Mapping[str, Any]) -> bool:
    return bool(memory["spec"].get("type", "Ephemeral") != "Ephemeral")


def _claim(memory: Mapping[str, Any]) -> Object:
    return {"claimName": memory["metadata"]["name"]} if _is_durable(memory) else {}
