"""GET: one object, or a list of them, whole or in pages."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from kgents.embedded.apiserver import forms, paging
from kgents.embedded.apiserver.api import answer, read, render
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import not_found
from kgents.embedded.apiserver.list_options import too_large, version
from kgents.embedded.apiserver.paging import Page
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.selectors import EVERYTHING, Selector, parse_fields, parse_labels
from kgents.embedded.apiserver.store.records import Record, path

Object = dict[str, Any]
METADATA_FIELDS = ("metadata.name", "metadata.namespace")


async def get(call: Call) -> Answer:
    """One object, at least as new as it is wanted; which it always is. Raises 400, 404, 504."""
    wanted, current = version(call), call.api.store.rv
    if wanted > current:
        raise too_large(wanted, current)
    record = call.api.collection(call.resource).get(call.namespace, call.info.name)
    if record is None:
        raise not_found(call.resource.group, call.resource.plural, call.info.name)
    return answer(call, record)


def selector(call: Call) -> Selector:
    """The selectors of the query. Raises 400."""
    labels, fields = call.info.query.get("labelSelector"), call.info.query.get("fieldSelector")
    if not labels and not fields:
        return EVERYTHING
    known = (*METADATA_FIELDS, *call.resource.selectable)
    return Selector(
        parse_labels(labels) if labels else (),
        parse_fields(fields, known.__contains__, lambda key: complaint(call.resource, key)) if fields else (),
    )


ELSEWHERE = {
    "status.successful": ("status.succeeded",),
    "source": ("source.component", "reportingComponent"),
    "status.podIPs": (),
}
"""Where Kubernetes looks for a built-in kind's field that is called otherwise; the first that says something counts."""
ABSENT = {
    "spec.unschedulable": "false",
    "spec.hostNetwork": "false",
    "status.replicas": "0",
    "status.successful": "0",
}
"""Fields of built-in kinds that are never empty."""


def complaint(resource: Resource, key: str) -> str:
    """How a field that cannot be selected by is refused."""
    if resource.custom:
        return f"field label not supported: {key}"
    known = ", ".join(f'"{name}"' for name in METADATA_FIELDS)
    if resource.kind == "Job":
        return f'field label "{key}" not supported for Job'
    if resource.selectable:
        return f"field label not supported: {key}"
    return f'"{key}" is not a known field selector: only {known}'


def field_getter(resource: Resource, record: Record) -> Callable[[str], str]:
    """Values of a record's selectable fields as text; what is not there is empty."""

    def value(path: str) -> str:
        if path == "metadata.name":
            return record.key[1]
        if path == "metadata.namespace":
            return record.key[0]
        known = record.fields or {}
        if path not in known:
            # Versions that show the same record differently add their own fields.
            obj = read(resource, record)
            record.fields = known = {**known, **{one: _known_text(resource, obj, one) for one in resource.selectable}}
        return known[path]

    return value


def _known_text(resource: Resource, obj: Object, path: str) -> str:
    if resource.custom:
        return field_text(obj, path)
    found = (field_text(obj, one) for one in ELSEWHERE.get(path, (path,)))
    return next(filter(None, found), ABSENT.get(path, ""))


def field_text(obj: Object, path: str) -> str:
    """A field as a selector compares it."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def matcher(call: Call) -> Callable[[Record], bool] | None:
    """Whether a record is meant by namespace, name and selectors; None when all are."""
    wanted = selector(call)
    namespace, name, resource = call.namespace, call.info.name, call.resource
    if wanted.empty and not namespace and not name:
        return None

    def matches(record: Record) -> bool:
        if (namespace and record.key[0] != namespace) or (name and record.key[1] != name):
            return False
        return wanted.empty or wanted.matches(record.labels, field_getter(resource, record))

    return matches


def select(call: Call, records: Iterator[Record]) -> Iterator[Record]:
    """Those records that the selectors mean."""
    wanted = selector(call)
    if wanted.empty:
        return records
    resource = call.resource
    return (one for one in records if wanted.matches(one.labels, field_getter(resource, one)))


async def list_objects(call: Call) -> Answer:
    """A list, or one page of it. Raises 400, 410, 422, 504."""
    form = forms.wanted(call, many=True)
    asked = paging.page(call)
    rv = call.api.store.rv if asked.moment is None else asked.moment
    records, behind = _cut(call, _source(call, asked), asked.limit)
    meta: Object = {"resourceVersion": str(rv)}
    if behind:
        last = path(records[-1].key)
        meta["continue"] = paging.token(last.removeprefix(f"{call.namespace}/") if call.namespace else last, rv)
        if selector(call).empty:
            meta["remainingItemCount"] = behind
    return _rendered(call, form, records, meta)


def _cut(call: Call, records: Iterator[Record], limit: int) -> tuple[list[Record], int]:
    """A page of what the selectors mean, and how many objects are behind it.

    These count whether they are meant or not: as in Kubernetes, the page after the last one may turn out empty.
    """
    if not limit:
        return list(select(call, records)), 0
    page = list(itertools.islice(select(call, records), limit))
    return page, len(list(records)) if len(page) == limit else 0


def _source(call: Call, asked: Page) -> Iterator[Record]:
    collection = call.api.collection(call.resource)
    namespace, moment = call.namespace or None, asked.moment
    if moment is not None and moment < collection.horizon:
        raise paging.expired(asked)
    if moment is None or not collection.history or collection.history[-1].rv <= moment:
        name = selector(call).name
        if name and not asked.start and (namespace or not call.resource.namespaced):
            one = collection.get(call.namespace, name)
            return iter(() if one is None else (one,))
        return collection.span(namespace, asked.start)
    first = f"{namespace}/{asked.start}" if namespace else asked.start
    return (
        record
        for record in collection.at(moment)
        if (namespace is None or record.key[0] == namespace) and path(record.key) >= first
    )


def _rendered(call: Call, form: forms.Form, records: list[Record], meta: Object) -> Answer:
    resource = call.resource
    if form is forms.PLAIN:
        return Answer(_plain(resource, records, meta))
    objects = [orjson.loads(render(resource, record)) for record in records]
    if form.kind == "Table":
        from kgents.embedded.apiserver.tables import table

        return forms.encoded(form, table(call, objects, form.version, meta))
    if form.kind:
        listed = {"kind": "PartialObjectMetadataList", "apiVersion": f"{forms.META}/{form.version}", "metadata": meta}
        items = [forms.partial(obj, form.version) for obj in objects]
        return forms.encoded(form, {**listed, "items": items})
    return forms.encoded(form, orjson.loads(_plain(resource, records, meta)))


def _plain(resource: Resource, records: list[Record], meta: Object) -> bytes:
    head = {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": meta}
    if resource.custom or resource.read is not None:
        items = [render(resource, record) for record in records]
    else:
        cut = len(resource.prefix)
        items = [b"{" + record.data[cut:] for record in records]
    return orjson.dumps(head)[:-1] + b',"items":[' + b",".join(items) + b"]}"
