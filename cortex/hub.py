"""Changes for those who watch. A reader that is too slow is dropped and told so, it never makes memory grow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

CAPACITY = 4096
"""Changes that may wait for one reader."""
WORDS = "logs"
"""What agents write: it never costs a reader a change, and gives way once half of its place is taken."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one object: `type` ADDED, MODIFIED or DELETED, and its row at that moment."""

    type: str
    resource: str
    namespace: str
    name: str
    row: bytes


class Overrun(Exception):
    """This reader lost changes: it has to read anew."""


class Subscription:
    """One reader's queue. Use as a context manager, so that it ends with its reader."""

    def __init__(self, hub: Hub, wanted: Callable[[Change], bool], capacity: int) -> None:
        self._hub = hub
        self._wanted = wanted
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(capacity + 1)
        self._capacity = capacity
        self.overrun = False

    def __enter__(self) -> Subscription:
        self._hub.readers.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.readers.discard(self)

    def offer(self, change: Change | None) -> None:
        if self.overrun or (change is not None and not self._wanted(change)):
            return
        waiting = self._queue.qsize()
        if change is not None and change.resource == WORDS and waiting >= self._capacity // 2:
            return
        if waiting >= self._capacity:
            self.overrun = True
            change = None
        self._queue.put_nowait(change)

    async def next(self) -> Change:
        """The next change. Raises Overrun, once what fitted has been read, when some were lost."""
        change = await self._queue.get()
        if change is None:
            raise Overrun
        return change


@dataclass(slots=True)
class Hub:
    """Everybody who watches. `listeners` are the daemon's own: called at once, they must be quick."""

    readers: set[Subscription] = field(default_factory=set)
    listeners: list[Callable[[Change], None]] = field(default_factory=list)

    def subscribe(self, wanted: Callable[[Change], bool], capacity: int = CAPACITY) -> Subscription:
        return Subscription(self, wanted, capacity)

    def publish(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)
        for reader in tuple(self.readers):
            reader.offer(change)
