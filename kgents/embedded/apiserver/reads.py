"""GET: one object, or a list of them, whole or in pages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from kgents.embedded.apiserver import forms
from kgents.embedded.apiserver.api import answer, read, render
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, expired, invalid, not_found
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.selectors import EVERYTHING, Selector, parse_fields, parse_labels
from kgents.embedded.apiserver.store.records import Key, Record
from kgents.embedded.schema.causes import Cause, forbidden, not_supported

Object = dict[str, Any]
METADATA_FIELDS = ("metadata.name", "metadata.namespace")
MATCHES = ("Exact", "NotOlderThan", "")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted, and of which moment; `past`: that moment need not be now."""

    limit: int
    after: Key | None
    rv: str
    past: bool


async def get(call: Call) -> Answer:
    """One object. Raises 404."""
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


def complaint(resource: Resource, key: str) -> str:
    """How a field that cannot be selected by is refused."""
    if resource.custom:
        return f"field label not supported: {key}"
    known = ", ".join(f'"{name}"' for name in METADATA_FIELDS)
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
        if record.fields is None:
            obj = read(resource, record)
            record.fields = {path: field_text(obj, path) for path in resource.selectable}
        return record.fields.get(path, "")

    return value


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
    """A list, or one page of it. Raises 400, 410, 422."""
    form = forms.wanted(call, many=True)
    page = _page(call)
    records = list(select(call, _source(call, page)))
    meta: Object = {"resourceVersion": page.rv}
    if page.limit and len(records) > page.limit:
        token = {"rv": page.rv, "after": list(records[page.limit - 1].key)}
        meta["continue"] = base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")
        if selector(call).empty:
            meta["remainingItemCount"] = len(records) - page.limit
        records = records[: page.limit]
    return _rendered(call, form, records, meta)


def _source(call: Call, page: Page) -> Iterator[Record]:
    collection = call.api.collection(call.resource)
    namespace = call.namespace or None
    if not page.past or not collection.history or collection.history[-1].rv <= int(page.rv):
        return collection.span(namespace, page.after)
    if int(page.rv) < collection.horizon:
        raise expired("The provided continue parameter is too old to display a consistent list result.")
    return (
        record
        for record in collection.at(int(page.rv))
        if (namespace is None or record.key[0] == namespace) and (page.after is None or record.key > page.after)
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


def _page(call: Call) -> Page:
    query = call.info.query
    asked = query.get("limit", "0") or "0"
    if not asked.lstrip("-").isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{asked}": invalid syntax')
    _check_version(call)
    token, rv = query.get("continue"), query.get("resourceVersion", "")
    if not token:
        exact = query.get("resourceVersionMatch") == "Exact"
        return Page(max(int(asked), 0), None, rv if exact else str(call.api.store.rv), exact)
    if rv not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return Page(max(int(asked), 0), (str(value["after"][0]), str(value["after"][1])), str(int(value["rv"])), True)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise bad_request("continue key is not valid: encoding problem") from error


def _check_version(call: Call) -> None:
    query = call.info.query
    rv, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    causes: list[Cause] = []
    if "sendInitialEvents" in query:
        causes.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if match and match not in MATCHES:
        causes.append(not_supported("resourceVersionMatch", match, MATCHES))
    elif match and not rv:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        causes.append(forbidden("resourceVersionMatch", why))
    elif match == "Exact" and rv == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        causes.append(forbidden("resourceVersionMatch", why))
    if causes:
        raise invalid("meta.k8s.io", "ListOptions", "", causes)
    if not rv:
        return
    if not rv.isdigit():
        raise bad_request(f'Invalid value: "{rv}": strconv.ParseUint: parsing "{rv}": invalid syntax')
    store = call.api.store
    if int(rv) > store.rv:
        raise too_large(int(rv), store.rv)
    if match == "Exact" and int(rv) < call.api.collection(call.resource).horizon:
        raise expired(f"The provided resource version is too old: {rv}")


def too_large(asked: int, current: int) -> StatusError:
    """504 for a version that is not there yet."""
    return StatusError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {asked}, current: {current}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    )
