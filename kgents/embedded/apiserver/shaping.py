"""What happens to a decoded body before anybody judges it: strictness about fields, and who owns which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver import metadata
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, invalid
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.schema.causes import invalid as invalid_value
from kgents.embedded.schema.settling import settle

Object = dict[str, Any]
SERVER_OWN = (
    *("uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp"),
    *("deletionGracePeriodSeconds", "managedFields"),
)
"""The metadata that no webhook may change."""


def decode_strictly(call: Call, obj: Object, raw: bytes, patched: Callable[[], str] | None = None) -> None:
    """Looks for values of wrong types, and for unknown or repeated fields as fieldValidation asks. Raises 400.

    For a patch `patched` shows what came of it. Raises 422 then.
    """
    resource = call.resource
    try:
        if wrong := resource.schema.decode_error(obj):
            raise ValueError(wrong)
        _settle(resource, obj)
        _find_unknown(call, obj, raw)
    except ValueError as error:
        if patched is None:
            raise _not_handled(resource, str(error)) from None
        # Kubernetes names no kind here.
        raise invalid("", "", "", [invalid_value("patch", patched(), str(error))]) from None


def _find_unknown(call: Call, obj: Object, raw: bytes) -> None:
    """Warns of what strict decoding does not take, or raises ValueError."""
    mode = call.info.query.get("fieldValidation") or "Warn"
    if mode == "Ignore":
        return
    found = [f'unknown field "{path}"' for path in call.resource.schema.unknown_fields(obj)]
    if raw and call.content_type.endswith("json"):
        from kgents.embedded.schema.duplicates import duplicate_fields

        found = [f'duplicate field "{path}"' for path in duplicate_fields(raw)] + found
    if mode == "Warn":
        call.warnings += found
    elif found:
        raise ValueError(f"strict decoding error: {', '.join(found)}")


def _settle(resource: Resource, obj: Object) -> None:
    if not resource.custom:
        settle(resource.schema.root, obj)


def settled(resource: Resource, obj: Object) -> Object:
    """The object with its quantities and times in their one form, in place. Raises 400."""
    try:
        _settle(resource, obj)
    except ValueError as error:
        raise _not_handled(resource, str(error)) from None
    return obj


def _not_handled(resource: Resource, why: str) -> StatusError:
    return bad_request(f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}')


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
    settled(call.resource, obj)
    complete(call, obj, create=create)


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
