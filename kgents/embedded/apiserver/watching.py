"""GET with watch: a stream of changes, from a version on or from what exists."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from kgents.embedded.apiserver import forms
from kgents.embedded.apiserver.api import render
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, expired
from kgents.embedded.apiserver.list_options import check_watch, too_large, version, whole_number
from kgents.embedded.apiserver.reads import matcher
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.store.records import Collection
from kgents.embedded.apiserver.watch import Encode, Watcher, frame

BOOKMARK_SECONDS = 60.0
BOOKMARK_BEFORE_END = 2.0
"""Kubernetes' cadence: once a minute, and just before the end."""
INITIAL_END = {"k8s.io/initial-events-end": "true"}
Show = Callable[[str, dict[str, Any]], bytes]
log = logging.getLogger(__name__)


async def watch(call: Call, request: web.BaseRequest) -> web.StreamResponse:
    """Serves a watch until its time is up, the client goes or the server stops. Raises 400, 422."""
    form = forms.wanted(call)
    check_watch(call)
    asked, seconds = version(call), whole_number(call, "timeoutSeconds")
    collection = call.api.collection(call.resource)
    initial = _wants_initial(call, asked)
    place = call.api.store.rv if initial or not asked else asked
    show = _shower(call, form)
    watcher = Watcher(collection, place, matcher(call), _encoder(call, show))
    response = web.StreamResponse(headers={"Content-Type": forms.JSON, "Cache-Control": "no-cache, private"})
    stream = _Stream(call, show, response, watcher)
    # From here to the first await nothing can be committed: what exists and what follows join without a gap.
    refused = _refused(call, collection, asked, initial=initial)
    if refused is None:
        if initial:
            watcher.begin_with(collection.span(call.namespace or None))
            if call.info.flag("allowWatchBookmarks"):
                watcher.mark(stream.bookmark(INITIAL_END))
        watcher.start()
    try:
        await response.prepare(request)
        if refused is not None:
            await response.write(frame("ERROR", orjson.dumps(refused.status)))
        else:
            await stream.serve(seconds or random.uniform(1800, 3600))
        await response.write_eof()
    except ConnectionError as error:
        log.debug("A watcher of %s has gone: %s", call.resource.qualified, error)
    finally:
        watcher.stop()
    return response


def _wants_initial(call: Call, asked: int) -> bool:
    """Whether it begins with what exists. Unless told otherwise it does where no version is named."""
    if "sendInitialEvents" in call.info.query:
        return call.info.flag("sendInitialEvents")
    return not asked


def _refused(call: Call, collection: Collection, asked: int, *, initial: bool) -> StatusError | None:
    current = call.api.store.rv
    if initial:
        return too_large(asked, current) if asked > current else None
    if asked and asked < collection.horizon:
        return expired(f"too old resource version: {asked} ({collection.horizon + 1})")
    return None


def _shower(call: Call, form: forms.Form) -> Show | None:
    """How an object is shown in another form than its own."""
    if form.kind == "Table":
        from kgents.embedded.apiserver.tables import TableStream

        return TableStream(call, form.version).show
    if form.kind:
        return lambda kind, obj: frame(kind, orjson.dumps(forms.partial(obj, form.version)))
    return None


def _encoder(call: Call, show: Show | None) -> Encode | None:
    resource: Resource = call.resource
    if show is not None:
        return lambda kind, record: show(kind, orjson.loads(render(resource, record)))
    if resource.read is None:
        return None
    return lambda kind, record: frame(kind, render(resource, record))


class _Stream:
    """Sends what a watcher sees, with bookmarks between, until its end."""

    def __init__(self, call: Call, show: Show | None, response: web.StreamResponse, watcher: Watcher) -> None:
        self._call = call
        self._show = show
        self._response = response
        self._watcher = watcher

    def bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        """An event that says how far the client has seen everything."""
        resource = self._call.resource
        meta: dict[str, Any] = {"resourceVersion": str(max(self._call.api.store.rv, self._watcher.place))}
        if annotations:
            meta["annotations"] = annotations
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        return self._show("BOOKMARK", obj) if self._show is not None else frame("BOOKMARK", orjson.dumps(obj))

    async def serve(self, seconds: float) -> None:
        """Raises ConnectionError when the client goes, or takes nothing for too long."""
        watcher, loop = self._watcher, asyncio.get_running_loop()
        begun = loop.time()
        ends = begun + seconds
        marks = self._call.info.flag("allowWatchBookmarks")
        marked = begun
        while not watcher.closed:
            if watcher.behind:
                return
            if watcher.waiting:
                if data := watcher.drain():
                    await self._response.write(data)
                if loop.time() < ends:
                    continue
            now = loop.time()
            if now >= ends:
                return
            due = _next_mark(marked, ends) if marks else ends
            if now >= due and marks:
                await self._response.write(self.bookmark())
                marked = now
                continue
            await watcher.wait(min(due, ends) - now)
        while watcher.waiting and not watcher.behind:
            await self._response.write(watcher.drain())


def _next_mark(marked: float, ends: float) -> float:
    """When the next bookmark is due: a minute after the last one, or just before the end, whichever comes first."""
    last_chance = ends - BOOKMARK_BEFORE_END
    return min(marked + BOOKMARK_SECONDS, last_chance if marked < last_chance else ends)
