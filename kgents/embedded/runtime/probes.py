"""Probes: is a container started, ready, alive? One task a probe, with the kubelet's periods and thresholds.

What is learnt stands in `Health`; whoever needs it is woken when it changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgents.embedded.runtime.handlers import Handler
from kgents.kube.tasks import ended

Object = Mapping[str, Any]
_FIRST_PAUSE = 0.1


@dataclass(slots=True)
class Health:
    """`ready` and `started` as far as probes know; `sick` says which probe wants the container restarted, and why."""

    started: bool = True
    ready: bool = True
    sick: tuple[str, str] | None = None


@dataclass(slots=True)
class Row:
    """How often in a row a probe had the same outcome."""

    good: bool = False
    length: int = 0

    def add(self, good: bool) -> int:
        self.length = self.length + 1 if good is self.good else 1
        self.good = good
        return self.length


@dataclass(slots=True)
class Prober:
    """All probes of one running container. `wake` is called when its health changed."""

    container: Object
    handler: Handler
    wake: Callable[[], None]
    health: Health = field(default_factory=Health)
    _task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Starts probing. Without probes a container is started and ready from the beginning."""
        startup, readiness, liveness = (self.container.get(f"{n}Probe") for n in ("startup", "readiness", "liveness"))
        self.health.started = not startup
        self.health.ready = not (readiness or startup)
        if startup or readiness or liveness:
            self._task = asyncio.create_task(self._run(startup, readiness, liveness))

    async def end(self) -> None:
        if self._task is not None:
            await ended(self._task)

    async def _run(self, startup: Object | None, readiness: Object | None, liveness: Object | None) -> None:
        if startup and not await self._watch(startup, "startup", until_good=True):
            return
        self._change(started=True, ready=not readiness)
        async with asyncio.TaskGroup() as tasks:
            if readiness:
                tasks.create_task(self._readiness(readiness))
            if liveness:
                tasks.create_task(self._watch(liveness, "liveness"))

    async def _watch(self, probe: Object, name: str, *, until_good: bool = False) -> bool:
        """Asks until failureThreshold failures in a row, which make the container sick; or until the first success."""
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        row = Row()
        while True:
            good, said = await self.handler.probe(probe)
            if good and until_good:
                return True
            if row.add(good) >= (probe.get("failureThreshold") or 3) and not good:
                self._change(sick=(name, said))
                return False
            await asyncio.sleep(probe.get("periodSeconds") or 10)

    async def _readiness(self, probe: Object) -> None:
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        row = Row()
        period = float(probe.get("periodSeconds") or 10)
        pause = _FIRST_PAUSE
        while True:
            good, _ = await self.handler.probe(probe)
            needed = (probe.get("successThreshold") or 1) if good else (probe.get("failureThreshold") or 3)
            if row.add(good) >= needed:
                self._change(ready=good)
            # At first it is asked often: nobody wants to wait out a period for the first success. Then less and less.
            pause = period if self.health.ready else min(period, pause * 1.5)
            await asyncio.sleep(pause)

    def _change(
        self, *, ready: bool | None = None, started: bool | None = None, sick: tuple[str, str] | None = None
    ) -> None:
        before = (self.health.ready, self.health.started, self.health.sick)
        self.health.ready = self.health.ready if ready is None else ready
        self.health.started = self.health.started if started is None else started
        self.health.sick = self.health.sick if sick is None else sick
        if before != (self.health.ready, self.health.started, self.health.sick):
            self.wake()
