"""PUT, and what every other change of an object has in common with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from kgents.embedded.apiserver import bodies, metadata
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.api import answer, read
from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import bad_request, conflict, invalid, not_found
from kgents.embedded.apiserver.options import check_options
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.shaping import accept, decode_strictly, track
from kgents.embedded.apiserver.store.records import Record
from kgents.embedded.apiserver.store.store import Moved
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.apiserver.validating import run_schema, run_strategy
from kgents.embedded.schema.causes import Cause

Object = dict[str, Any]
Change = Callable[[Object], Object]
OF_STATUS = ("status", "approval")
"""The endpoints that change an object's status alone; strategies say which part of it."""
ATTEMPTS = 200
"""Each attempt that fails means that somebody else's write went through: there is progress."""


async def replace(call: Call, subresource: str = "") -> Answer:
    """Replaces an object, or the part of it that a subresource is. Raises 400, 404, 409, 422."""
    check_options(call, "UpdateOptions")
    obj = bodies.decode(call)
    await aside(len(call.body), lambda: decode_strictly(call, obj, call.body))
    if not metadata.of(obj).get("name"):
        where = f"the name of the object ({call.info.name} based on URL)"
        raise bad_request(f"{where} was undeterminable: name must be provided")
    metadata.match_path(call, metadata.of(obj), create=False)
    metadata.merge_owners(call, obj["metadata"])
    given = obj["metadata"].get("resourceVersion") not in metadata.ANY_VERSION
    if not given and not call.resource.strategy.unconditional_update:
        await _must_exist(call)
        cause = Cause(
            "metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0: must be specified for an update"
        )
        raise invalid(call.resource.group, call.resource.plural, call.info.name, [cause])
    raw = orjson.dumps(obj)

    def change(_old: Object) -> Object:
        new: Object = orjson.loads(raw)
        return new

    return answer(call, await change_object(call, change, subresource, pinned=given))


async def _must_exist(call: Call) -> None:
    if call.api.collection(call.resource).get(call.namespace, call.info.name) is None:
        raise not_found(call.resource.group, call.resource.plural, call.info.name)


async def change_object(
    call: Call, change: Change, subresource: str = "", *, pinned: bool = False, tracked: bool = False
) -> Record:
    """Reads, changes, judges and writes an object, again from the start if somebody was faster.

    `pinned`: the client named the version it has seen, so it is told instead. `tracked`: managedFields are settled.
    """
    resource = call.resource
    collection = call.api.collection(resource)
    for attempt in range(ATTEMPTS):
        record = collection.get(call.namespace, call.info.name)
        if record is None:
            raise not_found(resource.group, resource.plural, call.info.name)
        size = max(len(call.body), len(record.data))
        old, new = await aside(size, partial(_changed, resource, record, change))
        write = Write(call.api, call.namespace, call.info.name, subresource, call.dry_run, call.now, call.user)
        await _settle(call, new, old, write, tracked=tracked, size=size)
        try:
            return await _commit(call, record, new, old)
        except Moved:
            if pinned or attempt == ATTEMPTS - 1:
                raise conflict(resource.group, resource.plural, call.info.name) from None
    raise conflict(resource.group, resource.plural, call.info.name)


def _changed(resource: Resource, record: Record, change: Change) -> tuple[Object, Object]:
    """An object as it is and as it is to be."""
    return read(resource, record), change(read(resource, record))


async def _settle(call: Call, new: Object, old: Object, write: Write, *, tracked: bool, size: int) -> None:
    resource = call.resource
    meta = metadata.of(new)
    metadata.match_path(call, meta, create=False)
    asked = [] if resource.volatile else metadata.prepare_update(call, meta, old["metadata"])
    fields = meta.get("managedFields")
    _keep_apart(call, new, old, write.subresource)
    if write.subresource in OF_STATUS:
        asked = []
        new["metadata"] = {**old["metadata"]}
        if fields is not None:
            new["metadata"]["managedFields"] = fields
    await aside(size, lambda: _complete(resource, new))
    if not tracked:
        await aside(size, lambda: track(call, old, new, write.subresource))
    review = review_of(call, new, old, write.subresource)
    kept = dict(new["metadata"])
    await call.api.admission.mutate(review)
    if review.changed:
        _take_back(call, review, new, old, kept)
    resource.strategy.prepare_update(new, old, write)
    resource.schema.fill_structs(new)
    if "generation" in old["metadata"] and write.subresource not in OF_STATUS and resource.strategy.changed(new, old):
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1
    metadata.merge_owners(call, new["metadata"], metadata.AFTER_ADMISSION)
    causes = asked + metadata.validate_update(call, new["metadata"], old["metadata"])
    causes += await _judged(resource.strategy, new, old, write)
    causes += await run_schema(call, new, old, size, write.subresource)
    if causes:
        raise invalid(resource.group, resource.kind, call.info.name, causes)
    if write.subresource != "status":
        metadata.warn(call, new["metadata"], old["metadata"])
        call.warnings += resource.strategy.warnings(new, old)
    await call.api.admission.validate(review_of(call, new, old, write.subresource))


