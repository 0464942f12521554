"""From a path to its operation. The registry says what a path means; this table says who does it here."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from cortex import logs, reads, stream, writes
from cortex.answers import Answer, Call, Event, World
from cortex.hub import Change, Overrun, Subscription
from cortex.stream import is_seen
from kgents.api import paths
from kgents.api.entries import Entry
from kgents.api.errors import KgentsError, UsageError
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL, Kind
from kgents.api.operations import brakes, table
from kgents.api.sensing import Wish
from kgents.vitals.observing import observed

QUIET = 5.0
"""Seconds without a change after which a watch makes sure that the mirror still sees the hive."""
Operation = Callable[[World, Call], Awaitable[Answer]]

OPERATIONS: dict[str, Operation] = {
    "agents.list": reads.agents_list,
    "agents.get": reads.agents_get,
    "agents.witness": logs.agents_witness,
    "cluster.manifest": reads.cluster_manifest,
    "pheromones.sense": reads.pheromones_sense,
    "proposals.list": reads.proposals_list,
    "proposals.get": reads.proposals_get,
    "memory.manifest": reads.memory_manifest,
    "witness.stream": reads.witness_recent,
}
WATCHED: dict[str, tuple[str, Kind]] = {
    "agents.list": ("agents", AGENT),
    "agents.get": ("agents", AGENT),
    "pheromones.sense": ("pheromones", PHEROMONE),
    "proposals.list": ("proposals", PROPOSAL),
    "proposals.get": ("proposals", PROPOSAL),
    "witness.stream": ("witness", AGENT),
}


class NotHere(KgentsError):
    """Cortex knows the path and has no such operation: the next layer may."""


def resolve(path: str, arguments: bytes, namespace: str) -> tuple[Entry, Call]:
    """Raises UsageError or NotFound for what has no meaning."""
    try:
        given = json.loads(arguments or b"{}")
    except (ValueError, RecursionError) as error:
        raise UsageError("the arguments are not JSON", why=str(error)) from error
    if not isinstance(given, dict):
        raise UsageError("the arguments are not a JSON object")
    found = paths.resolve(path)
    return found.entry, Call(found.bindings, found.entry.parse(given), namespace)


async def invoke(world: World, path: str, arguments: bytes, namespace: str) -> Answer:
    """Do it."""
    entry, call = resolve(path, arguments, namespace)
    with observed("invoke", entry.id, namespace=namespace):
        if world.visitor is not None:
            call = replace(call, scope=await world.visitor.scope(entry.id, call))
        answer = await _carry_out(world, entry, call)
        return replace(answer, frozen=brakes.notice(_brakes(world, call)))


async def _carry_out(world: World, entry: Entry, call: Call) -> Answer:
    if entry.id in table.IDS:
        return await writes.carry_out(entry.id, world, call)
    if entry.id == "cluster.stream":
        raise UsageError("this has no end, so that it can only be watched", fix="Open it with kgents terrarium")
    operation = OPERATIONS.get(entry.id)
    if operation is None:
        raise NotHere("Cortex cannot do this yet", why=entry.description)
    return await operation(world, call)


async def watch(world: World, path: str, arguments: bytes, namespace: str) -> AsyncGenerator[Event, None]:
    """What is there now, SYNCED, then every change.

    Ends with RESYNC when the reader was too slow, or may see more or less than when it began.
    """
    entry, call = resolve(path, arguments, namespace)
    visitor = world.visitor
    if visitor is None:
        events = _watch(world, entry, call)
    else:
        call = replace(call, scope=await visitor.scope(entry.id, call, watching=True))
        events = visitor.while_so(entry.id, call, _watch(world, entry, call))
    async with contextlib.aclosing(events):
        async for event in events:
            yield event


async def _watch(world: World, entry: Entry, call: Call) -> AsyncGenerator[Event, None]:
    if entry.id == "agents.witness":
        async for line in logs.follow(world, call):
            yield Event("ADDED", "logs", line)
        return
    if entry.id == "cluster.stream":
        async with contextlib.aclosing(stream.whole(world, call)) as events:
            async for event in events:
                yield event
        return
    if entry.id not in WATCHED:
        raise NotHere(f"this cannot be watched: {entry.description}")
    resource, kind = WATCHED[entry.id]
    world.mirror.require(kind)
    with world.mirror.hub.subscribe(_wanted(world, resource, call)) as reader:
        initial = await OPERATIONS[entry.id](world, call)
        yield Event("BRAKES", "brakes", json.dumps(_brakes(world, call)).encode())
        for item in list(initial.items):
            yield Event("ADDED", resource, item)
        yield Event("SYNCED", resource)
        try:
            while True:
                change = await _next(reader)
                if change is None:
                    world.mirror.require(kind)  # silence because nothing happens, or because nobody would know?
                elif change.resource == "brakes":
                    yield Event("BRAKES", "brakes", change.row)
                else:
                    yield Event(change.type, resource, _shown(world, entry.id, call, change))
        except Overrun:
            yield Event("RESYNC", resource)


async def _next(reader: Subscription) -> Change | None:
    """The next change; None when there was none for a while."""
    try:
        async with asyncio.timeout(QUIET):
            return await reader.next()
    except TimeoutError:
        return None


def _brakes(world: World, call: Call) -> dict[str, Any]:
    """Whether the hive is frozen; who may not know that sees no freeze."""
    return world.mirror.brakes if call.scope.brakes else brakes.state({})


def _shown(world: World, id: str, call: Call, change: Change) -> bytes:
    """The row of a change; of one agent that is watched, all there is to know."""
    key = (change.namespace, change.name)
    if id == "agents.get" and change.type != "DELETED" and key in world.mirror.informers["agents"].store:
        return reads.agent_detail(world, key, call.scope)
    return change.row


def _wanted(world: World, resource: str, call: Call) -> Callable[[Change], bool]:
    name = call.names.get("agent") or call.names.get("proposal")
    signals = reads.wanted_signals(world, call) if resource == "pheromones" else None
    scope = call.scope

    def wanted(change: Change) -> bool:
        if change.resource == "brakes":
            return bool(scope.brakes)
        if change.resource != resource or (call.namespace and change.namespace != call.namespace):
            return False
        if not is_seen(change, scope):
            return False
        if name is not None and change.name != name:
            return False
        if signals is None or signals == Wish():
            return True
        row = json.loads(change.row)
        return signals.takes(row) and (change.type == "DELETED" or row["intensity"] >= signals.least)

    return wanted
