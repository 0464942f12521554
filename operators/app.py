"""Puts the operators together and runs them until they are told to stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack

from kgents.api.kinds import AGENT, PHEROMONE, Kind
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.queue import Controller
from operators import kopf_bridge
from operators.agent.reconcile import AgentReconciler
from operators.agent.sidecar import HERE, Program
from operators.events import Recorder
from operators.memory.controller import Memories
from operators.pheromone.evaporation import Evaporation
from operators.proposal.controller import Proposals
from operators.reactions.controller import Reactions
from operators.signals.controller import Signals
from operators.tgent import app as tgent
from operators.world import Key, World

log = logging.getLogger(__name__)

WORKERS = 8
AUDIT_AFTER = 1.0


async def run(
    config: ClusterConfig,
    stop: asyncio.Event,
    *,
    images_needed: bool = False,
    webhook: tuple[str, int] | None = None,
    memory: Program | None = HERE,
    at_work: Callable[[], None] = lambda: None,
    may_act: Callable[[], bool] = lambda: True,
) -> None:
    """All operators against one API server, until `stop`. Raises when one of them fails for good.

    `images_needed`: agents' pods run on real nodes, so an agent without an image is refused with a condition.
    `webhook`: the host and port at which the API server reaches T-gent; without it only the policies guard.
    `memory`: how memory sidecars are run, None: not at all.
    `at_work` is called once all of them are. `may_act`: whether this process still leads, of those that take turns.
    """
    async with KubeClient(config, user_agent="kgents-operators") as api:
        world = World(api, images_needed=images_needed, memory=memory, may_act=may_act)
        world.watch_children()
        audits: Controller[Kind] = Controller("audit", lambda kind: audit(world, kind), 1)
        stop_kopf = threading.Event()
        kopf_task = asyncio.create_task(
            kopf_bridge.run(world, config, lambda kind: audits.enqueue(kind, AUDIT_AFTER), stop_kopf), name="kopf"
        )
        try:
            await _work(world, audits, kopf_task, stop, webhook, at_work)
        finally:
            stop_kopf.set()
            await asyncio.gather(kopf_task, return_exceptions=True)
    log.info("the operators have stopped")


async def _work(
    world: World,
    audits: Controller[Kind],
    kopf_task: asyncio.Task[None],
    stop: asyncio.Event,
    webhook: tuple[str, int] | None,
    at_work: Callable[[], None],
) -> None:
    evaporation = Evaporation(world)
    agents = Controller("agent", AgentReconciler(world, Recorder(world.api)).reconcile, WORKERS)
    signals, reactions = Signals(world, agents.enqueue), Reactions(world, agents.enqueue)
    memories = Memories(world, agents.enqueue)
    world.on_agent.append(agents.enqueue)
    async with AsyncExitStack() as stack:
        if world.adoptions is not None:
            stack.push_async_callback(world.adoptions.stop)
        for informer in world.informers.values():
            await stack.enter_async_context(informer)
        await _synced(world, kopf_task, stop)
        for controller in (agents, audits, signals, reactions, memories):
            await stack.enter_async_context(controller)
        proposals = await stack.enter_async_context(Proposals(world))
        if webhook is not None:
            await stack.enter_async_context(tgent.webhook(world, proposals.shelf, webhook))
        at_work()
        log.info("the operators are at work on %s", world.api.config.server)
        await _until_done(kopf_task, asyncio.create_task(evaporation.run(stop), name="evaporation"))


async def _synced(world: World, kopf_task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait until the mirror is whole: what is not known to be there would be made again."""
    stopped = asyncio.create_task(stop.wait())
    for informer in world.informers.values():
        waiting = asyncio.create_task(informer.synced.wait())
        await asyncio.wait([waiting, stopped, kopf_task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    stopped.cancel()


async def _until_done(kopf_task: asyncio.Task[None], own: asyncio.Task[None]) -> None:
    """Until the own task ends, as it does on `stop`; or kopf does, as it never should."""
    done, _ = await asyncio.wait([kopf_task, own], return_when=asyncio.FIRST_COMPLETED)
    if own not in done:
        own.cancel()
        await asyncio.gather(own, return_exceptions=True)
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
