"""Gives a stream up that has gone silent: grpc waits for the next message for ever, and nothing else can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Guard:
    """Calls `cancel`, once, when `silence` seconds were waited for one message; never, where that is None.

    Only waiting counts: a reader that takes its time, or a machine that slept, is no silence.
    """

    def __init__(self, cancel: Callable[[], object], silence: float | None) -> None:
        self._cancel, self._silence = cancel, silence
        self._waiting: float | None = None
        self._ended = threading.Event()
        self.gave_up = False

    def watching(self, messages: Iterable[T]) -> Iterator[T]:
        """The messages. What cancelling makes of them is raised from here."""
        if self._silence is not None:
            threading.Thread(target=self._watch, args=(self._silence,), name="guard", daemon=True).start()
        each = iter(messages)
        while True:
            self._waiting = time.monotonic()
            try:
                message = next(each)
            except StopIteration:
                return
            finally:
                self._waiting = None
            yield message

    def end(self) -> None:
        self._ended.set()

    def _watch(self, silence: float) -> None:
        while not self._ended.wait(silence / 10):
            since = self._waiting
            if since is not None and time.monotonic() - since > silence:
                self.gave_up = True
                self._cancel()
                return
