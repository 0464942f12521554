"""The hive in memory: the five kinds, the pods behind agents, their metrics, and what happened (Events).

Informers keep it; reads are answered from here. It tells its listeners every change that a row shows. Once its API
has been silent for longer than a heartbeat it refuses to answer, so that the next layer is asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from cortex.activity import activity
from cortex.bodies import Bodies
from cortex.history import History
from cortex.hub import Change, Hub
from cortex.loudness import Loudness
from cortex.tables import Key, Signals, Table
from kgents.api import pheromone, redact, rows
from kgents.api.errors import KgentsError, Unreachable
from kgents.api.kinds import (
    AGENT,
    AGENT_LABEL,
    CONFIG_MAP,
    EVENT,
    HIVE_NAMESPACE,
    KINDS,
    MEMORY,
    PHEROMONE,
    POD,
    POD_METRICS,
    PROPOSAL,
    UMWELT,
    Kind,
)
from kgents.api.operations import brakes
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError
from kgents.kube.informer import Informer, key_of

log = logging.getLogger(__name__)
Object = Mapping[str, Any]

SILENCE = 10.0
"""Seconds without a sign of life from the API after which the mirror no longer answers."""
METRICS_EVERY = 5.0
NOT_SERVED = 60.0
MINUTE = 60.0
VISIBLE_CHANGE = 0.05
"""An agent's activity that moves by less is no change worth telling."""


