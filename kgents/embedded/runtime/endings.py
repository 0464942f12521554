"""The end of running containers: SIGTERM, the grace period, SIGKILL. What they started ends with them."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import Sequence

from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.stopping import is_alive


class Ending:
    """Asks them to end at once, and ends them in `grace` seconds. Made within a running loop."""

    def __init__(self, running: Sequence[Attempt], grace: float) -> None:
        self._running = running
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None
        if grace > 0:
            self._send(signal.SIGTERM)
        self.hurry(grace)

    def hurry(self, grace: float) -> None:
        """No more than `grace` seconds from now; never more than was granted before."""
        loop = asyncio.get_running_loop()
        due = loop.time() + grace
        if due >= self._due:
            return
        self.cancel()
        self._due = due
        if grace > 0:
            self._timer = loop.call_later(grace, self._send, signal.SIGKILL)
        else:
            self._send(signal.SIGKILL)

    def cancel(self) -> None:
        """Lets them live on, whatever they were asked."""
        if self._timer is not None:
            self._timer.cancel()

    async def wait(self) -> None:
        """Returns when all are gone, with their keepers."""
        try:
            await asyncio.gather(*(_gone(attempt) for attempt in self._running))
        finally:
            self.cancel()

    def _send(self, number: int) -> None:
        for attempt in self._running:
            attempt.signal(number)


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
