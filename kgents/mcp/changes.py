"""Which resources changed, as the hive changes: one watch for all clients, begun when the first one subscribes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Awaitable, Callable

from kgents.api.errors import KgentsError
from kgents.glass.look import POLL_SECONDS
from kgents.glass.stream import LISTS, Heard, stream
from kgents.mcp.hive import Hive
from kgents.mcp.offers import uri_of

log = logging.getLogger(__name__)
GATHER = 0.5
"""Seconds in which changes of the same resource become one notification."""
STATUS = uri_of("cluster.manifest")
_SINGLE = {"agents": "agents.get", "proposals": "proposals.get"}


class Changes:
    """`publish` gets the URIs of what changed, at most every GATHER seconds."""

    def __init__(self, hive: Hive, publish: Callable[[set[str]], Awaitable[None]]) -> None:
        self._hive = hive
        self._publish = publish
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Watch from now on. Called in the event loop; again is nothing."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._listen, name="changes", daemon=True)
            self._thread.start()

    async def run(self) -> None:
        """Publishes for ever."""
        try:
            while True:
                await self._news.wait()
                await asyncio.sleep(GATHER)
                self._news.clear()
                with self._lock:
                    changed, self._changed = self._changed, set()
                await self._publish(changed)
        finally:
            self._stop.set()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except KgentsError as error:  # no hive yet
                log.debug("nothing to watch: %s", error)
            except Exception:
                log.exception("watching the hive broke; it begins anew")
            self._stop.wait(POLL_SECONDS)

    def _follow(self) -> None:
        about = About()
        for heard in stream(self._hive.glass(), namespace=self._hive.scope, ghost_only=False, pause=self._stop.wait):
            if self._stop.is_set():
                return
            if uris := about.take(heard):
                self._note(uris)

    def _note(self, uris: set[str]) -> None:
        with self._lock:
            self._changed |= uris
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody listens any more
                self._loop.call_soon_threadsafe(self._news.set)


class About:
    """What each thing that is heard is about; what there is at first is no change."""

    def __init__(self) -> None:
        self._synced = False
        self._layer = ""

    def take(self, heard: Heard) -> set[str]:
        """The URIs of what changed."""
        if heard.type == "SYNCED":
            moved, self._layer = self._layer != heard.source.layer, heard.source.layer
            changed, self._synced = self._synced and moved, True
            return {STATUS} if changed else set()
        if not self._synced:
            return set()
        if heard.type in ("BRAKES", "LAYER"):
            return {STATUS}
        if heard.resource not in LISTS:
            return set()
        uris = {uri_of(LISTS[heard.resource])}
        if heard.resource in _SINGLE:
            uris.add(uri_of(_SINGLE[heard.resource], str(json.loads(heard.item).get("name") or "")))
        return uris