class Mirror:
    """What is known of one hive. `now` is the wall clock; rows are computed for it."""

    def __init__(self, api: KubeClient, now: Callable[[], float] = time.time) -> None:
        self.api = api
        self.now = now
        self.hub = Hub()
        self.agents = Table(rows.agent_row)
        self.proposals = Table(rows.proposal_row)
        self.memories = Table(rows.memory_row)
        self.umwelts = Table(rows.umwelt_row)
        self.signals = Signals()
        self.metrics: dict[Key, Object] = {}
        self.informers: dict[str, Informer] = {kind.plural: Informer(api, kind) for kind in KINDS}
        self.informers["pods"] = Informer(api, POD, label_selector=AGENT_LABEL)
        self.bodies = Bodies(api, self.informers["pods"])
        self.informers["events"] = Informer(api, EVENT)
        self.informers[CONFIG_MAP.plural] = Informer(
            api, CONFIG_MAP, HIVE_NAMESPACE, field_selector=f"metadata.name={brakes.FREEZE}"
        )
        self.brakes = brakes.state({})
        """Whether the hive is frozen, by whom and why, and who is paused; who may not read that sees no freeze."""
        self.history = History()
        self._activity: dict[Key, float | None] = {}
        self._spoken: dict[Key, deque[float]] = {}
        self._loudness = Loudness(api, now)
        self._tasks: list[asyncio.Task[None]] = []
        self._listen()

    async def start(self) -> None:
        for informer in self.informers.values():
            await informer.start()
        self._tasks.append(asyncio.create_task(self._measure(), name="metrics"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bodies.stop()
        for informer in self.informers.values():
            await informer.stop()

    def require(self, *kinds: Kind) -> float:
        """Seconds since these were last known in sync. Raises Unreachable when that is not known, or too long ago."""
        oldest = 0.0
        for kind in kinds:
            informer = self.informers[kind.plural]
            why = str(informer.last_error) if informer.last_error else "it is still being read"
            if not informer.synced.is_set() or informer.last_contact is None:
                raise Unreachable(f"Cortex does not know the {kind.plural} yet", why=why)
            silent = time.monotonic() - informer.last_contact
            if silent > SILENCE:
                raise Unreachable(f"Cortex has heard nothing of the {kind.plural} for {silent:.0f} s", why=why)
            oldest = max(oldest, silent if not informer.connected else 0.0)
        return oldest

    def in_sync(self, *kinds: Kind) -> bool:
        """Whether every one of these is connected and read."""
        informers = [self.informers[kind.plural] for kind in kinds]
        return all(informer.connected and informer.synced.is_set() for informer in informers)

    def pods_of(self, namespace: str, agent: str) -> list[Object]:
        return self.bodies.of((namespace, agent))

    def busy(self, namespace: str, agent: str) -> float:
        """How busy an agent was when that was last measured, 0 to 1; 0 for unknown."""
        return self._activity.get((namespace, agent)) or 0.0

    def _listen(self) -> None:
        for kind, table in ((PROPOSAL, self.proposals), (MEMORY, self.memories), (UMWELT, self.umwelts)):
            self.informers[kind.plural].on_change(self._keeper(kind, table))
        self.informers[AGENT.plural].on_change(self._agent)
        self.informers[PHEROMONE.plural].on_change(self._signal)
        self.informers[CONFIG_MAP.plural].on_change(self._brakes)

    def _brakes(self, event: str, obj: Object) -> None:
        before, self.brakes = self.brakes, brakes.state({} if event == "DELETED" else obj)
        if self.brakes != before:
            self._publish("MODIFIED", "brakes", key_of(dict(obj)), orjson.dumps(redact.redact(self.brakes)))

    def _keeper(self, kind: Kind, table: Table) -> Callable[[str, Any], None]:
        def keep(event: str, obj: Object) -> None:
            key = key_of(dict(obj))
            if event == "DELETED":
                self._publish(event, kind.plural, key, table.row(key, self.now()))
                table.remove(key)
            elif table.put(key, obj):
                self._publish(event, kind.plural, key, table.row(key, self.now()))

        return keep

    def _agent(self, event: str, obj: Any) -> None:
        key = key_of(obj)
        self.bodies.agent_changed(key, None if event == "DELETED" else obj)
        if event == "DELETED":
            self._publish(event, "agents", key, self.agents.row(key, self.now()))
            self.agents.remove(key)
            self._activity.pop(key, None)
            self.history.forget(key)
        elif self.agents.put(key, obj, self._tail(key)):
            self._publish(event, "agents", key, self.agents.row(key, self.now()))

    def _signal(self, event: str, obj: Any) -> None:
        key = key_of(obj)
        if event == "DELETED":
            self._publish(event, "pheromones", key, self.signals.row(key, self.now()))
            self.signals.remove(key)
            return
        self.signals.put(key, obj)
        if event == "ADDED":
            self._heard(obj)
        self._publish(event, "pheromones", key, self.signals.row(key, self.now()))

    def _heard(self, signal: Object) -> None:
        source = (signal.get("spec") or {}).get("source")
        if isinstance(source, str):
            times = self._spoken.setdefault((signal["metadata"].get("namespace") or "", source), deque(maxlen=120))
            times.append(pheromone.emitted_at(signal))

    def _publish(self, event: str, resource: str, key: Key, row: bytes | None) -> None:
        if row is not None:
            self.hub.publish(Change(event, resource, key[0], key[1], row))

    def _tail(self, key: Key) -> bytes:
        known = self._activity.get(key)
        return b',"activity":null' if known is None else b',"activity":%.2f' % known

    async def _measure(self) -> None:
        """Read the metrics for as long as this runs; while they are not served, look again now and then."""
        while True:
            pause = METRICS_EVERY
            try:
                listed = await self.api.list(POD_METRICS)  # not every server keeps the pods' labels on these
                ours = {key_of(dict(pod)): pod for _, pod in self.bodies.all()}
                self.metrics = {key: item for item in listed["items"] if (key := key_of(item)) in ours}
                await self._loudness.count({key: pod for key, pod in ours.items() if key in self.metrics})
            except ApiError as error:
                self.metrics = {}
                pause = NOT_SERVED if error.status == 404 and self.informers["agents"].synced.is_set() else pause
            except KgentsError:
                self.metrics = {}  # the informers tell of a lost server; what was measured then is no longer known
            self._weigh()
            await asyncio.sleep(pause)

    def _weigh(self) -> None:
        """Every agent's activity anew. Those that moved visibly are told."""
        now = self.now()
        pods: dict[Key, list[tuple[Object, Object | None]]] = {}
        for whose, pod in self.bodies.all():
            pods.setdefault(whose, []).append((pod, self.metrics.get(key_of(dict(pod)))))
        for key, agent in self.informers["agents"].store.items():
            spoken = sum(1 for at in self._spoken.get(key, ()) if at > now - MINUTE)
            own = pods.get(key, [])
            found = activity(own, spoken, self._loudness.lines([pod for pod, _ in own]))
            self.history.note(key, found)
            if _moved(self._activity.get(key), found):
                self._activity[key] = found
                if self.agents.put(key, agent, self._tail(key)):
                    self._publish("MODIFIED", "agents", key, self.agents.row(key, now))
        for key in [key for key, times in self._spoken.items() if not times or times[-1] < now - MINUTE]:
            del self._spoken[key]


def _moved(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) >= VISIBLE_CHANGE
