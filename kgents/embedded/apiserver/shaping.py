"""What happens to a decoded body before anybody judges it: strictness about fields, and who owns which."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver import metadata
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, invalid
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.schema.causes import Cause
from kgents.embedded.schema.quantities import settle

Object = dict[str, Any]
SERVER_OWN = (
    *("uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp"),
    *("deletionGracePeriodSeconds", "managedFields"),
)
"""The metadata that no webhook may change."""


def decode_strictly(call: Call, obj: Object, raw: bytes, *, code: int) -> None:
    """Looks for values of wrong types, and for unknown or repeated fields as fieldValidation asks. Raises 400, 422."""
    resource = call.resource
    if wrong := resource.schema.decode_error(obj) or _unsettled(resource, obj):
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {wrong}'
        )
    mode = call.info.query.get("fieldValidation") or "Warn"
    if mode == "Ignore":
        return
    found = [f'unknown field "{path}"' for path in resource.schema.unknown_fields(obj)]
    if raw and call.content_type.endswith("json"):
        from kgents.embedded.schema.duplicates import duplicate_fields

        found = [f'duplicate field "{path}"' for path in duplicate_fields(raw)] + found
    if not found:
        return
    if mode == "Warn":
        call.warnings += found
        return
    raise strict_error(call, obj, ", ".join(found), code)


def _unsettled(resource: Resource, obj: Object) -> str:
    """Settles how quantities are written; what is wrong with one that is none."""
    if resource.custom:
        return ""
    try:
        settle(resource.schema.root, obj)
    except ValueError as error:
        return str(error)
    return ""


def complete(call: Call, obj: Object, *, create: bool) -> None:
    """Drops what the kind does not know and fills in what the client left out."""
    resource = call.resource
    if resource.has_status and resource.custom and create:
        obj.pop("status", None)
    resource.schema.prune(obj)
    resource.schema.default(obj)
    resource.strategy.default(obj)


def accept(call: Call, obj: Object, kept: Object, *, create: bool) -> None:
    """Takes an object back from a webhook that changed it; `kept` is its metadata before. Raises 400."""
    meta = metadata.of(obj)
    for key in SERVER_OWN:
        if key in kept:
            meta[key] = kept[key]
        else:
            meta.pop(key, None)
    metadata.match_path(call, meta, create=create)
    metadata.tidy(meta)
    complete(call, obj, create=create)


def strict_error(call: Call, obj: Object, text: str, code: int) -> StatusError:
    """How strict decoding says no: 400 to a POST or PUT, 422 to a PATCH."""
    resource = call.resource
    text = f"strict decoding error: {text}"
    if code == 400:
        return bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}'
        )
    cause = Cause("patch", "FieldValueInvalid", f'Invalid value: "": {text}')
    return invalid(resource.group, resource.kind, call.info.name, [cause])


def track(call: Call, old: Object | None, new: Object, subresource: str) -> None:
    """Brings managedFields up to date with a write that is no apply."""
    if call.resource.volatile:
        return
    from kgents.embedded.patch.managed import track_update

    track_update(
        old,
        new,
        call.resource.schema,
        manager=call.manager,
        now=call.now,
        subresource=subresource,
        reset=reset_fields(call, subresource),
    )


def reset_fields(call: Call, subresource: str) -> tuple[str, ...]:
    """The top-level fields that an endpoint ignores."""
    if subresource in ("status", "approval"):
        return ("metadata", "spec")
    return ("status",) if call.resource.has_status else ()
