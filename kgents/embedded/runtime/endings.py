"""The end of running containers: hooks, SIGTERM in turn, the grace period, SIGKILL. What they started ends with them.

The order is the kubelet's: preStop hooks of all at once, then the main containers, then the sidecars, the last one
first. Hooks and turns use up the grace period; a container has two seconds after SIGTERM all the same.
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.stopping import is_alive

LEAST = 2.0
"""Seconds between SIGTERM and SIGKILL, whatever the hooks left."""
Hook = Callable[[], Coroutine[Any, Any, object]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """One container that is to end: its preStop hook, and its turn. Those of turn 0 go first."""

    attempt: Attempt
    hook: Hook | None = None
    turn: int = 0


class Ending:
    """Asks containers to end, and ends them in `grace` seconds. Made within a running loop.

    `before` is waited for ahead of the first SIGTERM, within the grace period.
    """

    def __init__(self, leaving: Sequence[Leaving], grace: float, before: Hook | None = None) -> None:
        self._leaving = leaving
        self._before = before
        self._gone = [asyncio.Event() for _ in leaving]
        self._moved = asyncio.Event()
        self._at_once = grace <= 0
        self._due = asyncio.get_running_loop().time() + grace
        self._task = asyncio.create_task(self._run())

    def hurry(self, grace: float) -> None:
        """No more than `grace` seconds from now; never more than was granted before."""
        due = asyncio.get_running_loop().time() + grace
        if due < self._due:
            self._due, self._at_once = due, self._at_once or grace <= 0
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    @property
    def is_over(self) -> bool:
        """Whether all are gone."""
        return self._task.done()

    def on_over(self, call: Callable[[], None]) -> None:
        """`call` once all are gone."""
        self._task.add_done_callback(lambda _task: call())

    def cancel(self) -> None:
        """Lets them live on, whatever they were asked."""
        self._task.cancel()

    async def wait(self) -> None:
        """Returns when all are gone, with their keepers."""
        await asyncio.shield(self._task)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            before = tasks.create_task(self._prepare())
            for one, gone in zip(self._leaving, self._gone, strict=True):
                tasks.create_task(self._one(one, before, gone))

    async def _prepare(self) -> None:
        if self._before is not None and self._leaving:
            await self._within(self._before())

    async def _one(self, leaving: Leaving, before: asyncio.Task[None], over: asyncio.Event) -> None:
        if leaving.hook is not None:
            await self._within(leaving.hook())
        await before
        await self._within(self._turn_of(leaving))
        gone = asyncio.create_task(_gone(leaving.attempt))
        try:
            if not self._at_once:
                leaving.attempt.signal(signal.SIGTERM)
                await self._within(asyncio.shield(gone), least=LEAST)
            if not gone.done():
                leaving.attempt.signal(signal.SIGKILL)
            await gone
        finally:
            gone.cancel()
            over.set()

    async def _turn_of(self, leaving: Leaving) -> None:
        for other, gone in zip(self._leaving, self._gone, strict=True):
            if other.turn < leaving.turn:
                await gone.wait()

    async def _within(self, work: Awaitable[object], least: float = 0.0) -> None:
        """Until `work` is done or the grace period is over, which may be cut short meanwhile."""
        loop = asyncio.get_running_loop()
        task, floor = asyncio.ensure_future(work), loop.time() + least
        try:
            while not task.done():
                left = (self._due if self._at_once else max(self._due, floor)) - loop.time()
                if left <= 0:
                    return
                moved = asyncio.ensure_future(self._moved.wait())
                try:
                    await asyncio.wait({task, moved}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    moved.cancel()
            task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def _gone(attempt: Attempt) -> None:
    shim = attempt.state["shim"]
    try:
        descriptor = os.pidfd_open(int(shim))
    except ProcessLookupError:
        return
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        if is_alive(shim, attempt.state["shimStart"]):
            await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
