"""DELETE of one object and of many: preconditions, grace, finalizers and what is to become of dependents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from kgents.embedded.apiserver import metadata
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.api import answer, read
from kgents.embedded.apiserver.calls import Answer, Call, later, timestamp
from kgents.embedded.apiserver.delete_options import Options, read_options
from kgents.embedded.apiserver.errors import StatusError, conflict, not_found, target
from kgents.embedded.apiserver.store.records import Record
from kgents.embedded.apiserver.store.store import Moved
from kgents.embedded.apiserver.strategy import Write

Object = dict[str, Any]
ATTEMPTS = 200
"""Each attempt that fails means that somebody else's write went through: there is progress."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion left: the object as it is or last was, and whether it is gone."""

    record: Record
    gone: bool


async def delete(call: Call) -> Answer:
    """Deletes one object, or begins to. Raises 400, 404, 409, 422."""
    asked = read_options(call)
    done = await delete_object(call, asked)
    if not done.gone or call.resource.returns_deleted:
        return answer(call, done.record, 202 if asked.cascading and not done.gone else 200)
    details = target(call.resource.group, call.resource.plural, call.info.name)
    details["uid"] = done.record.uid
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return Answer.json(body)


async def delete_object(call: Call, asked: Options, *, judged: bool = False) -> Deleted:
    """Deletes the object that the call names, again from the start if it changed meanwhile.

    `judged`: admission has already said yes to what caused the deletion.
    """
    resource = call.resource
    collection = call.api.collection(resource)
    for _ in range(ATTEMPTS):
        record = collection.get(call.namespace, call.info.name)
        if record is None:
            raise not_found(resource.group, resource.plural, call.info.name)
        obj = read(resource, record)
        _check_preconditions(call, obj, asked)
        resource.strategy.before_delete(obj, Write(call.api, call.namespace, call.info.name, now=call.now))
        if not judged:
            await call.api.admission.judge(Review(call, "DELETE", None, obj))
        try:
            return await _carry_out(call, record, obj, asked)
        except Moved:
            continue
    raise conflict(resource.group, resource.plural, call.info.name)


def _check_preconditions(call: Call, obj: Object, asked: Options) -> None:
    resource, meta = call.resource, obj["metadata"]
    why = ""
    if asked.uid and asked.uid != meta["uid"]:
        why = (
            f"the UID in the precondition ({asked.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
    elif asked.resource_version and asked.resource_version != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({asked.resource_version}) does not match the ResourceVersion "
            f"in record ({meta['resourceVersion']}). The object might have been modified"
        )
    if why:
        raise conflict(resource.group, resource.kind, call.info.name, why)


async def _carry_out(call: Call, record: Record, obj: Object, asked: Options) -> Deleted:
    resource = call.resource
    collection = call.api.collection(resource)
    if resource.volatile:
        return Deleted(await call.api.store.delete(collection, record), gone=True)
    meta = obj["metadata"]
    before = orjson.dumps(obj)
    grace = _grace(call, obj, asked)
    finalizers = _finalizers(list(meta.get("finalizers") or ()), asked.policy)
    meta["finalizers"] = finalizers
    if not finalizers:
        del meta["finalizers"]
    held = bool(finalizers) or resource.strategy.holds(obj)
    if not held and grace == 0:
        if call.dry_run:
            return Deleted(record, gone=True)
        return Deleted(await call.api.store.delete(collection, record), gone=True)
    _mark(meta, grace)
    resource.strategy.mark_deleted(obj)
    if orjson.dumps(obj) == before:
        return Deleted(record, gone=False)
    stored = metadata.ordered(resource, obj)
    if resource.write is not None:
        stored = resource.write(stored)
    if call.dry_run:
        return Deleted(Record.of(record.key, record.rv, stored, orjson.dumps(stored)), gone=False)
    return Deleted(await call.api.store.put(collection, record.key, stored, record), gone=False)


def _grace(call: Call, obj: Object, asked: Options) -> int:
    """Seconds that the deletion waits; one that is under way is only hurried by who says how long it may take."""
    pending = obj["metadata"].get("deletionGracePeriodSeconds") or 0
    if pending and asked.grace is None:
        return int(pending)
    return call.resource.strategy.grace(obj, asked.grace)


def _finalizers(names: list[str], policy: str) -> list[str]:
    if not policy:
        return names
    kept = [name for name in names if name not in ("orphan", "foregroundDeletion")]
    return kept + {"Orphan": ["orphan"], "Foreground": ["foregroundDeletion"]}.get(policy, [])


def _mark(meta: Object, grace: int) -> None:
    if meta.get("deletionTimestamp"):
        pending = meta.get("deletionGracePeriodSeconds") or 0
        if grace < pending:
            meta["deletionTimestamp"] = later(meta["deletionTimestamp"], grace - pending)
            meta["deletionGracePeriodSeconds"] = grace
        return
    meta["deletionTimestamp"] = timestamp(grace)
    meta["deletionGracePeriodSeconds"] = grace
    if "generation" in meta:
        meta["generation"] += 1


async def delete_collection(call: Call) -> Answer:
    """Deletes all objects that the selectors name. Answers the list of them."""
    from kgents.embedded.apiserver.reads import select

    asked = read_options(call)
    resource = call.resource
    records = select(call, call.api.collection(resource).span(call.namespace or None))
    gone: list[bytes] = []
    for record in list(records):
        call.info.namespace, call.info.name = record.key
        try:
            gone.append((await delete_object(call, asked)).record.data)
        except StatusError as error:
            if error.code != 404:
                raise
    head = f'{{"kind":"{resource.list_kind}","apiVersion":"{resource.api_version}",'
    body = f'{head}"metadata":{{"resourceVersion":"{call.api.store.rv}"}},"items":['.encode()
    return Answer(body + b",".join(gone) + b"]}")
