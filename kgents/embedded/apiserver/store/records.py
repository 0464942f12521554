"""The units of the store: one version of one object, one change, and all objects of one resource."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Protocol

import orjson

Key = tuple[str, str]

HISTORY = 4096
HISTORY_BYTES = 32 * 1024 * 1024
"""What the recent changes of one resource may weigh; whoever is further behind lists again."""
FRESH = 256
"""So many of the last changes are kept as clients get them, too: most watchers want the same bytes."""


def path(key: Key) -> str:
    """Where Kubernetes would store an object, below its resource: lists are in the order of these."""
    return f"{key[0]}/{key[1]}" if key[0] else key[1]


class Record:
    """One stored version of an object: its JSON as clients get it, and what selectors ask for most."""

    __slots__ = ("data", "fields", "key", "labels", "rv", "uid")

    def __init__(self, key: Key, rv: int, uid: str, labels: Mapping[str, str], data: bytes) -> None:
        self.key = key
        self.rv = rv
        self.uid = uid
        self.labels = labels
        self.data = data
        self.fields: Mapping[str, str] | None = None

    @classmethod
    def of(cls, key: Key, rv: int, obj: Mapping[str, Any], data: bytes) -> Record:
        """The record of an object that was just parsed or is about to be written."""
        metadata = obj.get("metadata") or {}
        return cls(key, rv, str(metadata.get("uid", "")), metadata.get("labels") or {}, data)

    def parse(self) -> dict[str, Any]:
        """A fresh copy of the object, free to be changed."""
        obj: dict[str, Any] = orjson.loads(self.data)
        return obj


class Event:
    """One committed change. `record` of a deletion carries the last content with the deletion's own version."""

    __slots__ = ("line", "previous", "record", "rv", "type")

    def __init__(self, kind: str, record: Record, previous: Record | None) -> None:
        self.type = kind
        self.record = record
        self.previous = previous
        self.rv = record.rv
        self.line: bytes | None = None


class Follower(Protocol):
    """Somebody who passes changes on. Taking one must neither fail nor add or remove followers."""

    def take(self, event: Event, /) -> None: ...
    def close(self) -> None: ...


class Collection:
    """All objects of one resource, in order, and the recent changes to them."""

    def __init__(
        self, name: str, *, volatile: bool = False, history: int = HISTORY, weight: int = HISTORY_BYTES
    ) -> None:
        self.name = name
        self.volatile = volatile
        self.records: dict[Key, Record] = {}
        self.history: deque[Event] = deque()
        self.horizon = 0
        self.listeners: set[Callable[[Event], None]] = set()
        self.followers: set[Follower] = set()
        """Those who tell clients; their number is the clients' choice."""
        self._limit = history
        self._heaviest = weight
        self._weight = 0
        self._order: list[tuple[str, Key]] | None = None

    def get(self, namespace: str, name: str) -> Record | None:
        """The committed record, or None."""
        return self.records.get((namespace, name))

    def span(self, namespace: str | None, start: str = "") -> Iterator[Record]:
        """The records of one namespace (or all), in the order of their paths, from a path within it on."""
        if self._order is None:
            self._order = sorted((path(key), key) for key in self.records)
        order, prefix = self._order, f"{namespace}/" if namespace else ""
        first = bisect_left(order, (prefix + start,))
        last = bisect_left(order, (f"{namespace}0",)) if namespace else len(order)
        return map(self.records.__getitem__, map(itemgetter(1), order[first:last]))

    def apply(self, event: Event) -> None:
        """Takes a committed change into the state and the history."""
        key = event.record.key
        if event.type == "DELETED":
            del self.records[key]
            if self._order is not None:
                del self._order[bisect_left(self._order, (path(key),))]
        else:
            if self._order is not None and key not in self.records:
                insort(self._order, (path(key), key))
            self.records[key] = event.record
        if self.volatile:
            return
        self.history.append(event)
        if len(self.history) > FRESH:
            self.history[-FRESH].line = None
        self._weight += len(event.record.data)
        while len(self.history) > self._limit or (self._weight > self._heaviest and len(self.history) > 1):
            self._forget()

    def forget_until(self, rv: int) -> None:
        """Shortens the history to what came after a version."""
        while self.history and self.history[0].rv <= rv:
            self._forget()
        self.horizon = max(self.horizon, rv)

    def _forget(self) -> None:
        event = self.history.popleft()
        self._weight -= len(event.record.data)
        self.horizon = event.rv

    def end_watches(self) -> None:
        """Asks all who follow changes for others to come to an end."""
        for follower in tuple(self.followers):
            follower.close()

    def tell(self, event: Event) -> None:
        """Says to all who want to know that a change was taken in."""
        for listener in tuple(self.listeners):
            listener(event)
        for follower in self.followers:
            follower.take(event)

    def at(self, rv: int) -> list[Record]:
        """The records as they were at a version within the history, in order."""
        past = dict(self.records)
        for event in reversed(self.history):
            if event.rv <= rv:
                break
            if event.previous is None:
                past.pop(event.record.key, None)
            else:
                past[event.record.key] = event.previous
        return [past[key] for key in sorted(past, key=path)]

    def since(self, rv: int) -> list[Event]:
        """The changes after a version, oldest first."""
        found: list[Event] = []
        for event in reversed(self.history):
            if event.rv <= rv:
                break
            found.append(event)
        found.reverse()
        return found
