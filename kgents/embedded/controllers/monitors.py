"""One mirror for each resource of the server: they feed the garbage collector, and follow CRDs as they come and go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import CRD, Kind
from kgents.embedded.controllers.garbage import GarbageCollector
from kgents.embedded.controllers.metadata import MetadataClient
from kgents.embedded.controllers.objects import Object
from kgents.kube.informer import Informer

log = logging.getLogger(__name__)

RESCAN = 30.0
"""Seconds between readings of discovery that nothing prompted."""
_SETTLE = 0.2
_SPREAD = 0.01
"""Between the starts of two mirrors: a hive that has just begun has better to do than forty handshakes at once."""


class Monitors:
    """Keeps the mirrors in step with discovery. `shared` are mirrors of whole resources that run anyway."""

    def __init__(self, api: MetadataClient, collector: GarbageCollector, shared: Sequence[Informer] = ()) -> None:
        self._api = api
        self._collector = collector
        self._informers: dict[str, Informer] = {}
        self._changed = asyncio.Event()
        self._shared = {informer.kind.path() for informer in shared}
        for informer in shared:
            informer.on_change(self._feed(informer.kind))

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
        for path, kind in wanted.items():
            if path not in self._informers and path not in self._shared:
                self._informers[path] = await self._start(kind)
                await asyncio.sleep(_SPREAD)
        if not discovered.complete:
            return
        for path in [path for path in self._informers if path not in wanted]:
            informer = self._informers.pop(path)
            await informer.stop()
            # A server that is starting may list less than it has. Objects of a CRD that really goes are deleted first,
            # and their watch told so.
            for obj in informer.store.values():
                self._collector.forget(obj)

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
