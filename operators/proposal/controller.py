"""Looks at a proposal whenever it, its target or the time may have something new to say."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType

from kgents.api import adopting
from kgents.api.kinds import AGENT, GROUP, HIVE_NAMESPACE
from kgents.kube.client import KubeClient
from kgents.kube.informer import key_of
from kgents.kube.queue import Controller
from operators.events import Recorder
from operators.proposal.books import Books
from operators.proposal.journal import Journal
from operators.proposal.machine import Machine
from operators.proposal.reviewers import Reviewer
from operators.proposal.shelf import DONE, Object, Shelf, phase_of
from operators.proposal.targets import Targets
from operators.world import Key, World

MERGER = f"system:serviceaccount:{HIVE_NAMESPACE}:kgents-merger"
"""As whom changes are tried and made: what it may not do, no proposal can."""
WORKERS = 8


class Proposals:
    """The operator of proposals, as long as it is entered."""

    def __init__(self, world: World, reviewers: Sequence[Reviewer] = ()) -> None:
        self._world = world
        acting = dataclasses.replace(world.api.config, impersonate=MERGER)
        self._merger = KubeClient(acting, user_agent="kgents-operators")
        self.shelf = Shelf(world.api)
        self._books = Books(world.api)
        journal = Journal(world.api, self.shelf, self._books, Recorder(world.api), world.clock)
        targets = Targets(self._merger)
        machine = Machine(world.api, targets, self.shelf, self._books, journal, world.clock, reviewers)
        self._queue: Controller[Key] = Controller("proposal", machine.reconcile, WORKERS)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Proposals:
        await self._stack.enter_async_context(self._merger)
        await self._stack.enter_async_context(self.shelf.informer)
        await self.shelf.informer.wait_synced()
        # Only now may anybody move: what is being sealed follows the head of the chain.
        await self._books.open(self.shelf.all())
        await self._stack.enter_async_context(self._queue)
        self.shelf.on_change(self._seen)
        for proposal in self.shelf.all():
            self._seen(key_of(proposal))
        self._world.on_agent.append(self._agent_seen)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _seen(self, key: Key) -> None:
        self._queue.enqueue(key)
        proposal = self.shelf.get(key)
        if proposal is not None:
            for other in self.shelf.siblings(proposal):
                self._look_again(other)

    def _agent_seen(self, key: Key) -> None:
        about = [*self.shelf.about((GROUP, AGENT.kind, *key))]
        agent = self._world.agents.get(key)
        if ref := adopting.ref_of(agent) if agent else None:
            group = adopting.KINDS[ref.kind].api_version.rpartition("/")[0]
            about += self.shelf.about((group, ref.kind, key[0], ref.name))
        for proposal in about:
            self._look_again(proposal)

    def _look_again(self, proposal: Object) -> None:
        """At one that has not ended: its target, or another that is about the same, has changed."""
        if phase_of(proposal) not in DONE - {"Merged"}:
            self._queue.enqueue(key_of(proposal))
