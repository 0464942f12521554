"""Follows the log of one pod, line by line, through restarts of its container, and never faster than it can bear."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from operators.agent.paths import CONTAINER
from operators.agent.pods import statuses
from operators.world import Clock

log = logging.getLogger(__name__)

SLICE = 200
"""Lines after which others have their turn."""
LINES_PER_SECOND = 2000
TOO_LATE = 15.0
"""A flood is followed with this delay at most, in seconds; then what it said is skipped and the present goes on."""
QUIET_RETRY = 5.0
FIRST_RETRY = 0.5

Handle = Callable[[float, str], Awaitable[None]]


class Flood(Exception):
    """More was written than may be read: what is left of it is passed over."""


def container_status(pod: dict[str, Any], container: str = CONTAINER) -> dict[str, Any] | None:
    return next((dict(status) for status in statuses(pod) if status.get("name") == container), None)


class Follower:
    """`handle(time, line)` is called for each line after `cursor`, once and in order."""

    def __init__(
        self,
        api: KubeClient,
        pod: dict[str, Any],
        cursor: float,
        handle: Handle,
        clock: Clock,
        container: str = CONTAINER,
    ) -> None:
        self.pod = pod
        self.container = container
        self.cursor = cursor
        self.skipped = 0
        self._api = api
        self._handle = handle
        self._clock = clock
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._budget, self._second = LINES_PER_SECOND, 0.0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"log of {self.pod['metadata']['name']}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def changed(self, pod: dict[str, Any]) -> None:
        """The pod has a new status: its container may run again."""
        self.pod = pod
        self._changed.set()

    async def _run(self) -> None:
        followed, pause = -1, FIRST_RETRY
        while True:
            self._changed.clear()
            status = container_status(self.pod, self.container)
            try:
                if status is not None and _has_log(status):
                    count = int(status.get("restartCount") or 0)
                    if count and count != followed:
                        await self._read(previous=True)
                    followed = count
                    await self._read(previous=False)
                pause = FIRST_RETRY
            except Flood:
                self.skipped += 1
                self.cursor = self._clock()
                log.warning("pod %s writes more than is read: lines were skipped", self.pod["metadata"]["name"])
                continue
            except ObjectNotFound:
                pause = QUIET_RETRY
            except KgentsError as error:
                log.debug("the log of pod %s broke off: %s", self.pod["metadata"]["name"], error)
                pause = min(pause * 2, QUIET_RETRY)
            with contextlib.suppress(TimeoutError):
                # A container that ended says nothing more: wait for its pod to change, with a look now and then.
                async with asyncio.timeout(QUIET_RETRY):
                    await self._changed.wait()
            await asyncio.sleep(pause if pause > FIRST_RETRY else 0.05)

    async def _read(self, *, previous: bool) -> None:
        metadata, count = self.pod["metadata"], 0
        lines = self._api.logs(
            metadata["name"],
            metadata["namespace"],
            container=self.container,
            follow=not previous,
            timestamps=True,
            previous=previous,
            since_time=times.to_text(self.cursor),
        )
        async with contextlib.aclosing(lines):
            async for raw in lines:
                stamp, _, line = raw.partition(" ")
                at = times.parse(stamp)
                # Times of since are whole seconds: what was read in that second comes again.
                if at is None or at <= self.cursor:
                    continue
                await self._spend(at)
                await self._handle(at, line)
                self.cursor = at
                count += 1
                if count % SLICE == 0:
                    await asyncio.sleep(0)

    async def _spend(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._second >= 1.0:
            self._second, self._budget = loop.time(), LINES_PER_SECOND
        self._budget -= 1
        if self._budget > 0:
            return
        if self._clock() - at > TOO_LATE:
            raise Flood
        await asyncio.sleep(max(0.0, self._second + 1.0 - loop.time()))


def _has_log(status: dict[str, Any]) -> bool:
    state = status.get("state") or {}
    return "running" in state or "terminated" in state or bool(status.get("restartCount"))
