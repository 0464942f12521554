"""What T-gent refused, where people look: a count in the agent's status, and now and then an Event. Never a flood."""

from __future__ import annotations

import asyncio

from operators.events import Recorder
from operators.proposal.assess import agent_of
from operators.proposal.shelf import Object
from operators.tgent.verdicts import Refusal, describe
from operators.tgent.webhook import Judge
from operators.world import Key, World

TELL_AFTER = 5.0
"""Seconds after which a count that changed is shown: under a flood, one write of the status in that time."""
EVENT_EVERY = 60.0
"""Seconds between two Events for one rule and agent."""
REASON = "WriteRefused"


class Refusals:
    """Counts for `world`. One event loop."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world, self._recorder = world, recorder
        self._due: set[Key] = set()
        self._told: dict[tuple[Key, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def counting(self, judge: Judge) -> Judge:
        """`judge`, whose refusals are counted."""

        async def judged(user: str, obj: Object) -> Refusal | None:
            refusal = await judge(user, obj)
            agent = agent_of(user)
            if refusal is not None and agent is not None and agent in self._world.agents:
                self._count(agent, refusal)
            return refusal

        return judged

    def _count(self, agent: Key, refusal: Refusal) -> None:
        count, now = self._world.refuse(agent), self._world.clock()
        if agent not in self._due:
            self._due.add(agent)
            asyncio.get_running_loop().call_later(TELL_AFTER, self._tell, agent)
        if now - self._told.get((agent, refusal.rule), 0.0) >= EVENT_EVERY:
            self._told[(agent, refusal.rule)] = now
            message = f"{describe(refusal)} ({count} writes refused so far)"
            # The one who asked waits for his answer, not for the Event.
            task = asyncio.create_task(
                self._recorder.record(self._world.agents[agent], "Warning", REASON, message, now)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _tell(self, agent: Key) -> None:
        self._due.discard(agent)
        self._told = {key: at for key, at in self._told.items() if self._world.clock() - at < EVENT_EVERY}
        self._world.tell_agent(agent)
