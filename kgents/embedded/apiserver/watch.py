"""One watcher's place in a collection's history, and what it sees from there on.

A watcher has no queue: it reads the history that is kept anyway, when its client has taken what came before. So a
thousand watchers cost next to nothing, and one that is slow costs nobody anything: when the history has moved on
beyond its place, its stream ends, and its client resumes, or lists again if that is too late as well (410).

An object that leaves the selector is told as DELETED with its previous content, one that enters as ADDED.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

import orjson

from kgents.embedded.apiserver.store.records import Collection, Event, Record

PIECE = 64 * 1024
"""How many bytes are put together before they are sent; one event may be more."""

Encode = Callable[[str, Record], bytes]
Matches = Callable[[Record], bool]


def frame(kind: str, data: bytes) -> bytes:
    """One line of a watch stream."""
    return b'{"type":"' + kind.encode() + b'","object":' + data + b"}\n"


class Watcher:
    """Follows a collection from `start` to `stop`, beginning behind version `place`."""

    def __init__(self, collection: Collection, place: int, matches: Matches | None, encode: Encode | None) -> None:
        self.place = place
        self.closed = False
        self._collection = collection
        self._matches = matches
        self._encode = encode
        self._first: deque[Record | bytes] = deque()
        self._news = False
        self._waiter: asyncio.Future[None] | None = None

    def start(self) -> None:
        """From now on it hears of changes."""
        self._news = bool(self._collection.history) and self._collection.history[-1].rv > self.place
        self._collection.followers.add(self)

    def stop(self) -> None:
        """No more changes."""
        self._collection.followers.discard(self)

    def close(self) -> None:
        """Ends the stream after what is already there, as when the kind is no longer served."""
        self.closed = True
        self._wake()

    def begin_with(self, records: Iterable[Record]) -> None:
        """Objects that were there before."""
        self._first.extend(one for one in records if self._matches is None or self._matches(one))

    def mark(self, line: bytes) -> None:
        """A line between the initial objects and what follows."""
        self._first.append(line)

    def take(self, event: Event) -> None:
        """Hears of a change. What is of no interest is passed over at once, as long as nothing waits before it."""
        if self._news:
            return
        if self._matches is None or self._matters(event):
            self._news = True
            self._wake()
        else:
            self.place = max(self.place, event.rv)

    @property
    def behind(self) -> bool:
        """Whether changes that it has not seen are forgotten."""
        return self.place < self._collection.horizon

    @property
    def waiting(self) -> bool:
        """Whether there may be something to send."""
        return self._news or bool(self._first)

    def drain(self) -> bytes:
        """What comes next, as bytes to send: about PIECE of them, and none if there was nothing of interest."""
        lines: list[bytes] = []
        size = 0
        while self._first and size < PIECE:
            one = self._first.popleft()
            lines.append(one if isinstance(one, bytes) else self._line("ADDED", one))
            size += len(lines[-1])
        if not self._first and not self.behind:
            self._news = False
            for event in self._collection.since(self.place):
                if size >= PIECE:
                    self._news = True
                    break
                self.place = event.rv
                line = self._seen(event)
                if line is not None:
                    lines.append(line)
                    size += len(line)
        return b"".join(lines)

    async def wait(self, seconds: float) -> None:
        """Returns when there may be something to send, the watch is closed, or the time is up."""
        if self.closed or self.waiting:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        alarm = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _matters(self, event: Event) -> bool:
        assert self._matches is not None
        if event.type != "DELETED" and self._matches(event.record):
            return True
        return event.previous is not None and self._matches(event.previous)

    def _seen(self, event: Event) -> bytes | None:
        if self._matches is None:
            return self._shared(event)
        now = event.type != "DELETED" and self._matches(event.record)
        before = event.previous is not None and self._matches(event.previous)
        if now:
            kind = "MODIFIED" if before else "ADDED"
            return self._shared(event) if kind == event.type else self._line(kind, event.record)
        if not before:
            return None
        return self._shared(event) if event.type == "DELETED" else self._left(event)

    def _left(self, event: Event) -> bytes:
        previous = event.previous
        assert previous is not None
        obj = previous.parse()
        obj["metadata"]["resourceVersion"] = str(event.rv)
        return self._line("DELETED", Record.of(previous.key, event.rv, obj, orjson.dumps(obj)))

    def _shared(self, event: Event) -> bytes:
        if self._encode is not None:
            return self._encode(event.type, event.record)
        if event.line is None:
            event.line = frame(event.type, event.record.data)
        return event.line

    def _line(self, kind: str, record: Record) -> bytes:
        return self._encode(kind, record) if self._encode is not None else frame(kind, record.data)
