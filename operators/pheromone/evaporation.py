"""Deletes each pheromone when it has evaporated: one heap of moments, one timer, no write before.

Nothing is kept across a restart, for the moment follows from the object itself; what evaporated meanwhile is deleted
first thing. A claim that has lapsed is cleared so that another may have the work.
"""

from __future__ import annotations

import asyncio
import functools
import heapq
import logging
from collections.abc import Awaitable, Callable

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.kinds import PHEROMONE
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict, ObjectNotFound
from operators.world import Clock, Key, Trace, World

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Deletions under way at the same time."""
RETRY = 1.0
LONGEST_NAP = 3600.0
"""Clocks are set: no timer is trusted for longer."""


class Agenda:
    """Moments, each with a pheromone. One that has changed or gone leaves its old moment behind: it is skipped."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Key, str]] = []
        self._moments: dict[Key, tuple[float, str]] = {}

    def __len__(self) -> int:
        return len(self._moments)

    def put(self, key: Key, moment: float, uid: str) -> None:
        if self._moments.get(key) != (moment, uid):
            self._moments[key] = (moment, uid)
            heapq.heappush(self._heap, (moment, key, uid))

    def drop(self, key: Key) -> None:
        self._moments.pop(key, None)

    def next(self) -> float | None:
        """The next moment."""
        while self._heap and self._moments.get(self._heap[0][1]) != (self._heap[0][0], self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float, limit: int) -> list[tuple[Key, str]]:
        """At most `limit` whose moment has come. They are taken off."""
        found: list[tuple[Key, str]] = []
        while len(found) < limit and (moment := self.next()) is not None and moment <= now:
            _, key, uid = heapq.heappop(self._heap)
            del self._moments[key]
            found.append((key, uid))
        return found


def next_moment(trace: Trace) -> float:
    """When something is to be done: its evaporation (at once when its work is done), before that the end of a claim."""
    if trace.done:
        return 0.0
    if trace.claimed_until is None:
        return trace.decay.evaporates
    return min(trace.decay.evaporates, trace.claimed_until)


class Evaporation:
    """Listens to the world and deletes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clock: Clock = world.clock
        self._agenda = Agenda()
        self._changed = asyncio.Event()
        world.on_trace.append(self._seen)

    def _seen(self, key: Key, trace: Trace | None) -> None:
        if trace is None:
            self._agenda.drop(key)
            return
        first = self._agenda.next()
        moment = next_moment(trace)
        self._agenda.put(key, moment, trace.uid)
        if first is None or moment < first:
            self._changed.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._changed.clear()
                due = self._agenda.due(self._clock(), AT_ONCE)
                if due:
                    await asyncio.gather(*(self._settle(key, uid) for key, uid in due))
                    continue
                moment = self._agenda.next()
                nap = LONGEST_NAP if moment is None else min(max(0.0, moment - self._clock()), LONGEST_NAP)
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({stopped, changed}, timeout=nap, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            stopped.cancel()

    async def _settle(self, key: Key, uid: str) -> None:
        trace = self._world.traces.get(key[0], {}).get(key[1])
        if trace is None or trace.uid != uid:
            return
        work: Callable[[KubeClient, Key, str], Awaitable[None]] = functools.partial(release, now=self._clock())
        if trace.done or trace.decay.evaporates <= self._clock():
            work = evaporate
        try:
            await work(self._world.api, key, uid)
        except Conflict:
            log.debug("%s/%s is another one by now", *key)
        except KgentsError as error:
            log.warning("%s/%s could not be settled, again in %.0f s: %s", *key, RETRY, error)
            self._agenda.put(key, self._clock() + RETRY, uid)
            return
        if work is evaporate:
            self._world.drop_pheromone(key, uid)
        elif trace.decay.evaporates > self._clock():
            self._agenda.put(key, trace.decay.evaporates, uid)


async def evaporate(api: KubeClient, key: Key, uid: str) -> None:
    """Delete that very one. Raises Conflict when its name belongs to another by now."""
    await api.delete(PHEROMONE, key[1], key[0], uid=uid, missing_ok=True)


async def release(api: KubeClient, key: Key, uid: str, now: float) -> None:
    """End a claim whose time is over. Raises Conflict when somebody renewed it meanwhile."""
    try:
        live = await api.get(PHEROMONE, key[1], key[0])
    except ObjectNotFound:
        return
    status = dict(live.get("status") or {})
    until = times.parse(status.get("claimedUntil"))
    if live["metadata"]["uid"] != uid or until is None:
        return
    if until > now:
        raise Conflict(409, "Conflict", f"{key[1]} was renewed")  # Its coming is an event, with another moment.
    for field in ("claimedBy", "claimedAt", "claimedUntil"):
        status.pop(field, None)
    await api.replace(PHEROMONE, {**live, "status": status}, key[0], subresource="status")
