"""One container of a pod while it runs: waits for its end, carries out its hooks, probes it, ends it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.endings import Ending, Leaving
from kgents.embedded.runtime.handlers import Handler
from kgents.embedded.runtime.probes import Health, Prober
from kgents.kube.tasks import ended

Object = Mapping[str, Any]
Tell = Callable[[str, str], Awaitable[None]]
"""(reason, message) → a warning Event about the pod."""
HOOKED = "hooked"
"""In an attempt's folder: its postStart hook is done, and is not to be repeated by a new runtime."""


class Keeper:
    """Follows the attempts of one container, one after the other. `wake` asks for a look at the pod."""

    def __init__(self, container: Object, address: str, grace: float, wake: Callable[[], None], tell: Tell) -> None:
        self.container, self.address, self.grace = container, address, grace
        self._wake, self._tell = wake, tell
        self._number = -1
        self._exit: int | None = None
        self._prober: Prober | None = None
        self._hook: asyncio.Task[None] | None = None
        self._ending: Ending | None = None

    @property
    def health(self) -> Health | None:
        """What is known of the running attempt; None while none is followed."""
        if self._prober is None:
            return None
        return self._prober.health if self.is_settled else Health(started=False, ready=False)

    @property
    def is_settled(self) -> bool:
        """Whether nothing that must come before the next container's start is still going on."""
        return self._hook is None or self._hook.done()

    def attend(self, running: Attempt) -> None:
        """Wait for its end, and probe it; once for each attempt."""
        if self._number == running.number and self._prober is not None:
            return
        self._forget_exit()
        try:
            descriptor = os.pidfd_open(int(running.state["shim"]))
        except ProcessLookupError:
            self._wake()
            return
        self._exit = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._exited)
        self._number, self._ending = running.number, None
        self._prober = Prober(self.container, self._handler(running), self._wake)
        hook = (self.container.get("lifecycle") or {}).get("postStart")
        if hook and not (running.folder / HOOKED).exists():
            self._hook = asyncio.create_task(self._post_start(running, hook, self._prober))
        else:
            self._prober.begin()

    async def cure(self, running: Attempt) -> None:
        """End the attempt if a probe says that it must be restarted."""
        sick = self.health.sick if self.health else None
        if sick is None or self._ending is not None:
            return
        probe, said = sick
        asked = (self.container.get(f"{probe}Probe") or {}).get("terminationGracePeriodSeconds")
        self._ending = Ending([self.leaving(running)], self.grace if asked is None else float(asked))
        await self._tell("Unhealthy", f"{probe.capitalize()} probe failed: {said}")
        await self._tell("Killing", f"Container {self.container['name']} failed {probe} probe, will be restarted")

    def leaving(self, running: Attempt, turn: int = 0) -> Leaving:
        """How this attempt is to be ended."""
        hook = (self.container.get("lifecycle") or {}).get("preStop")
        return Leaving(running, partial(self._pre_stop, running, hook) if hook else None, turn)

    async def leave(self) -> None:
        """Follow it no more; whatever was begun towards its end goes on."""
        self._forget_exit()
        hook, self._hook = self._hook, None
        if hook is not None:
            await ended(hook)
        prober, self._prober = self._prober, None
        if prober is not None:
            await prober.end()

    async def close(self) -> None:
        """Let go of the container, which lives on."""
        await self.leave()
        if self._ending is not None:
            self._ending.cancel()

    async def _post_start(self, running: Attempt, hook: Object, prober: Prober) -> None:
        failure = await self._handler(running).act(hook)
        if failure:
            await self._tell("FailedPostStartHook", f"PostStartHook failed: {failure}")
            self._ending = Ending([self.leaving(running)], self.grace)
        else:
            (running.folder / HOOKED).touch()
            prober.begin()
            # Only now, for whoever looks: the task that says so is still this one.
            asyncio.get_running_loop().call_soon(self._wake)

    async def _pre_stop(self, running: Attempt, hook: Object) -> None:
        failure = await self._handler(running).act(hook)
        if failure:
            await self._tell("FailedPreStopHook", f"PreStopHook failed: {failure}")

    def _handler(self, running: Attempt) -> Handler:
        return Handler(self.container, self.address, int(running.state["pid"]), running.folder / "spec.json")

    def _exited(self) -> None:
        self._forget_exit()
        self._wake()

    def _forget_exit(self) -> None:
        descriptor, self._exit = self._exit, None
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
