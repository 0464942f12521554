"""A whole hive in one watch: what is there and what happens, agents, signals, proposals, facts and words together.

A quiet hive and a daemon that hangs look alike from outside, so SYNCED comes again and again, with the age of what
Cortex knows. Who hears nothing for several beats may give up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

import orjson

from cortex import reads
from cortex.answers import Call, Event, World
from cortex.hub import WORDS, Change, Overrun
from kgents.api.errors import Refused
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL, Kind

BEAT = 3.0
"""Seconds between two SYNCED, however much or little happens; each makes sure that the mirror still sees the hive."""
TOLD = frozenset({"agents", "pheromones", "proposals", "witness"})


async def whole(world: World, call: Call) -> AsyncGenerator[Event, None]:
    """What is there now, SYNCED, then every change. Ends with RESYNC when the reader was too slow.

    An item of SYNCED is {"ageSeconds"}. Raises Unreachable as soon as the mirror is blind.
    """
    loop, aloud = asyncio.get_running_loop(), bool(call.arguments.get("logs"))
    _age(world)
    with contextlib.ExitStack() as until:
        reader = until.enter_context(world.mirror.hub.subscribe(_wanted(call.namespace, aloud)))
        # Gathered in one go: what changes from here on waits in the reader's queue.
        initial = list(await _initial(world, call))
        if aloud:
            until.enter_context(world.voices.heard(call.namespace))
        for event in initial:
            yield event
        beat = loop.time()
        while True:
            if loop.time() >= beat:
                beat = loop.time() + BEAT
                yield Event("SYNCED", "", orjson.dumps({"ageSeconds": round(_age(world), 3)}))
            try:
                async with asyncio.timeout_at(beat):
                    change = await reader.next()
            except TimeoutError:
                continue
            except Overrun:
                yield Event("RESYNC", "")
                return
            yield Event("BRAKES" if change.resource == "brakes" else change.type, change.resource, change.row)


def _age(world: World) -> float:
    """Seconds since all that is told was in sync. Raises Unreachable."""
    return world.mirror.require(AGENT, *_allowed(world, PHEROMONE, PROPOSAL))


def _allowed(world: World, *kinds: Kind) -> list[Kind]:
    """Those that the user may read: who may not see proposals sees the rest all the same."""
    return [kind for kind in kinds if not isinstance(world.mirror.informers[kind.plural].last_error, Refused)]


async def _initial(world: World, call: Call) -> list[Event]:
    mirror, now, namespace = world.mirror, world.now(), call.namespace
    found = [Event("BRAKES", "brakes", orjson.dumps(mirror.brakes))]
    found += (Event("ADDED", "agents", row) for row in mirror.agents.rows(now, namespace))
    found += (Event("ADDED", "pheromones", row) for row in mirror.signals.sense(now, namespace=namespace))
    found += (Event("ADDED", "proposals", row) for row in mirror.proposals.rows(now, namespace))
    found += (Event("ADDED", "witness", row) for row in (await reads.witness_recent(world, call)).items)
    found += (Event("ADDED", "activity", row) for row in mirror.history.rows(namespace))
    skipped = world.voices.skipped() if call.arguments.get("logs") else None
    return [*found, Event("ADDED", WORDS, skipped)] if skipped else found


def _wanted(namespace: str, aloud: bool) -> Callable[[Change], bool]:
    resources = TOLD | {WORDS} if aloud else TOLD

    def wanted(change: Change) -> bool:
        if change.resource == "brakes":
            return True
        # What has no namespace, such as a freeze or a word about all agents, is for everybody.
        return change.resource in resources and (not namespace or change.namespace in ("", namespace))

    return wanted
