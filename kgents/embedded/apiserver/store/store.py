"""The hive's state in memory, rebuilt from the log at start and changed only by what the log has on disk.

Writers hand over the record that they read. If somebody else was faster, they get `Moved` and decide again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.layout import FIRST, Damaged, Row, is_damage
from kgents.embedded.apiserver.store.lock import StoreFailed
from kgents.embedded.apiserver.store.records import Collection, Event, Key, Record

WINDOW = 20_000
CHUNK = 500
WINDOW_BYTES = 128 * 1024 * 1024
"""What superseded versions may take on disk before the oldest are removed."""
LARGEST = 1536 * 1024
"""The largest object, as JSON: etcd's limit on a request."""

Write = tuple[Collection, Event, "asyncio.Future[None]"]


class Moved(KgentsError):
    """The object is no longer what the writer had read."""


class TooLarge(KgentsError):
    """The object is larger than the store takes."""


class Store:
    """All collections. Everything runs in one event loop; only the log's writer is another thread."""

    def __init__(
        self, database: Database, *, window: int = WINDOW, chunk: int = CHUNK, window_bytes: int = WINDOW_BYTES
    ) -> None:
        self.rv = FIRST
        self.path = database.path
        self.collections: dict[str, Collection] = {}
        self._database = database
        self._window = window
        self._chunk = chunk
        self._last = FIRST
        self._pending: dict[tuple[str, Key], asyncio.Future[None]] = {}
        self._window_bytes = window_bytes
        self._superseded: deque[tuple[int, int, int]] = deque()
        """(version by which it was superseded, superseded version, its bytes), oldest first."""
        self._superseded_bytes = 0
        self.damage = ""
        """What was found broken while in use; nothing is written any more then."""
        self.on_damage: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        database.deliver = self._deliver
        self._load()
        behind = database.start(self._last)
        if behind > self._last:
            self._jump(behind)

    def collection(self, name: str, *, volatile: bool = False) -> Collection:
        """The collection of that name, made when first asked for."""
        found = self.collections.get(name)
        if found is None:
            found = self.collections[name] = Collection(name, volatile=volatile)
            found.horizon = max(self._database_horizon, FIRST)
        return found

    def _load(self) -> None:
        self._database_horizon = self._database.meta("horizon")
        for rv, resource, namespace, name, deleted, value in self._database.rows():
            collection = self.collection(resource)
            key = (namespace, name)
            previous = collection.records.get(key)
            try:
                record = Record.of(key, rv, orjson.loads(value), value)
            except (ValueError, AttributeError) as error:
                raise Damaged(f"version {rv}, of {resource} {namespace}/{name}, is no object") from error
            kind = "DELETED" if deleted else "MODIFIED" if previous else "ADDED"
            self._last = rv
            self._remember(record, previous, deleted=bool(deleted))
            if deleted and previous is None:
                continue
            collection.apply(Event(kind, record, previous))
        for collection in self.collections.values():
            collection.forget_until(self._database_horizon)
        self._last = max(self._last, self._database_horizon)
        self.rv = self._last

    def _jump(self, version: int) -> None:
        """Goes on behind a higher version. Whoever wants to resume from before it has to list again."""
        self.rv = self._last = self._database_horizon = version
        for collection in self.collections.values():
            collection.forget_until(version)
        self._database.forget([], version)

    def _remember(self, record: Record, previous: Record | None, *, deleted: bool) -> None:
        if previous is not None:
            self._superseded.append((record.rv, previous.rv, len(previous.data)))
            self._superseded_bytes += len(previous.data)
        if deleted:
            self._superseded.append((record.rv, record.rv, len(record.data)))
            self._superseded_bytes += len(record.data)

    async def put(self, collection: Collection, key: Key, obj: dict[str, Any], expected: Record | None) -> Record:
        """Writes an object over the record that the caller had read (None: there was none). Sets its resourceVersion.

        Raises Moved if that record is no longer the current one, StoreFailed if the disk refused.
        """
        await self._claim(collection, key, expected)
        if collection.volatile:
            record = Record.of(key, 0, obj, orjson.dumps(obj))
            collection.apply(Event("MODIFIED" if expected else "ADDED", record, expected))
            return record
        rv = self._next()
        obj["metadata"]["resourceVersion"] = str(rv)
        record = Record.of(key, rv, obj, orjson.dumps(obj))
        if len(record.data) > LARGEST:
            raise TooLarge("The object is too large", why=f"{len(record.data)} bytes, at most {LARGEST} are stored")
        await self._write(collection, Event("MODIFIED" if expected else "ADDED", record, expected))
        return record

    async def delete(self, collection: Collection, expected: Record, obj: Mapping[str, Any] | None = None) -> Record:
        """Removes an object. Returns its last content under the version of the deletion."""
        await self._claim(collection, expected.key, expected)
        last = dict(obj) if obj is not None else expected.parse()
        if collection.volatile:
            collection.apply(Event("DELETED", expected, expected))
            return expected
        rv = self._next()
        last["metadata"] = {**last["metadata"], "resourceVersion": str(rv)}
        record = Record.of(expected.key, rv, last, orjson.dumps(last))
        await self._write(collection, Event("DELETED", record, expected))
        return record

    async def _claim(self, collection: Collection, key: Key, expected: Record | None) -> None:
        pending = self._pending.get((collection.name, key))
        if pending is not None:
            await asyncio.wait([pending])
            raise Moved("Another write to the same object came first")
        if collection.records.get(key) is not expected:
            raise Moved("The object has changed since it was read")

    def _next(self) -> int:
        self._last += 1
        return self._last

    async def _write(self, collection: Collection, event: Event) -> None:
        record = event.record
        if self.damage:
            raise StoreFailed("The hive's store is damaged", why=self.damage, fix="Its server starts anew now.")
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = self._loop.create_future()
        claim = (collection.name, record.key)
        self._pending[claim] = future
        row: Row = (record.rv, collection.name, *record.key, int(event.type == "DELETED"), record.data)

        self._database.append(row, (collection, event, future))
        # Shielded: a client that goes away must not hide from the others what is on its way to the disk.
        await asyncio.shield(future)

    def _deliver(self, tokens: list[Write], error: Exception | None) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._committed, tokens, error)

    def _committed(self, tokens: list[Write], error: Exception | None) -> None:
        if error is not None and is_damage(error) and not self.damage:
            self.damage = str(error)
            self._database.condemn(self.damage)
            self.on_damage()
        for collection, event, future in tokens:
            self._pending.pop((collection.name, event.record.key), None)
            if error is not None:
                failure = StoreFailed("The hive could not write to its store", why=str(error), fix="Is the disk full?")
                failure.__cause__ = error
                future.set_exception(failure)
                continue
            self.rv = max(self.rv, event.rv)
            collection.apply(event)
            self._remember(event.record, event.previous, deleted=event.type == "DELETED")
            collection.tell(event)
            future.set_result(None)
        self._compact()

    def _compact(self) -> None:
        waiting = self._superseded
        if len(waiting) < self._window + self._chunk and self._superseded_bytes <= self._window_bytes:
            return
        gone: list[int] = []
        horizon, lighter = 0, self._window_bytes * 15 // 16
        # What one change superseded goes together: a deletion's mark must never go before what it deleted.
        while waiting and (len(waiting) > self._window or self._superseded_bytes > lighter or waiting[0][0] == horizon):
            horizon, rv, size = waiting.popleft()
            self._superseded_bytes -= size
            gone.append(rv)
        self._database_horizon = horizon
        self._database.forget(gone, horizon)

    def rows(self) -> list[Row]:
        """The current objects, as rows of a log."""
        kept = (one for one in self.collections.values() if not one.volatile)
        return [(one.rv, each.name, *one.key, 0, one.data) for each in kept for one in each.records.values()]

    def end_watches(self) -> None:
        """Asks all who follow changes for others to come to an end."""
        for collection in self.collections.values():
            collection.end_watches()

    def close(self) -> None:
        """Writes what waits and closes the log."""
        self._database.close()
