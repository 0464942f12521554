"""POST: a new object."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver import bodies, metadata
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.api import answer
from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import already_exists, invalid
from kgents.embedded.apiserver.options import check_options
from kgents.embedded.apiserver.shaping import accept, complete, decode_strictly, track
from kgents.embedded.apiserver.store.records import Record
from kgents.embedded.apiserver.store.store import Moved
from kgents.embedded.apiserver.strategy import Write
from kgents.embedded.apiserver.validating import run_schema, run_strategy

Object = dict[str, Any]
ATTEMPTS = 8


async def create(call: Call) -> Answer:
    """Stores the object of the body. Raises 400, 403, 404, 409, 422."""
    check_options(call, "CreateOptions")
    obj = bodies.decode(call)
    await aside(len(call.body), lambda: decode_strictly(call, obj, call.body))
    record = await create_object(call, obj)
    return answer(call, record, 201)


async def create_object(call: Call, obj: Object, *, tracked: bool = False) -> Record:
    """The part of a create that does not care where the object came from. `tracked`: managedFields are settled."""
    resource = call.resource
    meta = metadata.of(obj)
    metadata.match_path(call, meta, create=True)
    metadata.merge_owners(call, meta)
    fields = meta.get("managedFields")
    review = Review(call, "CREATE", obj)
    metadata.prepare_create(call, meta)
    write = Write(call.api, call.namespace, str(meta.get("name", "")), "", call.dry_run, call.now, call.user)
    size = len(call.body)
    await aside(size, lambda: complete(call, obj, create=True))
    # What judges and the server add belongs to no manager, as in Kubernetes.
    if tracked and fields:
        obj["metadata"]["managedFields"] = fields
    else:
        await aside(size, lambda: track(call, None, obj, ""))
    kept = dict(obj["metadata"])
    await call.api.admission.mutate(review)
    if review.changed:
        accept(call, obj, kept, create=True)
    resource.strategy.prepare_create(obj, write)
    resource.schema.fill_structs(obj)
    meta = obj["metadata"]
    metadata.merge_owners(call, meta, metadata.AFTER_ADMISSION)
    causes = metadata.validate(call, meta)
    causes += await run_strategy(resource.strategy, lambda: resource.strategy.validate(obj, write))
    causes += await run_schema(call, obj, None, size)
    if causes:
        raise invalid(resource.group, resource.kind, str(meta.get("name", "")), causes)
    metadata.warn(call, meta)
    call.warnings += resource.strategy.warnings(obj, None)
    await call.api.admission.validate(review)
    return await _store(call, obj)


async def _store(call: Call, obj: Object) -> Record:
    resource = call.resource
    collection = call.api.collection(resource)
    name = str(obj["metadata"]["name"])
    key = (call.namespace, name)
    stored = metadata.ordered(resource, obj)
    if resource.write is not None:
        stored = resource.write(stored)
    if collection.records.get(key) is not None:
        raise already_exists(resource.group, resource.plural, name)
    if call.dry_run:
        import orjson

        return Record.of(key, 0, stored, orjson.dumps(stored))
    for _ in range(ATTEMPTS):
        try:
            return await call.api.store.put(collection, key, stored, None)
        except Moved:
            if collection.records.get(key) is not None:
                break
    raise already_exists(resource.group, resource.plural, name)
