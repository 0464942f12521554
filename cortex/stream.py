"""A whole hive in one watch: what is there and what happens, agents, signals, proposals, facts and words together.

A quiet hive and a daemon that hangs look alike from outside, so SYNCED comes again and again, with the age of what
Cortex knows. Who hears nothing for several beats may give up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable

import orjson

from cortex import reads
from cortex.answers import Call, Event, World
from cortex.hub import WORDS, Change, Overrun
from cortex.scope import WHOLE, Scope
from kgents.api.errors import Refused
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL, Kind
from kgents.api.operations import brakes

BEAT = 3.0
"""Seconds between two SYNCED, however much or little happens; each makes sure that the mirror still sees the hive."""
TOLD = frozenset({"agents", "pheromones", "proposals", "witness"})


async def whole(world: World, call: Call) -> AsyncGenerator[Event, None]:
    """What is there now, SYNCED, then every change. Ends with RESYNC when the reader was too slow.

    An item of SYNCED is {"ageSeconds"}. Raises Unreachable as soon as the mirror is blind.
    """
    loop, aloud = asyncio.get_running_loop(), bool(call.arguments.get("logs"))
    _age(world, call)
    with contextlib.ExitStack() as until:
        reader = until.enter_context(world.mirror.hub.subscribe(_wanted(call, aloud)))
        # Gathered in one go: what changes from here on waits in the reader's queue.
        initial = list(await _initial(world, call))
        for namespace in _heard(call) if aloud else ():
            until.enter_context(world.voices.heard(namespace))
        for event in initial:
            yield event
        beat = loop.time()
        while True:
            if loop.time() >= beat:
                beat = loop.time() + BEAT
                yield Event("SYNCED", "", orjson.dumps({"ageSeconds": round(_age(world, call), 3)}))
            try:
                async with asyncio.timeout_at(beat):
                    change = await reader.next()
            except TimeoutError:
                continue
            except Overrun:
                yield Event("RESYNC", "")
                return
            yield Event("BRAKES" if change.resource == "brakes" else change.type, change.resource, change.row)


def _age(world: World, call: Call) -> float:
    """Seconds since all that is told was in sync. Raises Unreachable."""
    return world.mirror.require(AGENT, *_allowed(world, call, PHEROMONE, PROPOSAL))


def _allowed(world: World, call: Call, *kinds: Kind) -> list[Kind]:
    """Those that the user may read: who may not see proposals sees the rest all the same."""
    seen = [kind for kind in kinds if call.scope.part(kind.plural)]
    return [kind for kind in seen if not isinstance(world.mirror.informers[kind.plural].last_error, Refused)]


def _heard(call: Call) -> Iterable[str]:
    """The namespaces whose agents' words are told; "" is all of them."""
    where = call.scope.logs
    if where.names is None:
        return (call.namespace,)
    return sorted(where.names)


async def _initial(world: World, call: Call) -> list[Event]:
    mirror, now, namespace, scope = world.mirror, world.now(), call.namespace, call.scope
    found = [Event("BRAKES", "brakes", orjson.dumps(mirror.brakes if scope.brakes else brakes.state({})))]
    found += (Event("ADDED", "agents", row) for row in mirror.agents.rows(now, namespace, scope.agents))
    signals = mirror.signals.sense(now, namespace=namespace, where=scope.pheromones)
    found += (Event("ADDED", "pheromones", row) for row in signals)
    found += (Event("ADDED", "proposals", row) for row in mirror.proposals.rows(now, namespace, scope.proposals))
    found += (Event("ADDED", "witness", row) for row in (await reads.witness_recent(world, call)).items)
    found += (Event("ADDED", "activity", row) for row in mirror.history.rows(namespace, scope.agents))
    told = call.arguments.get("logs") and "" in scope.logs
    skipped = world.voices.skipped() if told else None
    return [*found, Event("ADDED", WORDS, skipped)] if skipped else found


def is_seen(change: Change, scope: Scope) -> bool:
    """Whether `scope` shows what a change is about."""
    if change.resource == "witness":
        return scope == WHOLE or reads.is_seen(orjson.loads(change.row), scope)
    return change.namespace in scope.part(change.resource)


def _wanted(call: Call, aloud: bool) -> Callable[[Change], bool]:
    namespace, scope = call.namespace, call.scope
    resources = TOLD | {WORDS} if aloud else TOLD

    def wanted(change: Change) -> bool:
        if change.resource == "brakes":
            return bool(scope.brakes)
        # What has no namespace, such as a word about all agents, is for all who may see it, whichever they look at.
        here = change.resource in resources and (not namespace or change.namespace in ("", namespace))
        return here and is_seen(change, scope)

    return wanted