async def _judged(strategy: Strategy, new: Object, old: Object, write: Write) -> list[Cause]:
    """What is wrong with a change.

    What an older version took and this one would not is let be: else nobody could take off its finalizers.
    """
    causes = await run_strategy(strategy, lambda: strategy.validate_update(new, old, write))
    before = await run_strategy(strategy, lambda: strategy.validate(old, write)) if causes else []
    return [cause for cause in causes if cause not in before]


def _complete(resource: Resource, new: Object) -> None:
    resource.schema.prune(new)
    resource.schema.default(new)
    resource.strategy.default(new)


def _take_back(call: Call, review: Review, new: Object, old: Object, kept: Object) -> None:
    """What webhooks changed, within what this endpoint may change at all."""
    if review.subresource == "scale":
        from kgents.embedded.apiserver.scale import set_replicas

        set_replicas(call, new, review.obj or {})
    elif review.subresource != "binding":
        _keep_apart(call, new, old, review.subresource)
        if review.subresource in OF_STATUS:
            new["metadata"] = dict(kept)
        accept(call, new, kept, create=False)


def review_of(call: Call, new: Object, old: Object, subresource: str) -> Review:
    """A change as its judges see it: what the endpoint takes, which need not be the object itself."""
    if subresource == "scale":
        from kgents.embedded.apiserver.scale import scale_of

        return Review(call, "UPDATE", scale_of(call.resource, new), scale_of(call.resource, old), subresource)
    if subresource == "binding":
        return Review(call, "CREATE", bodies.parse(call.body, call.content_type), None, subresource)
    return Review(call, "UPDATE", new, old, subresource)


def _keep_apart(call: Call, new: Object, old: Object, subresource: str) -> None:
    """The status endpoint changes nothing but the status; the object's own endpoint anything but it."""
    if subresource in OF_STATUS:
        for key in [key for key in new if key not in ("status", "metadata", "kind", "apiVersion")]:
            del new[key]
        new.update((key, value) for key, value in old.items() if key not in ("status", "metadata"))
    elif call.resource.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]


async def _commit(call: Call, record: Record, new: Object, old: Object) -> Record:
    resource = call.resource
    stored = metadata.ordered(resource, new)
    if stored == old or _undated(stored) == _undated(old):
        return record
    if resource.write is not None:
        stored = resource.write(stored)
    if call.dry_run:
        return Record.of(record.key, record.rv, stored, orjson.dumps(stored))
    collection = call.api.collection(resource)
    if _finished(new, old):
        await call.api.store.delete(collection, record)
        return Record.of(record.key, record.rv, stored, orjson.dumps(stored))
    return await call.api.store.put(collection, record.key, stored, record)


def _undated(obj: Object) -> Object:
    """An object without the times of its managedFields: an apply that changes those alone changes nothing.

    As Kubernetes' apiserver does it (fieldmanager, IgnoreManagedFieldsTimestampsTransformer).
    """
    entries = obj["metadata"].get("managedFields") or ()
    fields = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": fields}}


def _finished(new: Object, old: Object) -> bool:
    """Whether this change took away the last thing that a deletion waited for."""
    meta = new["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("deletionGracePeriodSeconds", 0):
        return False
    waited = old["metadata"].get("finalizers") or _kept_by_spec(old)
    return bool(waited) and not meta.get("finalizers") and not _kept_by_spec(new)


def _kept_by_spec(obj: Object) -> bool:
    return obj.get("kind") == "Namespace" and bool((obj.get("spec") or {}).get("finalizers"))
