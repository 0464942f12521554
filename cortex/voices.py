"""The agents' own words, all together, for who watches a whole hive: followed while somebody does, and shared by all.

A hive may have ten thousand agents, and one of them may write without end. So the busiest are followed and no more,
from now on; who writes faster than anybody reads is heard in part; nothing is kept. Lines go out over the mirror's
hub as changes of the resource `logs`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from cortex.hub import WORDS, Change
from cortex.mirror import Mirror
from kgents.api import redact, times
from kgents.api.errors import KgentsError
from kgents.kube.client import KubeClient

AGENTS = 64
STREAMS = 128
"""Containers that are read at once, of all of them together."""
CONTAINERS = 4
"""Containers that are read of one agent, those of its newest pods."""
LOOK = 2.0
"""Seconds between looks for agents that came, containers that started again, and who is busy."""
TAIL = 5
OPENING = 50
"""Lines that are read back of a container that started while its agent was followed."""
FAVOUR = 0.1
"""How much busier another must be than one that is followed, to take its place."""
LINE_MAX = 2000
"""Characters of one line; the rest of it is left out."""
AGAIN = 10.0
"""Seconds after which a log that could not be read is tried again."""
REST = 2.0
"""Seconds for which one is not heard that writes too fast."""
TOO_FAST = "writes faster than can be shown here: some lines are left out"
Key = tuple[str, str]
Object = Mapping[str, Any]


class Start(NamedTuple):
    """One start of one container."""

    namespace: str
    agent: str
    pod: str
    container: str
    id: str


class Bucket:
    """So many lines at once, and so many a second."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._left, self._at = size, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Voices:
    """Follows the logs of a hive's agents for as long as anybody listens."""

    def __init__(self, api: KubeClient, mirror: Mirror) -> None:
        self._api, self._mirror = api, mirror
        self._asked: Counter[str] = Counter()
        self._reading: dict[Start, asyncio.Task[None]] = {}
        self._read: set[Start] = set()
        self._heard: dict[Start, float] = {}
        """When the last line was written that was published of each."""
        self._followed: set[Key] = set()
        self._all = Bucket(1000.0, 200.0)
        self._task: asyncio.Task[None] | None = None
        self._skipped = 0

    @contextlib.contextmanager
    def heard(self, namespace: str) -> Iterator[None]:
        """While this lasts, the lines of the agents of `namespace` ("" for all) are published."""
        self._asked[namespace] += 1
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="voices")
        try:
            yield
        finally:
            self._asked[namespace] -= 1
            self._asked += Counter()  # forgets the namespaces that nobody asks for any more
            if not self._asked:
                self._task.cancel()
                self._task = None

    def skipped(self) -> bytes | None:
        """The row that says how many agents are not followed, if there are any."""
        return _skipped_row(self._skipped) if self._skipped else None

    async def _follow(self) -> None:
        try:
            while True:
                self._look()
                await asyncio.sleep(LOOK)
        finally:
            for task in self._reading.values():
                task.cancel()
            self._reading, self._read, self._heard = {}, set(), {}
            self._followed, self._skipped = set(), 0

    def _look(self) -> None:
        """Begin with those who are to be heard now, and leave the others."""
        found = _speakers(self._mirror.bodies.all(), self._asked)
        chosen = self._choose(found)
        wanted = {start: agent for agent in chosen for start in found[agent]}
        for start in [start for start in self._reading if start not in wanted]:
            self._reading.pop(start).cancel()
        self._read &= wanted.keys()
        self._heard = {start: at for start, at in self._heard.items() if start in wanted}
        for start, agent in wanted.items():
            if start not in self._reading and start not in self._read:
                tail = OPENING if agent in self._followed else TAIL
                self._reading[start] = asyncio.create_task(self._hear(start, tail), name="voice")
        self._followed = set(chosen)
        if len(found) - len(chosen) != self._skipped:
            self._skipped = len(found) - len(chosen)
            self._mirror.hub.publish(Change("ADDED", WORDS, "", "", _skipped_row(self._skipped)))

    def _choose(self, found: Mapping[Key, list[Start]]) -> list[Key]:
        """The busiest, as many as may be followed; whoever is followed already comes first among equals."""
        ranked = sorted(found, key=lambda key: -self._mirror.busy(*key) - FAVOUR * (key in self._followed))
        chosen, streams = [], 0
        for key in ranked[:AGENTS]:
            streams += len(found[key])
            if streams > STREAMS:
                break
            chosen.append(key)
        return chosen

    async def _hear(self, start: Start, tail: int) -> None:
        """Publish what one container writes, until it ends."""
        own = Bucket(100.0, 20.0)
        try:
            while not await self._lines(start, tail, own):
                self._say(start, TOO_FAST, self._mirror.now(), note=True)
                await asyncio.sleep(REST)
                tail = TAIL
            self._read.add(start)
        except KgentsError:
            await asyncio.sleep(AGAIN)  # it has not started, is gone, or its node is away: the next look tells
        finally:
            if self._reading.get(start) is asyncio.current_task():
                del self._reading[start]

    async def _lines(self, start: Start, tail: int, own: Bucket) -> bool:
        """Read on. Whether the log ended: else it is too much to hear."""
        after = self._heard.get(start, 0.0)
        lines = self._api.logs(
            start.pod, start.namespace, container=start.container, follow=True, tail_lines=tail, timestamps=True
        )
        async with contextlib.aclosing(lines):
            async for line in lines:
                stamp, _, text = line.partition(" ")
                at = times.parse(stamp)
                if at is not None and at <= after:
                    continue
                if not (own.take() and self._all.take()):
                    return False
                if at is not None:
                    self._heard[start] = at
                self._say(start, line if at is None else text, self._mirror.now() if at is None else at)
        return True

    def _say(self, start: Start, text: str, at: float, *, note: bool = False) -> None:
        row: dict[str, Any] = {
            "namespace": start.namespace,
            "agent": start.agent,
            "pod": start.pod,
            "container": start.container,
            "line": redact.redact_text(text[:LINE_MAX]),
            "at": times.to_micro_text(at),
        }
        if note:
            row["note"] = True
        self._mirror.hub.publish(Change("ADDED", WORDS, start.namespace, start.agent, orjson.dumps(row)))


def _speakers(pods: Iterable[tuple[Key, Object]], asked: Mapping[str, int]) -> dict[Key, list[Start]]:
    """The containers that have started and may still write, by agent, those of the newest pods first."""
    found: dict[Key, list[tuple[str, Start]]] = {}
    for (namespace, agent), pod in pods:
        metadata, status = pod["metadata"], pod.get("status") or {}
        if not agent or status.get("phase") in ("Succeeded", "Failed") or not ("" in asked or namespace in asked):
            continue
        for one in status.get("containerStatuses") or ():
            if one.get("containerID"):
                start = Start(namespace, agent, metadata["name"], str(one.get("name")), one["containerID"])
                found.setdefault((namespace, agent), []).append((str(status.get("startTime") or ""), start))
    return {
        key: [start for _, start in sorted(starts, key=lambda pair: pair[0], reverse=True)[:CONTAINERS]]
        for key, starts in found.items()
    }


def _skipped_row(count: int) -> bytes:
    text = f"the logs of {count} more agents are not followed" if count else "the logs of all agents are followed"
    return orjson.dumps({"namespace": "", "agent": "", "line": text, "skipped": count})
