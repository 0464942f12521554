"""How a reader of something endless says that it is enough: what waits for the next word is cut short at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Ending:
    """Shared by who reads and who ends it, in threads of their own."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._cuts: list[Callable[[], object]] = []

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits so long; true, at once, when it has ended."""
        return self._ended.wait(seconds)

    def end(self) -> None:
        """Returns at once. Whoever waits then finds that what it waited for has ended or broken."""
        with self._lock:
            self._ended.set()
            for cut in self._cuts:
                cut()

    @contextmanager
    def cutting(self, cut: Callable[[], object]) -> Iterator[None]:
        """While inside, `cut` ends the waiting. It is called once at most, from another thread, and must not block."""
        with self._lock:
            self._cuts.append(cut)
            if self.ended:
                cut()
        try:
            yield
        finally:
            with self._lock:
                self._cuts.remove(cut)
