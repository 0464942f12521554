"""Operations that are answered from memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import orjson

from cortex.answers import Answer, Call, World
from cortex.scope import WHOLE, Scope, Where
from kgents import __version__
from kgents.api import redact, rows, times
from kgents.api.errors import UsageError
from kgents.api.kinds import AGENT, KINDS, PHEROMONE, POD, PROPOSAL
from kgents.api.operations import brakes
from kgents.api.sensing import Wish, wish


async def agents_list(world: World, call: Call) -> Answer:
    age = world.mirror.require(AGENT)
    return Answer(world.mirror.agents.rows(world.now(), call.namespace, call.scope.agents), age=age)


async def agents_get(world: World, call: Call) -> Answer:
    age = world.mirror.require(AGENT)
    key = world.locate("agents", call.namespace, call.names["agent"], call.scope.agents)
    return Answer([agent_detail(world, key, call.scope)], many=False, age=age)


def agent_detail(world: World, key: tuple[str, str], scope: Scope = WHOLE) -> bytes:
    """One agent whole: its row, spec and conditions, its pods, the signals it gave or is meant for, its proposals.

    Of these three what is in `scope`.
    """
    mirror, now = world.mirror, world.now()
    agent = mirror.informers["agents"].store[key]
    namespace, name = key
    detail = {**rows.agent_detail(agent, now), **orjson.loads(mirror.agents.row(key, now) or b"{}")}
    pods = [pod for pod in mirror.pods_of(namespace, name) if pod["metadata"].get("namespace", "") in scope.pods]
    detail["pods"] = redact.redact([_pod(world, pod) for pod in pods])
    detail["pheromones"] = [
        row
        for row in map(orjson.loads, mirror.signals.sense(now, namespace=namespace, where=scope.pheromones))
        if name in (row["source"], row["target"])
    ]
    detail["proposals"] = [
        row
        for row in map(orjson.loads, mirror.proposals.rows(now, where=scope.proposals))
        if row["target"] in (f"Agent/{name}", detail["adopts"]) and row["targetNamespace"] == namespace
    ]
    return orjson.dumps(detail)


async def pheromones_sense(world: World, call: Call) -> Answer:
    age = world.mirror.require(PHEROMONE)
    wanted = wanted_signals(world, call)
    now, signals = world.now(), world.mirror.signals
    limit = call.arguments.get("limit")
    if limit is not None and limit < 1:
        raise UsageError("limit must be at least 1")
    if wanted.nothing:
        return Answer([], age=age)
    given: dict[str, Any] = {"namespace": call.namespace, "types": wanted.types, "least": wanted.least}
    given["where"] = call.scope.pheromones
    found = signals.sense(now, **given)
    if wanted.targets is not None:
        chosen = [row for row in found if wanted.takes_target(orjson.loads(row))]
        return Answer(chosen[:limit], total=len(chosen), age=age)
    items = list(islice(found, limit))
    total = len(items) if limit is None or len(items) < limit else signals.ranking.count(now, **given)
    return Answer(items, total=max(total, len(items)), age=age)


def wanted_signals(world: World, call: Call) -> Wish:
    """What the arguments of a sense ask for. Raises NotFound, or UsageError, for an agent that is not there."""
    name = call.arguments.get("as")
    key = world.locate("agents", call.namespace, name, call.scope.agents) if name else None
    return wish(call.arguments, world.mirror.informers["agents"].store[key] if key else None)


async def proposals_list(world: World, call: Call) -> Answer:
    age = world.mirror.require(PROPOSAL)
    found = world.mirror.proposals.rows(world.now(), call.namespace, call.scope.proposals)
    given = call.arguments.get("phase") or ()
    phases = {given} if isinstance(given, str) else set(given)
    return Answer([row for row in found if orjson.loads(row)["phase"] in phases] if phases else found, age=age)


async def proposals_get(world: World, call: Call) -> Answer:
    age = world.mirror.require(PROPOSAL)
    key = world.locate("proposals", call.namespace, call.names["proposal"], call.scope.proposals)
    detail = rows.proposal_detail(world.mirror.informers["proposals"].store[key], world.now())
    return Answer([orjson.dumps(detail)], many=False, age=age)


async def cluster_manifest(world: World, call: Call) -> Answer:
    age = world.mirror.require(AGENT)
    ready = await world.api.ready()
    version = await world.api.version() if ready else {}
    status = cluster_status(world, ready, str(version.get("gitVersion") or ""), call.scope)
    return Answer([orjson.dumps(status)], many=False, age=age)


def cluster_status(world: World, ready: bool, version: str, scope: Scope = WHOLE) -> dict[str, Any]:
    """The health of the hive in one object; what is counted is what `scope` shows."""
    mirror = world.mirror
    phases: dict[str, int] = {}
    agents = mirror.agents.rows(world.now(), where=scope.agents)
    for row in map(orjson.loads, agents):
        phases[row["phase"]] = phases.get(row["phase"], 0) + 1
    kinds = [
        {"kind": kind.kind, "count": _count(mirror.informers[kind.plural].store, where), "inSync": mirror.in_sync(kind)}
        for kind in (*KINDS, POD)
        if (where := scope.part(kind.plural))
    ]
    freeze = mirror.brakes if scope.brakes else brakes.state({})
    components = [{"name": "apiserver", "version": version}, {"name": "cortex", "version": __version__}]
    return {
        "context": world.api.config.context,
        "server": world.api.config.server,
        "reachable": ready,
        "frozen": brakes.notice(freeze),
        "paused": freeze["paused"],
        "agents": {"total": len(agents), "byPhase": phases},
        "kinds": kinds,
        "components": components,
        "metrics": bool(mirror.metrics),
        "at": times.to_text(world.now()),
    }


async def memory_manifest(world: World, call: Call) -> Answer:
    entries = world.ghost.entries(world.now())
    return Answer([orjson.dumps({**entry._asdict(), "ageSeconds": entry.age}) for entry in entries])


async def witness_recent(world: World, call: Call) -> Answer:
    lines = world.journal.recent()
    return Answer([line for line in lines if _told(orjson.loads(line), call)])


def _told(fact: Mapping[str, Any], call: Call) -> bool:
    return call.namespace in ("", fact.get("namespace")) and is_seen(fact, call.scope)


def is_seen(fact: Mapping[str, Any], scope: Scope) -> bool:
    """Whether a line of the journal is about what `scope` shows."""
    if scope == WHOLE:
        return True
    where = scope.part(_ABOUT.get(str(fact.get("kind")), ""))
    return str(fact.get("namespace") or "") in where


_ABOUT = {"signal": "pheromones", "agent": "agents", "proposal": "proposals", "event": "events", "hive": "brakes"}
"""The part of a scope that a fact of each kind is of."""


def _count(store: Iterable[tuple[str, str]], where: Where) -> int:
    return sum(1 for key in store if key[0] in where)


def _pod(world: World, pod: Mapping[str, Any]) -> dict[str, Any]:
    status, metadata = pod.get("status") or {}, pod["metadata"]
    containers = status.get("containerStatuses") or []
    return {
        "name": metadata["name"],
        "phase": "Terminating" if metadata.get("deletionTimestamp") else status.get("phase"),
        "ready": bool(containers) and all(one.get("ready") for one in containers),
        "restarts": sum(int(one.get("restartCount") or 0) for one in containers),
        "ip": status.get("podIP"),
        "node": (pod.get("spec") or {}).get("nodeName"),
        "startedAt": status.get("startTime"),
    }
