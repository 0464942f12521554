"""The thread that listens to a hive, so that the screen never waits for it."""

from __future__ import annotations

import logging
import queue
import threading

from kgents.api.errors import KgentsError, Unreachable
from kgents.glass.stream import Heard
from kgents.terrarium.world import World

log = logging.getLogger(__name__)
BATCH = 5000
"""Changes that are taken in one frame at most; the rest waits for the next, so that keys are answered in between."""
WAITING = 20_000
"""Changes that may wait. A stream that outruns the screen waits in turn; Cortex drops it then and says so."""


class Feed:
    """Reads `world.stream` until it is stopped. `take` is called by the screen, once a frame."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._heard: queue.Queue[Heard] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self.failed: KgentsError | None = None
        """Why the stream ended for good, if it did."""
        self._thread = threading.Thread(target=self._listen, name="feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns at once; the thread ends when it next looks."""
        self._stop.set()

    def take(self) -> list[Heard]:
        """What was heard since the last time, in order."""
        heard: list[Heard] = []
        try:
            while len(heard) < BATCH:
                heard.append(self._heard.get_nowait())
        except queue.Empty:
            return heard
        return heard

    def _listen(self) -> None:
        try:
            for heard in self._world.stream(self._stop.wait):
                self._put(heard)
                if self._stop.is_set():
                    return
        except KgentsError as error:
            self.failed = error
        except Exception as error:
            log.exception("the stream of %s broke", self._world.context)
            self.failed = Unreachable("The stream of the hive broke", why=repr(error), fix="Open Terrarium again")

    def _put(self, heard: Heard) -> None:
        while not self._stop.is_set():
            try:
                return self._heard.put(heard, timeout=0.5)
            except queue.Full:
                continue
        return None
