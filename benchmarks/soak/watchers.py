"""Watchers: each follows all changes, or those of red objects, through every break, as an informer does."""

from __future__ import annotations

import asyncio
import contextlib
import random

from benchmarks.soak.notes import Diary, Seen, Segment, State
from benchmarks.soak.writers import PROBE
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiUnreachable, Gone


class Watcher:
    """Keeps its place over the rounds; its diary begins anew with each."""

    def __init__(self, api: KubeClient, name: str, seed: int, *, red_only: bool = False) -> None:
        self.resumed = 0
        self.expired = 0
        self.events = 0
        self.diary = Diary(name, red_only, [])
        self._api = api
        self._random = random.Random(seed)
        self._selector = "colour=red" if red_only else None
        self._place = 0
        self._changed = asyncio.Event()

    async def list(self) -> None:
        """Begins with what is there."""
        listed = await self._api.list(PROBE, "default", label_selector=self._selector, limit=0)
        self._place = int(listed["metadata"]["resourceVersion"])
        state: State = {one.name: one for one in (Seen.of("ADDED", item) for item in listed["items"])}
        self.diary.segments.append(Segment(self._place, state))

    def turn(self, since: int, state: State) -> None:
        """A new round: what it knows at the end of the last one is where it begins."""
        self.diary = Diary(self.diary.name, self.diary.red_only, [Segment(since, dict(state))])

    async def reached(self, rv: int) -> None:
        """Returns when it has seen a version; it is one that this watcher must see."""
        while self.diary.last < rv:
            self._changed.clear()
            await self._changed.wait()

    async def follow(self) -> None:
        """Watches for ever. It hangs up by itself now and then: resuming is what is to be proved."""
        while True:
            try:
                async with asyncio.timeout(self._random.uniform(2, 20)):
                    await self._watch()
            except TimeoutError:
                pass
            except ApiUnreachable:
                await asyncio.sleep(0.05)
            except Gone:
                self.expired += 1
                with contextlib.suppress(ApiUnreachable):
                    await self.list()
            self.resumed += 1

    async def _watch(self) -> None:
        stream = self._api.watch(
            PROBE, "default", resource_version=str(self._place), label_selector=self._selector, bookmarks=True
        )
        async with contextlib.aclosing(stream):
            async for kind, obj in stream:
                self._place = int(obj["metadata"]["resourceVersion"])
                if kind != "BOOKMARK":
                    self.events += 1
                    self.diary.segments[-1].events.append(Seen.of(kind, obj))
                    self._changed.set()


async def deaf(api: KubeClient) -> None:
    """Opens a watch and never reads: it must cost nobody anything."""
    while True:
        with contextlib.suppress(ApiUnreachable):
            async with api.stream("GET", PROBE.path("default"), params={"watch": True}):
                await asyncio.sleep(3600)
        await asyncio.sleep(1)
