"""The course of a soak: rounds with kills, then rounds of one process, and the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import statistics
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.checks import findings
from benchmarks.soak.notes import Round, Seen, State
from benchmarks.soak.server import Server
from benchmarks.soak.watchers import Watcher, deaf
from benchmarks.soak.writers import PROBE, Writer, definition, page
from kgents.api.kinds import Kind
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from kgents.kube.errors import ObjectNotFound

CRD = Kind("CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io/v1", namespaced=False)
WRITERS, WATCHERS, RED_WATCHERS, DEAF = 8, 4, 4, 10
ROUND_SECONDS = 12.0
CATCH_UP_SECONDS = 120.0
GROWTH, GROWTH_MB = 1.05, 8.0
"""Memory is flat if its last quarter is not above the quarter before by more than this."""
Tell = Callable[[str], None]


@dataclass
class Report:
    """What came of a soak."""

    seed: int
    rounds: int = 0
    kills: int = 0
    stops: int = 0
    writes: int = 0
    refused: int = 0
    unanswered: int = 0
    events: int = 0
    lists: int = 0
    resumed: int = 0
    expired: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """(second, MB) of the process that lived through the second half."""
    disk: list[float] = field(default_factory=list)

    @property
    def slope(self) -> float:
        """MB an hour, over the last half of the samples: before that, caches fill."""
        late = self.memory[len(self.memory) // 2 :]
        if len(late) < 3:
            return 0.0
        return statistics.linear_regression(*zip(*late, strict=True)).slope * 3600

    @property
    def flat(self) -> bool:
        """Whether memory stayed where it was, as far as so many samples can tell."""
        quarter = len(self.memory) // 4
        if quarter < 2:
            return True
        sizes = [size for _, size in self.memory]
        before, after = statistics.mean(sizes[-2 * quarter : -quarter]), statistics.mean(sizes[-quarter:])
        return after <= before * GROWTH + GROWTH_MB

    @property
    def passed(self) -> bool:
        """Nothing was found, something was done, and memory is flat."""
        return not self.findings and self.flat and self.writes > 0 and self.events > 0 and self.lists > 0


class Soak:
    """One server, everybody who uses it, and what is known to be in it."""

    def __init__(self, folder: Path, seed: int, tell: Tell) -> None:
        self.report = Report(seed)
        self._dice = random.Random(seed)
        self._server = Server(folder)
        self._tell = tell
        self._state: State = {}
        self._since = 0

    async def run(self, seconds: float) -> Report:
        """Half of the time with kills, half without."""
        begun = time.monotonic()
        await self._server.start()
        try:
            async with self._client() as api:
                await self._define(api)
                for part, violent in enumerate((True, False), start=1):
                    if not violent:
                        await self._server.end(signal.SIGTERM)
                        await self._server.start()
                    await self._half(api, begun, begun + seconds * part / 2, violent=violent)
        finally:
            await self._server.end(signal.SIGTERM)
        self.report.seconds = time.monotonic() - begun
        return self.report

    def _client(self) -> KubeClient:
        return KubeClient(load(path=self._server.kubeconfig), timeout=60)

    async def _define(self, api: KubeClient) -> None:
        await api.create(CRD, definition())
        async with asyncio.timeout(CATCH_UP_SECONDS):
            while True:
                with contextlib.suppress(ObjectNotFound):
                    listed = await api.list(PROBE, "default")
                    self._since = int(listed["metadata"]["resourceVersion"])
                    return
                await asyncio.sleep(0.05)

    async def _half(self, api: KubeClient, begun: float, until: float, *, violent: bool) -> None:
        seeds = (self._dice.randrange(1 << 30) for _ in range(1000))
        writers = [Writer(api, number, next(seeds)) for number in range(WRITERS)]
        watchers = [Watcher(api, f"watcher {n}", next(seeds)) for n in range(WATCHERS)]
        watchers += [Watcher(api, f"red watcher {n}", next(seeds), red_only=True) for n in range(RED_WATCHERS)]
        for watcher in watchers:
            await watcher.list()
        self._state = watchers[0].diary.segments[0].state
        self._since = watchers[0].diary.segments[0].since
        followers = [watcher.follow() for watcher in watchers] + [deaf(api) for _ in range(DEAF)]
        async with _running(followers):
            first = True
            while first or time.monotonic() < until:
                first = False
                length = min(ROUND_SECONDS, max(until - time.monotonic(), 1.0))
                await self._round(api, writers, watchers, length, next(seeds), violent=violent)
                self.report.disk.append(self._server.disk)
                if not violent:
                    self.report.memory.append((time.monotonic() - begun, self._server.memory))
                if self.report.findings:
                    break
        for writer in writers:
            self.report.writes += writer.written
            self.report.refused += writer.refused
            self.report.unanswered += writer.unanswered
        for watcher in watchers:
            self.report.events += watcher.events
            self.report.resumed += watcher.resumed
            self.report.expired += watcher.expired

    async def _round(
        self,
        api: KubeClient,
        writers: list[Writer],
        watchers: list[Watcher],
        seconds: float,
        seed: int,
        *,
        violent: bool,
    ) -> None:
        notes, stop = Round(), asyncio.Event()
        for watcher in watchers:
            watcher.turn(self._since, self._state)
        work = [asyncio.create_task(writer.write(notes, stop)) for writer in writers]
        pager = asyncio.create_task(page(api, notes, stop, seed))
        try:
            end = time.monotonic() + seconds
            while violent and time.monotonic() < end - 1:
                await asyncio.sleep(min(self._dice.uniform(0.5, 5), end - time.monotonic()))
                await self._strike()
            await asyncio.sleep(max(end - time.monotonic(), 0))
        finally:
            stop.set()
            await asyncio.gather(*work)
            self.report.lists += await pager
        final, last = await self._settle(api, watchers)
        found = findings(notes, [watcher.diary for watcher in watchers], final)
        self.report.findings += [f"round {self.report.rounds}: {one}" for one in found]
        self.report.rounds += 1
        self._state, self._since = final, last
        self._tell(
            f"round {self.report.rounds}: {len(notes.acknowledged) + len(notes.deleted)} writes, {len(notes.lists)} "
            f"lists, {self._server.memory:.0f} MB memory, {self._server.disk:.1f} MB disk, {len(found)} findings"
        )

    async def _strike(self) -> None:
        if self._dice.random() < 0.75:
            self.report.kills += 1
            await self._server.end(signal.SIGKILL)
        else:
            self.report.stops += 1
            await self._server.end(signal.SIGTERM)
        await self._server.start()

    async def _settle(self, api: KubeClient, watchers: list[Watcher]) -> tuple[State, int]:
        """Makes a last change that everybody must see, waits until they have, and reads the list."""
        mark = {"metadata": {"name": "mark", "labels": {"colour": "red"}}, "spec": {"round": self.report.rounds}}
        last = int((await api.apply(PROBE, mark, "default"))["metadata"]["resourceVersion"])
        for watcher in watchers:
            try:
                await asyncio.wait_for(watcher.reached(last), CATCH_UP_SECONDS)
            except TimeoutError:
                self.report.findings.append(f"{watcher.diary.name} never saw version {last}")
        listed = await api.list(PROBE, "default", limit=0)
        return {one.name: one for one in (Seen.of("ADDED", item) for item in listed["items"])}, last


@contextlib.asynccontextmanager
async def _running(followers: list) -> AsyncGenerator[None, None]:  # type: ignore[type-arg]
    tasks = [asyncio.create_task(one) for one in followers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [one for one in ended if isinstance(one, BaseException) and not isinstance(one, asyncio.CancelledError)]
    if broken:
        raise broken[0]


def text(report: Report) -> str:
    """The verdict with its figures."""
    sizes = [size for _, size in report.memory] or [0.0]
    rate = report.writes / max(report.seconds, 1)
    lines = [
        f"seed {report.seed}, {report.seconds:.0f} s, {report.rounds} rounds",
        f"{report.kills} kills, {report.stops} stops, each followed by a start",
        f"{report.writes} writes acknowledged ({rate:.0f}/s), {report.refused} refused, {report.unanswered} unanswered",
        f"{report.events} events checked, {report.resumed} watches resumed, {report.expired} expired (410)",
        f"{report.lists} lists in pages compared with what was there at their version",
        f"memory {sizes[0]:.0f} MB first, {max(sizes):.0f} at most, {sizes[-1]:.0f} last",
        f"its slope at last {report.slope:+.1f} MB/h: {'flat' if report.flat else 'GROWING'}",
        f"disk {max(report.disk, default=0):.1f} MB at most, {(report.disk or [0.0])[-1]:.1f} last",
        *report.findings[:50],
        "PASSED" if report.passed else f"FAILED: {len(report.findings)} findings",
    ]
    return "\n".join(lines)
