"""Operations that change the hive. They go to the API at once, with the credentials of the user who runs the daemon."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from cortex.answers import Answer, Call, World
from kgents.api import pheromone, redact, rows, times
from kgents.api.errors import NotFound, UsageError
from kgents.api.kinds import AGENT, API_VERSION, PHEROMONE, Kind
from kgents.api.names import missing
from kgents.kube.errors import ObjectNotFound

FIELD_MANAGER = "kgents"


def _one(value: dict[str, Any]) -> Answer:
    return Answer([orjson.dumps(redact.redact(value))], many=False)


def _target(world: World, call: Call) -> tuple[str, str]:
    return call.namespace or world.api.config.namespace, call.names["agent"]


async def agents_define(world: World, call: Call) -> Answer:
    namespace, name = _target(world, call)
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    for part in ("labels", "annotations"):
        if call.arguments.get(part):
            metadata[part] = call.arguments[part]
    agent = {"apiVersion": API_VERSION, "kind": AGENT.kind, "metadata": metadata, "spec": call.arguments["spec"]}
    made = await world.api.apply(AGENT, agent, namespace, field_manager=FIELD_MANAGER)
    return _one(rows.agent_row(made, world.now()))


async def agents_suspend(world: World, call: Call) -> Answer:
    return await _suspend(world, call, True)


async def agents_resume(world: World, call: Call) -> Answer:
    return await _suspend(world, call, False)


async def _suspend(world: World, call: Call, suspend: bool) -> Answer:
    namespace, name = _target(world, call)
    patch = {"spec": {"suspend": suspend}}
    try:
        made = await world.api.patch(AGENT, name, patch, namespace, field_manager=FIELD_MANAGER)
    except ObjectNotFound as error:
        raise missing("agent", name, namespace) from error
    return _one(rows.agent_row(made, world.now()))


async def agents_terminate(world: World, call: Call) -> Answer:
    namespace, name = _target(world, call)
    try:
        await world.api.delete(AGENT, name, namespace, propagation="Background")
    except ObjectNotFound as error:
        raise missing("agent", name, namespace) from error
    return _one({"name": name, "namespace": namespace, "phase": "Terminating"})


async def pheromones_emit(world: World, call: Call) -> Answer:
    given, now = call.arguments, world.now()
    kind = str(given["type"]).upper()
    if kind not in pheromone.TYPES:
        raise UsageError(f"there is no signal type {kind[:40]}", why=f"types are {', '.join(pheromone.TYPES)}")
    spec: dict[str, Any] = {"type": kind, "emittedAt": times.to_micro_text(now)}
    names = {"payload": "payload", "source": "source", "target": "target", "intensity": "initialIntensity"}
    spec |= {field: given[name] for name, field in (*names.items(), ("halfLife", "halfLife")) if name in given}
    namespace = call.namespace or world.api.config.namespace
    # Named here, not by the server: a second try of the same write cannot make a second signal.
    metadata = {"name": f"{kind.lower().replace('_', '-')}-{uuid.uuid4().hex[:10]}", "namespace": namespace}
    signal = {"apiVersion": API_VERSION, "kind": PHEROMONE.kind, "metadata": metadata, "spec": spec}
    made = await world.api.create(PHEROMONE, signal, namespace, field_manager=FIELD_MANAGER)
    return _one(rows.pheromone_row(made, world.now()))


async def cluster_apply(world: World, call: Call) -> Answer:
    """Every object by server-side apply, in the order given. The first that is refused ends it, and says which."""
    default = call.namespace or world.api.config.namespace
    applied = []
    for obj in call.arguments["objects"]:
        kind = await _kind_of(world, obj)
        namespace = (obj["metadata"].get("namespace") or default) if kind.namespaced else None
        made = await world.api.apply(kind, obj, namespace, field_manager=FIELD_MANAGER)
        metadata = made["metadata"]
        row = {"kind": kind.kind, "name": metadata["name"], "namespace": metadata.get("namespace") or ""}
        applied.append(orjson.dumps(row))
    return Answer(applied)


async def _kind_of(world: World, obj: object) -> Kind:
    """How the API names the kind of an object: asked of its discovery."""
    if not isinstance(obj, dict) or not obj.get("apiVersion") or not obj.get("kind"):
        raise UsageError("an object to apply needs apiVersion and kind")
    if not isinstance(obj.get("metadata"), dict) or not obj["metadata"].get("name"):
        raise UsageError(f"the {obj['kind']} has no metadata.name")
    version, wanted = str(obj["apiVersion"]), obj["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    missing = NotFound(f"the hive has no kind {wanted} in {version}")
    try:
        listed = await world.api.request("GET", root)
    except ObjectNotFound as error:
        raise missing from error
    for resource in listed.get("resources") or []:
        if resource.get("kind") == wanted and "/" not in resource["name"]:
            return Kind(wanted, resource["name"], version, namespaced=resource["namespaced"])
    raise missing
