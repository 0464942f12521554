"""Keeps the ghost on disk as the hive changes: each list at most once a second, a heartbeat while in sync.

Large lists are written less often, in proportion to what they cost. A file that could not be written is tried again
with the next heartbeat, and the heartbeat vouches only for those that were.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

import orjson

from cortex.answers import World
from cortex.hub import Change
from cortex.reads import agent_detail, cluster_status
from kgents.api import redact
from kgents.api.kinds import AGENT, CONFIG_MAP, PHEROMONE, POD, PROPOSAL, Kind
from kgents.api.pheromone import TYPES
from kgents.glass import ghost as ghosts
from kgents.glass.staleness import WINDOW_SECONDS

TICK = 1.0
HEARTBEAT = 10.0
COST_FACTOR = 20.0
"""A list that took a second to write is written again after so many, at the earliest."""
MOST_SIGNALS = 5000
AGENTS_A_TURN = 50
ENDED = {"Merged": "merged", "RolledBack": "merged"} | dict.fromkeys(
    ("Rejected", "Expired", "Superseded", "Failed"), "rejected"
)


@dataclass(slots=True)
class _Group:
    kind: Kind
    write: Callable[[float], dict[str, str | None]]
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
        world.mirror.informers["pods"].on_change(self._pod_changed)

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.to_thread(self._world.ghost.tidy, self._world.now())
        while True:
            await asyncio.sleep(TICK)
            await self.turn()

    async def turn(self) -> None:
        """Write what is due."""
        for group in self._groups.values():
            if group.dirty and time.monotonic() >= group.not_before and self._world.mirror.in_sync(group.kind):
                await self._write(group)
        if self._world.mirror.in_sync(AGENT):
            await self._write_details()
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
        began = time.monotonic()
        group.dirty = False
        written = await asyncio.to_thread(group.write, self._world.now())
        group.checksums = {entry: checksum for entry, checksum in written.items() if checksum}
        group.dirty = group.dirty or len(group.checksums) < len(written)
        cost = time.monotonic() - began
        failed = HEARTBEAT if len(group.checksums) < len(written) else 0.0
        group.not_before = time.monotonic() + max(TICK, COST_FACTOR * cost, failed)

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
                vouched |= group.checksums
        if not vouched:
            return
        self._beat = time.monotonic()
        self._changes = [at for at in self._changes if at > self._beat - WINDOW_SECONDS]
        whole = not self._details and mirror.in_sync(AGENT, POD)
        await asyncio.to_thread(self._world.ghost.write_stability, len(self._changes), now)
        await asyncio.to_thread(self._world.ghost.heartbeat, now, vouched, agents=whole)

    def _agents(self, now: float) -> dict[str, str | None]:
        rows = self._world.mirror.agents.rows(now)
        return {ghosts.AGENTS: self._world.ghost.write(ghosts.AGENTS, rows, now=now, writer="cortex")}

    def _cluster(self, now: float) -> dict[str, str | None]:
        status = orjson.dumps(redact.redact(cluster_status(self._world, True, "")))
        return {ghosts.CLUSTER: self._world.ghost.write_one(ghosts.CLUSTER, status, now=now, writer="cortex")}

    def _brakes(self, now: float) -> dict[str, str | None]:
        row = orjson.dumps(redact.redact(self._world.mirror.brakes))
        return {ghosts.BRAKES: self._world.ghost.write_one(ghosts.BRAKES, row, now=now, writer="cortex")}

    def _signals(self, now: float) -> dict[str, str | None]:
        signals, ghost = self._world.mirror.signals, self._world.ghost
        rows = list(islice(signals.sense(now), MOST_SIGNALS))
        total = max(signals.ranking.count(now), len(rows))
        written = {ghosts.PHEROMONES: ghost.write(ghosts.PHEROMONES, rows, now=now, total=total, writer="cortex")}
        for kind in TYPES:
            entry = ghosts.type_entry(kind)
            only = list(islice(signals.sense(now, types=frozenset({kind})), MOST_SIGNALS))
            count = max(signals.ranking.count(now, types=frozenset({kind})), len(only))
            if only or (ghost.root / entry).exists():
                written[entry] = ghost.write(entry, only, now=now, total=count, writer="cortex")
        return written

    def _proposals(self, now: float) -> dict[str, str | None]:
        sorted_rows: dict[str, list[bytes]] = {name: [] for name in ghosts.PROPOSALS}
        for row in self._world.mirror.proposals.rows(now):
            sorted_rows[ENDED.get(orjson.loads(row)["phase"], "pending")].append(row)
        ghost = self._world.ghost
        return {
            ghosts.PROPOSALS[name]: ghost.write(ghosts.PROPOSALS[name], rows, now=now, writer="cortex")
            for name, rows in sorted_rows.items()
        }
