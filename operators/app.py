"""Puts the operators together and runs them until they are told to stop."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

from kgents.api.kinds import AGENT, PHEROMONE, Kind
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.queue import Controller
from operators import kopf_bridge
from operators.agent.reconcile import AgentReconciler
from operators.events import Recorder
from operators.pheromone.evaporation import Evaporation
from operators.reactions.controller import Reactions
from operators.signals.controller import Signals
from operators.world import Key, World

log = logging.getLogger(__name__)

WORKERS = 8
AUDIT_AFTER = 1.0


async def run(config: ClusterConfig, stop: asyncio.Event) -> None:
    """All operators against one API server, until `stop`. Raises when one of them fails for good."""
    async with KubeClient(config, user_agent="kgents-operators") as api, AsyncExitStack() as stack:
        world = World(api)
        world.watch_children()
        evaporation, agents = (
            Evaporation(world),
            Controller("agent", AgentReconciler(world, Recorder(api)).reconcile, WORKERS),
        )
        signals, reactions = Signals(world, agents.enqueue), Reactions(world, agents.enqueue)
        audits: Controller[Kind] = Controller("audit", lambda kind: audit(world, kind), 1)
        world.on_agent.append(agents.enqueue)
        for informer in world.informers.values():
            await stack.enter_async_context(informer)
        ready = asyncio.Event()
        kopf_task = asyncio.create_task(
            kopf_bridge.run(world, config, lambda kind: audits.enqueue(kind, AUDIT_AFTER), stop, ready), name="kopf"
        )
        try:
            await _synced(world, kopf_task)
            for controller in (agents, audits, signals, reactions):
                await stack.enter_async_context(controller)
            log.info("the operators are at work on %s", config.server)
            await _until_done(kopf_task, asyncio.create_task(evaporation.run(stop), name="evaporation"))
        finally:
            stop.set()
            await asyncio.gather(kopf_task, return_exceptions=True)


async def _synced(world: World, kopf_task: asyncio.Task[None]) -> None:
    """Wait until the mirror is whole: what is not known to be there would be made again."""
    for informer in world.informers.values():
        waiting = asyncio.create_task(informer.synced.wait())
        await asyncio.wait([waiting, kopf_task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()


async def _until_done(*tasks: asyncio.Task[None]) -> None:
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def audit(world: World, kind: Kind) -> None:
    """Drop from the mirror what the API server no longer has. Raises KgentsError when it cannot be asked."""
    before: list[tuple[Key, str]] = []
    if kind is AGENT:
        before = [(key, agent["metadata"]["uid"]) for key, agent in world.agents.items()]
    elif kind is PHEROMONE:
        before = [((space, name), trace.uid) for space, all in world.traces.items() for name, trace in all.items()]
    listed = await world.api.list(kind)
    there = {item["metadata"]["uid"] for item in listed["items"]}
    drop = world.drop_agent if kind is AGENT else world.drop_pheromone
    for key, uid in before:
        if uid not in there:
            drop(key, uid)
