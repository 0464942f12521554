"""Keeps the ghost on disk as the hive changes: each list at most once a second, a heartbeat while in sync.

Large lists are written less often, in proportion to what they cost. A file that could not be written is tried again
with the next heartbeat, and the heartbeat vouches only for those that were.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import orjson

from cortex.answers import World
from cortex.hub import Change
from cortex.reads import agent_detail, cluster_status
from kgents.api import redact
from kgents.api.kinds import AGENT, CONFIG_MAP, PHEROMONE, POD, PROPOSAL, Kind
from kgents.api.pheromone import TYPES
from kgents.glass import ghost as ghosts
from kgents.glass.staleness import WINDOW_SECONDS
from kgents.kube.informer import key_of

TICK = 1.0
HEARTBEAT = 10.0
COST_FACTOR = 20.0
"""A list that took a second to write is written again after so many, at the earliest."""
LONGEST_PAUSE = 20.0
"""Whatever it took: who was stopped amid a write must not be silent for long, and signals count as fresh for 30 s."""
MOST_SIGNALS = 5000
AGENTS_A_TURN = 50
ENDED = {"Merged": "merged", "RolledBack": "merged"} | dict.fromkeys(
    ("Rejected", "Expired", "Superseded", "Failed"), "rejected"
)
_BY_TYPE = [(ghosts.type_entry(type), frozenset({type})) for type in TYPES]


class _List(NamedTuple):
    """What one file is to hold. `optional`: an empty one is written only over what is there."""

    entry: str
    rows: list[bytes]
    total: int | None = None
    optional: bool = False


@dataclass(slots=True)
class _Group:
    """Files about one kind. `lists(now)` reads the mirror, so it runs where the mirror changes; the disk may wait."""

    kind: Kind
    lists: Callable[[float], Iterator[_List]]
    dirty: bool = True
    not_before: float = 0.0
    checksums: dict[str, str] = field(default_factory=dict)


class Ghostwriter:
    """Writes one hive's ghost from its mirror. Nothing of the disk ever stops it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._groups = {
            "agents": _Group(AGENT, self._agents),
            "pheromones": _Group(PHEROMONE, self._signals),
            "proposals": _Group(PROPOSAL, self._proposals),
            "cluster": _Group(AGENT, self._cluster),
            "brakes": _Group(CONFIG_MAP, self._brakes),
        }
        self._details: set[tuple[str, str]] = set()
        self._gone: set[tuple[str, str]] = set()
        self._changes: list[float] = []
        self._beat = 0.0
        world.mirror.hub.listeners.append(self._changed)
        # Of every change, also of what no row shows: its own file has the whole spec, the umwelt as well.
        world.mirror.informers["agents"].on_change(lambda _event, agent: self._details.add(key_of(agent)))
        world.mirror.informers["pods"].on_change(self._pod_changed)

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.to_thread(self._world.ghost.tidy, self._world.now())
        while True:
            await asyncio.sleep(TICK)
            await self.turn()

    async def turn(self) -> None:
        """Write what is due. The agents first: their umwelts say who senses the signals."""
        if self._world.mirror.in_sync(AGENT):
            await self._write_details()
        for group in self._groups.values():
            if group.dirty and time.monotonic() >= group.not_before and self._world.mirror.in_sync(group.kind):
                await self._write(group)
        if time.monotonic() - self._beat >= HEARTBEAT:
            await self._heartbeat()
        await asyncio.to_thread(self._world.journal.flush)

    def _changed(self, change: Change) -> None:
        group = self._groups.get(change.resource)
        if group is None:
            return
        group.dirty = True
        if change.resource == "brakes":
            self._groups["cluster"].dirty = True
        elif change.resource == "agents":
            self._groups["cluster"].dirty = True
            key = (change.namespace, change.name)
            (self._gone if change.type == "DELETED" else self._details).add(key)
        if change.resource != "pheromones":
            self._changes.append(time.monotonic())

    def _pod_changed(self, event: str, pod: dict[str, object]) -> None:
        metadata = pod["metadata"]
        if isinstance(metadata, dict):
            agent = (metadata.get("labels") or {}).get("kgents.io/agent", "")
            if (metadata.get("namespace", ""), agent) in self._world.mirror.informers["agents"].store:
                self._details.add((metadata["namespace"], agent))

    async def _write(self, group: _Group) -> None:
        began, now = time.monotonic(), self._world.now()
        group.dirty = False
        written = {one.entry: await asyncio.to_thread(self._put, one, now) for one in group.lists(now)}
        group.checksums = {entry: checksum for entry, checksum in written.items() if checksum}
        failed = None in written.values()
        group.dirty = group.dirty or failed
        cost = time.monotonic() - began
        group.not_before = time.monotonic() + max(
            TICK, min(COST_FACTOR * cost, LONGEST_PAUSE), HEARTBEAT if failed else 0.0
        )

    def _put(self, one: _List, now: float) -> str | None:
        """The checksum of the file: "" when none is needed, None when it could not be written."""
        ghost = self._world.ghost
        if one.optional and not one.rows and not (ghost.root / one.entry).exists():
            return ""
        return ghost.write(one.entry, one.rows, now=now, total=one.total, writer="cortex")

    def _is_ours(self, group: _Group) -> bool:
        return all(self._world.ghost.holds(entry, checksum) for entry, checksum in group.checksums.items())

    async def _write_details(self) -> None:
        """Some of the agents' own files a turn, so that many of them do not keep the disk busy."""
        mirror, ghost = self._world.mirror, self._world.ghost
        now = self._world.now()
        for key in list(self._gone):
            self._gone.discard(key)
            if key not in mirror.informers["agents"].store:
                await asyncio.to_thread(ghost.remove, ghosts.agent_entry(*key))
        for key in list(islice(self._details, AGENTS_A_TURN)):
            self._details.discard(key)
            if key in mirror.informers["agents"].store:
                detail = agent_detail(self._world, key)
                entry = ghosts.agent_entry(*key)
                await asyncio.to_thread(ghost.write_one, entry, detail, now=now, writer="cortex")

    async def _heartbeat(self) -> None:
        mirror, now = self._world.mirror, self._world.now()
        vouched: dict[str, str] = {}
        for group in self._groups.values():
            if not group.dirty and mirror.in_sync(group.kind):
                if await asyncio.to_thread(self._is_ours, group):
                    vouched |= group.checksums
                else:
                    group.dirty = True  # who found nobody here has written what it knew
        if not vouched:
            return
        self._beat = time.monotonic()
        self._changes = [at for at in self._changes if at > self._beat - WINDOW_SECONDS]
        whole = not self._details and mirror.in_sync(AGENT, POD)
        await asyncio.to_thread(self._world.ghost.write_stability, len(self._changes), now)
        await asyncio.to_thread(self._world.ghost.heartbeat, now, vouched, agents=whole)

    def _agents(self, now: float) -> Iterator[_List]:
        yield _List(ghosts.AGENTS, self._world.mirror.agents.rows(now))

    def _cluster(self, now: float) -> Iterator[_List]:
        yield _List(ghosts.CLUSTER, [orjson.dumps(redact.redact(cluster_status(self._world, True, "")))])

    def _brakes(self, now: float) -> Iterator[_List]:
        yield _List(ghosts.BRAKES, [orjson.dumps(redact.redact(self._world.mirror.brakes))])

    def _signals(self, now: float) -> Iterator[_List]:
        signals = self._world.mirror.signals
        for entry, types in [(ghosts.PHEROMONES, frozenset[str]()), *_BY_TYPE]:
            rows = list(islice(signals.sense(now, types=types), MOST_SIGNALS))
            total = max(signals.ranking.count(now, types=types), len(rows))
            yield _List(entry, rows, total, optional=bool(types))

    def _proposals(self, now: float) -> Iterator[_List]:
        sorted_rows: dict[str, list[bytes]] = {name: [] for name in ghosts.PROPOSALS}
        for row in self._world.mirror.proposals.rows(now):
            sorted_rows[ENDED.get(orjson.loads(row)["phase"], "pending")].append(row)
        for name, rows in sorted_rows.items():
            yield _List(ghosts.PROPOSALS[name], rows)
