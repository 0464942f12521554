"""Has the status of an agent's Memory and Umwelt told, and of what is retained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import conditions
from kgents.api.kinds import AGENT, MEMORY, PERSISTENT_VOLUME_CLAIM, UMWELT, Kind
from kgents.kube.errors import ObjectNotFound
from operators.agent import meta, pods
from operators.agent.children import wanted_replicas
from operators.memory import status
from operators.memory.status import Object, Told
from operators.world import Key, World


async def tell(world: World, agent: Mapping[str, Any], key: Key) -> None:
    """Bring the status of both up to date; writes only what changed."""
    memory, umwelt = world.child(MEMORY, key), world.child(UMWELT, key)
    if memory is not None:
        claim, measured = world.child(PERSISTENT_VOLUME_CLAIM, key), world.measured.get(key)
        made = status.make(memory, claim, measured, replicas=wanted_replicas(agent["spec"]))
        await _write(world, MEMORY, memory, *made)
    if umwelt is not None and meta.controller_of(umwelt) is not None:
        active = sum(pods.is_ready(pod) and not pods.is_leaving(pod) for pod in world.pods_of(key))
        told: list[Told] = [("Ready", True, "Rendered", ""), _active(active)]
        await _write(world, UMWELT, umwelt, {"role": key[1], "activePods": active}, told)


async def retain(world: World, key: Key) -> None:
    """The agent is gone: a memory that outlives it says so."""
    memory = world.informers[MEMORY.kind].get(*key)
    if memory is None or meta.controller_of(memory) is not None or meta.agent_of(memory) != key:
        return
    if await _exists(world, key):
        return  # Its event has not come yet.
    await _write(world, MEMORY, memory, *status.retained(memory))


async def _exists(world: World, key: Key) -> bool:
    try:
        await world.api.get(AGENT, key[1], key[0])
    except ObjectNotFound:
        return False
    return True


def _active(pods: int) -> Told:
    return ("Active", pods > 0, "PodsReady" if pods else "NoPodReady", "")


async def _write(world: World, kind: Kind, obj: Mapping[str, Any], made: Object, told: list[Told]) -> None:
    metadata, before = obj["metadata"], obj.get("status") or {}
    generation = int(metadata.get("generation") or 0)
    wanted = {type for type, *_ in told}
    listed: list[Any] = [one for one in before.get("conditions") or () if one.get("type") in wanted]
    for type, holds, reason, message in told:
        new = conditions.make(type, holds, reason, message, now=world.clock(), generation=generation)
        listed = list(conditions.set_condition(listed, new))
    status = {"observedGeneration": generation, **made, "conditions": listed}
    if status == dict(before):
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
