"""One watcher's share of a collection's changes: filtered, encoded, and bounded.

An object that leaves the selector is told as DELETED with its previous content, one that enters as ADDED.
A watcher that does not keep up is dropped rather than buffered; it lists again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import orjson

from kgents.embedded.apiserver.store.records import Collection, Event, Record

LIMIT = 5_000

Encode = Callable[[str, Record], bytes]
Matches = Callable[[Record], bool]


def frame(kind: str, data: bytes) -> bytes:
    """One line of a watch stream."""
    return b'{"type":"' + kind.encode() + b'","object":' + data + b"}\n"


class Watcher:
    """Listens to a collection from `start` to `stop`."""

    def __init__(
        self, collection: Collection, matches: Matches | None, encode: Encode | None, *, limit: int = LIMIT
    ) -> None:
        self.ready = asyncio.Event()
        self.dropped = False
        self.closed = False
        self._collection = collection
        self._matches = matches
        self._encode = encode
        self._limit = limit
        self._lines: deque[bytes] = deque()

    def start(self) -> None:
        """From now on every committed change is taken in."""
        self._collection.listeners.add(self.take)

    def stop(self) -> None:
        """No more changes."""
        self._collection.listeners.discard(self.take)

    def close(self) -> None:
        """Ends the stream after what is already there, as when the kind is no longer served."""
        self.closed = True
        self.ready.set()

    def initial(self, record: Record) -> None:
        """An object that was there before."""
        self._lines.append(self._line("ADDED", record))

    def bookmark(self, line: bytes) -> None:
        """A mark between the initial objects and what follows."""
        self._lines.append(line)

    def take(self, event: Event) -> None:
        """A change, as this watcher sees it."""
        line = self._seen(event)
        if line is None:
            return
        if len(self._lines) >= self._limit:
            self.dropped = True
            self.stop()
        else:
            self._lines.append(line)
        self.ready.set()

    def drain(self) -> bytes:
        """Everything that waits, as bytes to send."""
        lines = b"".join(self._lines)
        self._lines.clear()
        self.ready.clear()
        if self.closed or self.dropped:
            self.ready.set()
        return lines

    @property
    def waiting(self) -> bool:
        """Whether there is something to send."""
        return bool(self._lines)

    def _seen(self, event: Event) -> bytes | None:
        if self._matches is None:
            return self._shared(event)
        now = event.type != "DELETED" and self._matches(event.record)
        before = event.previous is not None and self._matches(event.previous)
        if now:
            return (
                self._shared(event) if before == (event.type == "MODIFIED") else self._line(_word(before), event.record)
            )
        if not before:
            return None
        if event.type == "DELETED":
            return self._shared(event)
        return self._left(event)

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


def _word(before: bool) -> str:
    return "MODIFIED" if before else "ADDED"
