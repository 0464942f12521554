"""GET with watch: a stream of changes, from a version on or from what exists."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import orjson
from aiohttp import web

from kgents.embedded.apiserver import forms
from kgents.embedded.apiserver.api import render
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, expired, invalid
from kgents.embedded.apiserver.reads import matcher
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.store.records import Collection, Record
from kgents.embedded.apiserver.watch import Encode, Watcher, frame
from kgents.embedded.schema.causes import forbidden, not_supported

BOOKMARK_SECONDS = 30.0
log = logging.getLogger(__name__)


async def watch(call: Call, request: web.BaseRequest) -> web.StreamResponse:
    """Serves a watch until its time is up, the client goes or the server stops. Raises 400, 422."""
    form = forms.wanted(call)
    since, initial = _start(call)
    collection = call.api.collection(call.resource)
    encode = _encoder(call, form)
    watcher = Watcher(collection, matcher(call), encode)
    response = web.StreamResponse(headers={"Content-Type": forms.JSON, "Cache-Control": "no-cache, private"})
    watcher.start()
    try:
        # From here to the first await nothing can be committed: what exists and what follows join without a gap.
        gone = _fill(call, watcher, collection, since, initial)
        await response.prepare(request)
        if gone is not None:
            await response.write(frame("ERROR", orjson.dumps(gone.status)))
            await response.write_eof()
            return response
        await _serve(call, response, watcher)
    except ConnectionResetError:
        log.debug("A watcher of %s has gone", call.resource.qualified)
    finally:
        watcher.stop()
    return response


def _start(call: Call) -> tuple[int | None, bool]:
    """From which version on (None: from what exists), and whether the initial objects are ended by a bookmark."""
    query = call.info.query
    rv = query.get("resourceVersion", "")
    if rv and not rv.isdigit():
        raise bad_request(f'Invalid value: "{rv}": strconv.ParseUint: parsing "{rv}": invalid syntax')
    initial = query.get("sendInitialEvents")
    match = query.get("resourceVersionMatch", "")
    causes = []
    if match and initial is None:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(forbidden("resourceVersionMatch", why))
    if initial is not None and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(forbidden("resourceVersionMatch", why))
        if match:
            causes.append(not_supported("resourceVersionMatch", match, ["NotOlderThan"]))
    if causes:
        raise invalid("meta.k8s.io", "ListOptions", "", causes)
    if initial is not None and call.info.flag("sendInitialEvents"):
        return None, call.info.flag("allowWatchBookmarks")
    return (int(rv) if rv not in ("", "0") else None), False


def _fill(
    call: Call, watcher: Watcher, collection: Collection, since: int | None, bookmark: bool
) -> StatusError | None:
    if since is None:
        matches = matcher(call)
        for record in collection.span(call.namespace or None):
            if matches is None or matches(record):
                watcher.initial(record)
        if bookmark:
            watcher.bookmark(_bookmark(call, initial=True))
        return None
    if since < collection.horizon:
        return expired(f"too old resource version: {since} ({collection.horizon + 1})")
    for event in collection.since(since):
        watcher.take(event)
    return None


def _bookmark(call: Call, *, initial: bool = False) -> bytes:
    resource = call.resource
    meta: dict[str, Any] = {"resourceVersion": str(call.api.store.rv)}
    if initial:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
    return frame("BOOKMARK", orjson.dumps(obj))


def _encoder(call: Call, form: forms.Form) -> Encode | None:
    resource: Resource = call.resource
    if form.kind == "Table":
        from kgents.embedded.apiserver.tables import TableStream

        return TableStream(call, form.version).encode
    if form.kind:
        return lambda kind, record: frame(kind, orjson.dumps(forms.partial(orjson.loads(record.data), form.version)))
    if resource.read is None:
        return None

    def converted(kind: str, record: Record) -> bytes:
        return frame(kind, render(resource, record))

    return converted


async def _serve(call: Call, response: web.StreamResponse, watcher: Watcher) -> None:
    query = call.info.query
    loop = asyncio.get_running_loop()
    limit = int(query["timeoutSeconds"]) if query.get("timeoutSeconds", "").isdigit() else 0
    ends = loop.time() + (limit or random.uniform(1800, 3600))
    bookmarks = call.info.flag("allowWatchBookmarks")
    stopping = asyncio.create_task(call.api.stopping.wait())
    try:
        while not (watcher.closed or watcher.dropped or stopping.done()):
            if watcher.waiting:
                await response.write(watcher.drain())
                continue
            left = ends - loop.time()
            if left <= 0:
                break
            heard = asyncio.create_task(watcher.ready.wait())
            pause = min(left, BOOKMARK_SECONDS) if bookmarks else left
            await asyncio.wait((heard, stopping), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if not heard.done():
                heard.cancel()
                if bookmarks and not stopping.done():
                    await response.write(_bookmark(call))
        if watcher.waiting:
            await response.write(watcher.drain())
        await response.write_eof()
    finally:
        stopping.cancel()
