"""Has the status of an agent's Memory and Umwelt told, and of what is retained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import adopting, conditions
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
    if umwelt is not None and umwelt["spec"]["agent"] == key[1]:
        active = sum(pods.is_ready(pod) and not pods.is_leaving(pod) for pod in world.pods_of(key))
        told: list[Told] = [("Ready", True, "Rendered", ""), _active(active)]
        await _write(world, UMWELT, umwelt, {"role": key[1], "activePods": active}, told)


async def tell_alone(world: World, key: Key) -> None:
    """There is no such agent: a memory that outlives it says so, and what was made by hand says what it waits for."""
    memory, umwelt = (_alone(world.child(kind, key)) for kind in (MEMORY, UMWELT))
    if (memory is None and umwelt is None) or await _exists(world, key):
        return  # Or its event has not come yet.
    if memory is not None:
        made = status.retained(memory) if meta.agent_of(memory) == key else status.prepared(memory)
        await _write(world, MEMORY, memory, *made)
    if umwelt is not None:
        await _write(world, UMWELT, umwelt, {"activePods": 0}, [_waiting(umwelt), _active(0)])


def made_by_hand(umwelt: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What an Umwelt says of the agent whose name it bears, if nobody owns it."""
    if (
        umwelt is None
        or adopting.controller_of(umwelt) is not None
        or umwelt["spec"]["agent"] != umwelt["metadata"]["name"]
    ):
        return {}
    return {name: value for name, value in umwelt["spec"].items() if name != "agent"}


def _alone(obj: Object | None) -> Object | None:
    """The object, if no agent owns it."""
    return obj if obj is not None and adopting.controller_of(obj) is None else None


def _waiting(umwelt: Mapping[str, Any]) -> Told:
    agent = umwelt["spec"]["agent"]
    if agent != umwelt["metadata"]["name"]:
        return ("Ready", False, "NameMismatch", f"an agent's umwelt bears the agent's name: call it {agent}")
    return ("Ready", False, "NoAgent", "it waits for an agent of this name")


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
