"""A local mirror of one resource: list, then watch from there, for as long as it runs.

It outlives every fault of the server: a watch that ends is resumed from the last resourceVersion, one that is too
old is replaced by a new list whose differences are told, and while nothing answers it tries again with back-off.
Handlers are told what changed, in order, from the event loop; a handler that fails is reported to the loop's
exception handler and stops nothing. Do not change what `store` holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from kgents.api.errors import KgentsError, Unreachable
from kgents.api.kinds import Kind
from kgents.kube.backoff import Backoff
from kgents.kube.client import KubeClient, Object
from kgents.kube.errors import ApiError, Gone
from kgents.kube.tasks import ended

log = logging.getLogger(__name__)

Key = tuple[str, str]
Change = Callable[[str, Object], Any]

HEARTBEAT = 5.0
"""Seconds between looks whether the server still answers, while its watch is quiet."""
SHORT_WATCH = 1.0
"""A watch that ends sooner is a server in trouble: the next one waits a little."""
INFORMER_PAGE = 2000


def key_of(obj: Object) -> Key:
    """(namespace or "", name)."""
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


class Informer:
    """Mirrors `kind` in one namespace, or in all. managedFields are left out: nobody reads them from a mirror."""

    def __init__(
        self,
        api: KubeClient,
        kind: Kind,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        *,
        backoff: Backoff | None = None,
    ) -> None:
        self.kind = kind
        self.store: dict[Key, Object] = {}
        self.synced = asyncio.Event()
        """Set once the first list has been told to the handlers; it stays set."""
        self.resource_version = ""
        self.last_contact: float | None = None
        """time.monotonic() when the mirror was last known to be in sync with the server."""
        self.connected = False
        self.last_error: KgentsError | None = None
        self._api = api
        self._namespace = namespace
        self._labels, self._fields = label_selector, field_selector
        self._backoff = backoff or Backoff(0.1, 10.0)
        self._handlers: list[Callable[[str, Object | None, Object], Any]] = []
        self._task: asyncio.Task[None] | None = None

    def on_change(self, handler: Change) -> Change:
        """`handler("ADDED" | "MODIFIED" | "DELETED", obj)`; for a deletion `obj` is the last that was seen."""
        self._handlers.append(lambda event, old, obj: handler(event, obj))
        return handler

    def on_added(self, handler: Callable[[Object], Any]) -> Callable[[Object], Any]:
        self._handlers.append(lambda event, old, obj: handler(obj) if event == "ADDED" else None)
        return handler

    def on_updated(self, handler: Callable[[Object, Object], Any]) -> Callable[[Object, Object], Any]:
        """`handler(old, new)`."""
        self._handlers.append(lambda event, old, obj: handler(old, obj) if event == "MODIFIED" and old else None)
        return handler

    def on_deleted(self, handler: Callable[[Object], Any]) -> Callable[[Object], Any]:
        self._handlers.append(lambda event, old, obj: handler(obj) if event == "DELETED" else None)
        return handler

    def get(self, namespace: str | None, name: str) -> Object | None:
        return self.store.get((namespace or "", name))

    async def __aenter__(self) -> Informer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin, in a task of its own. Does not wait for the first list: `wait_synced` does."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"informer {self.kind.plural}")

    async def stop(self) -> None:
        task, self._task = self._task, None
        self.connected = False
        if task is not None:
            await ended(task)

    async def run(self, stop: asyncio.Event) -> None:
        """Start, wait for `stop`, end."""
        async with self:
            await stop.wait()

    async def wait_synced(self, timeout: float = 30.0) -> None:
        """Raises Unreachable, with the last error as its reason, when the first list has not come by then."""
        try:
            async with asyncio.timeout(timeout):
                await self.synced.wait()
        except TimeoutError as error:
            why = str(self.last_error) if self.last_error else "the API server is slow"
            raise Unreachable(f"no list of {self.kind.plural} after {timeout:g} s", why=why) from error

    async def _run(self) -> None:
        while True:
            try:
                if not self.resource_version:
                    await self._relist()
                began = time.monotonic()
                await self._watch()
                if time.monotonic() - began < SHORT_WATCH:
                    await asyncio.sleep(self._backoff.next())
            except Gone:
                self.resource_version = ""
            except ApiError as error:
                # Whatever a server dislikes about this version, a new list puts right.
                self.resource_version = ""
                await self._pause(error)
            except KgentsError as error:
                await self._pause(error)

    async def _pause(self, error: KgentsError) -> None:
        self.connected = False
        # One line per trouble, however long it lasts.
        if str(error) != str(self.last_error):
            log.warning("the mirror of %s lost its server: %s", self.kind.plural, error)
        self.last_error = error
        await asyncio.sleep(self._backoff.next())

    def _alive(self) -> None:
        self.last_contact = time.monotonic()
        if not self.connected and self.last_error is not None:
            log.info("the mirror of %s is in sync again", self.kind.plural)
        self.connected = True
        self.last_error = None

    async def _relist(self) -> None:
        listed = await self._api.list(
            self.kind, self._namespace, label_selector=self._labels, field_selector=self._fields, limit=INFORMER_PAGE
        )
        fresh = {key_of(item): item for item in listed["items"]}
        for key in [key for key in self.store if key not in fresh]:
            self._tell("DELETED", self.store.pop(key))
        for key, item in fresh.items():
            self._keep(key, item)
        self.resource_version = str(listed["metadata"].get("resourceVersion") or "")
        self._alive()
        # Behind the handlers' turns, so that whoever waits finds their work done.
        asyncio.get_running_loop().call_soon(self.synced.set)

    async def _watch(self) -> None:
        events = self._api.watch(
            self.kind,
            self._namespace,
            resource_version=self.resource_version,
            label_selector=self._labels,
            field_selector=self._fields,
        )
        heartbeat = asyncio.create_task(self._heartbeat(), name=f"heartbeat {self.kind.plural}")
        try:
            async with contextlib.aclosing(events):
                async for event, obj in events:
                    self._see(event, obj)
        finally:
            heartbeat.cancel()

    async def _heartbeat(self) -> None:
        """A quiet watch and a dead server look alike: ask, and let `connected` tell the truth meanwhile."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self._api.heard_within(HEARTBEAT, timeout=HEARTBEAT)
            except ApiError:
                self._alive()
            except KgentsError as error:
                self.connected, self.last_error = False, error
            else:
                self._backoff.reset()
                self._alive()

    def _see(self, event: str, obj: Object) -> None:
        version = obj["metadata"].get("resourceVersion")
        if event == "DELETED":
            key = key_of(obj)
            self.store.pop(key, None)
            self._tell("DELETED", obj)
        elif event in ("ADDED", "MODIFIED"):
            self._keep(key_of(obj), obj)
        if version:
            self.resource_version = version
        self._backoff.reset()
        self._alive()

    def _keep(self, key: Key, obj: Object) -> None:
        old = self.store.get(key)
        if old is not None and old["metadata"].get("resourceVersion") == obj["metadata"].get("resourceVersion"):
            return
        obj["metadata"].pop("managedFields", None)
        self.store[key] = obj
        if old is not None and old["metadata"].get("uid") != obj["metadata"].get("uid"):
            # Deleted and made again while nobody looked: two facts, not one change.
            self._tell("DELETED", old)
            old = None
        self._tell("ADDED" if old is None else "MODIFIED", obj, old)

    def _tell(self, event: str, obj: Object, old: Object | None = None) -> None:
        # Through the loop: a handler that fails is reported there with its traceback, and the mirror goes on.
        loop = asyncio.get_running_loop()
        for handler in self._handlers:
            loop.call_soon(handler, event, old, obj)
