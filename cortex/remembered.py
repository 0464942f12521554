"""Answers of the API that hold for a while: bounded, and asked once however many wait for the same."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Ask = Callable[[], Coroutine[Any, Any, V]]


class Remembered(Generic[K, V]):
    """Each answer holds for `seconds`. At most `most` of them: those asked for the longest ago go first."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._held: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def held(self, key: K) -> V | None:
        """What is known of `key`, if that still holds."""
        value, until = self._held.get(key, (None, 0.0))
        if value is None or self._clock() >= until:
            return None
        self._held.move_to_end(key)
        return value

    def hold(self, key: K, value: V, since: float | None = None) -> None:
        """Keeps an answer, as of the clock's `since`."""
        self._held[key] = value, (self._clock() if since is None else since) + self._seconds
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    async def get(self, key: K, ask: Ask[V]) -> V:
        """What is known of `key`, else what `ask` says. Its error is everybody's who waits for it, and is not kept."""
        known = self.held(key)
        if known is not None:
            return known
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, ask))
            asking.add_done_callback(lambda task: self._asked(key, task))
        # Others may wait for the same: who goes away does not take the question with him.
        return await asyncio.shield(asking)

    async def _ask(self, key: K, ask: Ask[V]) -> V:
        begun = self._clock()
        value = await ask()
        self.hold(key, value, begun)  # it was so when it was asked for, not when it came
        return value

    def _asked(self, key: K, task: asyncio.Task[V]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; if nobody does, nobody misses it
