"""Listening to one endless thing beside the screen: an agent's log, one object. As `feed` does for the whole hive."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from kgents.api.errors import KgentsError, Unreachable
from kgents.glass.ending import Ending

log = logging.getLogger(__name__)
T = TypeVar("T")
WAITING = 5000


class Listener(Generic[T]):
    """Hears in a thread of its own, which nobody waits for. `take` gives what was heard since the last time."""

    def __init__(self, listen: Callable[[Ending], Iterable[T]], waiting: int = WAITING) -> None:
        self._listen = listen
        self._heard: deque[T] = deque(maxlen=waiting)
        self._ending = Ending()
        self.lost = 0
        """What was not taken in time, and is gone: there is room for so much only."""
        self.ended = False
        self.failed: KgentsError | None = None
        """Why it ended, where something went wrong."""
        threading.Thread(target=self._run, name="listener", daemon=True).start()

    def stop(self) -> None:
        """Returns at once; the thread ends soon."""
        self._ending.end()

    def take(self) -> list[T]:
        """In order."""
        return [self._heard.popleft() for _ in range(len(self._heard))]

    def _run(self) -> None:
        try:
            for one in self._listen(self._ending):
                if self._ending.ended:
                    return
                self.lost += len(self._heard) == self._heard.maxlen
                self._heard.append(one)
        except KgentsError as error:
            self.failed = error
        except Exception as error:
            log.exception("listening broke")
            self.failed = Unreachable("Listening broke", why=repr(error))
        finally:
            self.ended = True
