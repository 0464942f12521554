"""What feeds the garbage collector: mirrors of what takes part in ownership, and a look now and then at the rest.

Most kinds of a cluster never own anything and are never owned. A watch for each of them would cost a connection on
both sides for nothing, so those are listed every half minute, until one of their objects turns out to matter.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import CONFIG_MAP, CRD, NETWORK_POLICY, ROLE, ROLE_BINDING, SECRET, SERVICE_ACCOUNT, Kind
from kgents.embedded.controllers.garbage import GarbageCollector
from kgents.embedded.controllers.metadata import MetadataClient
from kgents.embedded.controllers.objects import Object
from kgents.kube.informer import Informer

log = logging.getLogger(__name__)

RESCAN = 30.0
"""Seconds between readings of discovery, and looks at unwatched kinds, that nothing prompted."""
_SETTLE = 0.2
_SPREAD = 0.01
"""Between the starts of two mirrors: a hive that has just begun has better to do than forty handshakes at once."""
_WATCHED = {kind.path() for kind in (CONFIG_MAP, SECRET, SERVICE_ACCOUNT, ROLE, ROLE_BINDING, NETWORK_POLICY, CRD)}


class Monitors:
    """Keeps the mirrors in step with discovery. `shared` are mirrors of whole resources that run anyway."""

    def __init__(
        self,
        api: MetadataClient,
        collector: GarbageCollector,
        shared: Sequence[Informer] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._collector = collector
        self._clock = clock
        self._informers: dict[str, Informer] = {}
        self._listed: dict[str, dict[str, Object]] = {}
        self._listed_at = -RESCAN
        self._changed = asyncio.Event()
        self._promoted: set[str] = set(_WATCHED)
        self._shared = {informer.kind.path() for informer in shared}
        for informer in shared:
            informer.on_change(self._feed(informer.kind))
        collector.on_owner(self._promote)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow discovery until `stop`."""
        try:
            while not stop.is_set():
                self._changed.clear()
                try:
                    await self._follow()
                except KgentsError as error:
                    log.warning("discovery failed, garbage of new kinds waits: %s", error)
                await self._pause(stop)
        finally:
            for informer in self._informers.values():
                await informer.stop()

    async def _follow(self) -> None:
        discovered = await self._collector.refresh()
        wanted = {item.kind.path(): item.kind for item in discovered.resources if item.is_collectable}
        looks = self._clock() - self._listed_at >= RESCAN
        if looks:
            self._listed_at = self._clock()
        for path, kind in wanted.items():
            if path in self._informers or path in self._shared:
                continue
            if path in self._promoted or _is_custom(kind) or (looks and await self._matters(path, kind)):
                self._informers[path] = await self._start(kind)
                self._listed.pop(path, None)
                await asyncio.sleep(_SPREAD)
        if discovered.complete:
            await self._drop([path for path in self._informers if path not in wanted])

    async def _drop(self, paths: list[str]) -> None:
        for path in paths:
            informer = self._informers.pop(path)
            await informer.stop()
            # A server that is starting may list less than it has. Objects of a CRD that really goes are deleted first,
            # and their watch told so.
            for obj in informer.store.values():
                self._collector.forget(obj)

    async def _matters(self, path: str, kind: Kind) -> bool:
        """List an unwatched kind; whether one of its objects owns, is owned or is on its way out."""
        try:
            found = {item["metadata"]["uid"]: item for item in (await self._api.list(kind))["items"]}
        except KgentsError as error:
            log.info("cannot list %s for garbage: %s", kind.plural, error)
            return False
        for uid, obj in self._listed.get(path, {}).items():
            if uid not in found:
                self._collector.lose(obj)
        for obj in found.values():
            self._collector.see(kind, obj)
        self._listed[path] = found
        return any(self._collector.matters(obj) for obj in found.values())

    def _promote(self, kind: Kind) -> None:
        """An object of this kind owns something: from now on its end must be heard of at once."""
        path = kind.path()
        if path not in self._promoted and path not in self._shared:
            self._promoted.add(path)
            self._changed.set()

    async def _start(self, kind: Kind) -> Informer:
        informer = Informer(self._api, kind)
        informer.on_change(self._feed(kind))
        if kind.plural == CRD.plural:
            informer.on_change(lambda event, obj: self._changed.set())
        await informer.start()
        return informer

    def _feed(self, kind: Kind) -> Callable[[str, Object], Any]:
        def feed(event: str, obj: Object) -> None:
            if event == "DELETED":
                self._collector.lose(obj)
            else:
                self._collector.see(kind, obj)

        return feed

    async def _pause(self, stop: asyncio.Event) -> None:
        """Until a CRD changed, the time is up, or all ends."""
        waits = [asyncio.ensure_future(self._changed.wait()), asyncio.ensure_future(stop.wait())]
        _, pending = await asyncio.wait(waits, timeout=RESCAN, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        if not stop.is_set():
            await asyncio.sleep(_SETTLE)


def _is_custom(kind: Kind) -> bool:
    group = kind.api_version.rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")
