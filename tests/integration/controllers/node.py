"""A node that runs nothing and says that all is well: pods get an address and become ready, unless told otherwise.

A container's image may say how it ends: `exit:0`, `exit:3`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from kgents.api.kinds import POD
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiUnreachable, Conflict, ObjectNotFound
from kgents.kube.informer import Informer

Object = dict[str, Any]


class Node:
    """`broken` holds images whose pods never become ready."""

    def __init__(self, api: KubeClient) -> None:
        self.broken: set[str] = set()
        self._api = api
        self._informer = Informer(api, POD)
        self._informer.on_change(self._look)
        self._tasks: set[asyncio.Task[None]] = set()
        self._next = 1

    async def __aenter__(self) -> Node:
        await self._informer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._informer.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look(self, event: str, pod: Object) -> None:
        if event == "DELETED":
            return
        work = None
        if pod["metadata"].get("deletionTimestamp"):
            work = self._end(pod)
        elif not (pod.get("status") or {}).get("podIP"):
            work = self._start(pod)
        if work is not None:
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _start(self, pod: Object) -> None:
        image = pod["spec"]["containers"][0]["image"]
        self._next += 1
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = "False" if image in self.broken else "True"
        status: Object = {
            "phase": "Running",
            "podIP": f"127.99.0.{self._next}",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now}],
        }
        metadata = pod["metadata"]
        if image.startswith("exit:"):
            code = int(image.removeprefix("exit:"))
            ended = {"exitCode": code, "reason": "Error" if code else "Completed", "finishedAt": now}
            status["containerStatuses"] = [{"name": "c", "state": {"terminated": ended}, "restartCount": 0}]
            status |= {"phase": "Failed" if code else "Succeeded", "conditions": []}
        await self._insist(
            lambda: self._api.patch(
                POD, metadata["name"], {"status": status}, metadata["namespace"], subresource="status"
            )
        )

    async def _end(self, pod: Object) -> None:
        metadata = pod["metadata"]
        await self._insist(
            lambda: self._api.delete(
                POD, metadata["name"], metadata["namespace"], uid=metadata["uid"], grace_seconds=0, missing_ok=True
            )
        )

    async def _insist(self, write: Callable[[], Awaitable[Object | None]]) -> None:
        """Write once the server is there to take it."""
        for _ in range(100):
            try:
                await write()
                return
            except (Conflict, ObjectNotFound):
                return
            except ApiUnreachable:
                await asyncio.sleep(0.1)
