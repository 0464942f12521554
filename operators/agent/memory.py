"""The status of an agent's Memory and Umwelt, as far as the Agent operator makes them; and what is retained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import conditions
from kgents.api.kinds import AGENT, MEMORY, PERSISTENT_VOLUME_CLAIM, UMWELT, Kind
from kgents.kube.errors import ObjectNotFound
from operators.agent import meta
from operators.world import Key, World

Object = dict[str, Any]


async def tell(world: World, agent: Mapping[str, Any], key: Key) -> None:
    """Bring the status of both up to date; writes only what changed."""
    memory, umwelt = world.child(MEMORY, key), world.child(UMWELT, key)
    if memory is not None:
        await _write(
            world, MEMORY, memory, _memory_status(memory, world.child(PERSISTENT_VOLUME_CLAIM, key)), world.clock()
        )
    if umwelt is not None and meta.controller_of(umwelt) is not None:
        made = {"role": key[1], "ready": (True, "Rendered", "")}
        await _write(world, UMWELT, umwelt, made, world.clock())


async def retain(world: World, key: Key) -> None:
    """The agent is gone: a memory that outlives it says so."""
    memory = world.informers[MEMORY.kind].get(*key)
    if memory is None or meta.controller_of(memory) is not None or meta.agent_of(memory) != key:
        return
    if await _exists(world, key):
        return  # Its event has not come yet.
    made = {
        **_claim(memory),
        "phase": "Retained",
        "ready": (True, "Retained", "it waits for the next agent of this name"),
    }
    await _write(world, MEMORY, memory, made, world.clock())


async def _exists(world: World, key: Key) -> bool:
    try:
        await world.api.get(AGENT, key[1], key[0])
    except ObjectNotFound:
        return False
    return True


def _memory_status(memory: Mapping[str, Any], claim: Mapping[str, Any] | None) -> Object:
    if memory["spec"].get("type", "Ephemeral") == "Ephemeral":
        return {"phase": "Bound", "ready": (True, "Ephemeral", "each pod has a room of its own, gone with it")}
    phase = ((claim or {}).get("status") or {}).get("phase", "Pending")
    if phase == "Bound":
        return {**_claim(memory), "phase": "Bound", "ready": (True, "Bound", "")}
    word = "Failed" if phase == "Lost" else "Pending"
    return {**_claim(memory), "phase": word, "ready": (False, phase, f"its PersistentVolumeClaim is {phase}")}


def _claim(memory: Mapping[str, Any]) -> Object:
    durable = memory["spec"].get("type", "Ephemeral") != "Ephemeral"
    return {"claimName": memory["metadata"]["name"]} if durable else {}


async def _write(world: World, kind: Kind, obj: Mapping[str, Any], made: Object, now: float) -> None:
    metadata, before = obj["metadata"], obj.get("status") or {}
    generation = int(metadata.get("generation") or 0)
    holds, reason, message = made.pop("ready")
    ready = conditions.make("Ready", holds, reason, message, now=now, generation=generation)
    listed = conditions.set_condition(before.get("conditions"), ready)
    status = {"observedGeneration": generation, **made, "conditions": listed}
    if status == {key: value for key, value in before.items() if key in status}:
        return
    body = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
        "status": status,
    }
    try:
        await world.api.apply(kind, body, metadata["namespace"], subresource="status")
    except ObjectNotFound:
        return  # Deleted meanwhile.
