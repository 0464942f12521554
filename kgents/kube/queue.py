"""Level-based controllers: a queue of keys to look at, and workers that make each one as it should be.

A key is in the queue once, however often it is added, and with one worker at a time; added while it is being worked
on, it comes round again. What failed comes back after a growing pause. Events are only a hint to look.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from types import TracebackType
from typing import Any, Generic, TypeVar

from kgents.api.errors import KgentsError
from kgents.kube.backoff import Backoff
from kgents.kube.errors import Conflict
from kgents.vitals.observing import Reading, observed, offer

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

FIRST_RETRY = 0.005
LAST_RETRY = 60.0


class WorkQueue(Generic[K]):
    """Keys waiting for a worker, each at most once. Belongs to one event loop."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._dirty: set[K] = set()
        self._working: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._backoffs: dict[K, Backoff] = {}

    def __len__(self) -> int:
        return len(self._dirty) + len(self._timers)

    def add(self, key: K, after: float = 0.0) -> None:
        """Have `key` looked at, now or in `after` seconds. Of several times that are asked for, the earliest holds."""
        if after > 0:
            self._add_later(key, after)
        elif key not in self._dirty:
            self._dirty.add(key)
            if key not in self._working:
                self._ready.put_nowait(key)

    async def get(self) -> K:
        """The next key; it is this worker's until `done`."""
        key = await self._ready.get()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        self._working.discard(key)
        if key in self._dirty:
            self._ready.put_nowait(key)

    def retry(self, key: K) -> float:
        """Add it again after a pause that doubles with each call. Returns that pause in seconds."""
        pause = self._backoffs.setdefault(key, Backoff(FIRST_RETRY, LAST_RETRY)).next()
        self.add(key, pause)
        return pause

    def forget(self, key: K) -> None:
        """It went well: the next failure starts with a short pause again."""
        self._backoffs.pop(key, None)

    def close(self) -> None:
        """Drop what is due later."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _add_later(self, key: K, after: float) -> None:
        loop = asyncio.get_running_loop()
        pending = self._timers.get(key)
        if pending is not None:
            if pending.when() <= loop.time() + after:
                return
            pending.cancel()
        self._timers[key] = loop.call_later(after, self._due, key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)


class Controller(Generic[K]):
    """`workers` tasks that call `reconcile(key)`. A number that it returns asks for another look in so many seconds."""

    def __init__(self, name: str, reconcile: Callable[[K], Awaitable[float | None]], workers: int = 4) -> None:
        self.name = name
        self.queue: WorkQueue[K] = WorkQueue()
        self._reconcile = reconcile
        self._workers = workers
        self._tasks: list[asyncio.Task[None]] = []
        self._last_failures: dict[K, str] = {}
        _controllers[name] = self

    def enqueue(self, key: K, after: float = 0.0) -> None:
        self.queue.add(key, after)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; what is being worked on then is cancelled."""
        async with self:
            await stop.wait()

    async def __aenter__(self) -> Controller[K]:
        self._tasks = [asyncio.create_task(self._work(), name=f"{self.name} {n}") for n in range(self._workers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._one(key)
            finally:
                self.queue.done(key)

    async def _one(self, key: K) -> None:
        # In a task of its own, so that a bug in `reconcile` ends that task and not the worker.
        task = asyncio.ensure_future(self._watched(key))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        error = None if task.cancelled() else task.exception()
        if error is not None or task.cancelled():
            self._failed(key, error)
            return
        self.queue.forget(key)
        self._last_failures.pop(key, None)
        if (again := task.result()) is not None:
            self.queue.add(key, max(again, FIRST_RETRY))

    async def _watched(self, key: K) -> float | None:
        with observed("reconcile", self.name, key="/".join(map(str, key)) if isinstance(key, tuple) else str(key)):
            return await self._reconcile(key)

    def _failed(self, key: K, error: BaseException | None) -> None:
        pause = self.queue.retry(key)
        if isinstance(error, Conflict):
            return  # Somebody else wrote meanwhile: looking again is all there is to do.
        text = f"{type(error).__name__}: {error}"
        if self._last_failures.get(key) == text:
            return
        self._last_failures[key] = text
        trace = None if isinstance(error, KgentsError) else error
        log.error("%s of %s failed, again in %.1f s: %s", self.name, key, pause, text, exc_info=trace)


_controllers: dict[str, Controller[Any]] = {}
"""The latest of each name, for whoever measures."""
offer(
    Reading(
        "kgents_queue_depth",
        "Keys that wait for a look, now or later.",
        "controller",
        lambda: [(name, float(len(one.queue))) for name, one in list(_controllers.items())],
    )
)
