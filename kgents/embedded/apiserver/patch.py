"""PATCH: four ways to say what is to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from kgents.embedded.apiserver import bodies, metadata
from kgents.embedded.apiserver.api import answer, read
from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.create import create_object
from kgents.embedded.apiserver.errors import StatusError, already_exists, bad_request, conflict, not_found
from kgents.embedded.apiserver.options import check_options
from kgents.embedded.apiserver.shaping import decode_strictly, reset_fields, settled
from kgents.embedded.apiserver.update import change_object
from kgents.embedded.schema.causes import show

Object = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = ("application/apply-patch+yaml", "application/apply-patch+json")


async def patch(call: Call, subresource: str = "") -> Answer:
    """Changes an object. Raises 400, 404, 409, 415, 422."""
    if call.content_type in APPLY:
        return await apply(call, subresource)
    change = changer(call)
    check_options(call, "PatchOptions")

    def strictly(old: Object) -> Object:
        new = change(old)
        decode_strictly(call, new, b"", lambda: _shown(call, new))
        return new

    return answer(call, await change_object(call, strictly, subresource))


def _shown(call: Call, new: Object) -> str:
    """What Kubernetes quotes of a patch that leads to something it cannot decode."""
    if call.content_type == STRATEGIC:
        return go_text(bodies.parse_json(call.body))
    return orjson.dumps(new, option=orjson.OPT_SORT_KEYS).decode()


def go_text(value: Any) -> str:
    """A value as Go's `%+v` writes it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_text, value)) + "]"
    if isinstance(value, str):
        return value
    return "<nil>" if value is None else show(value)


def _unsupported(call: Call) -> StatusError:
    """Kubernetes' own kinds are refused by its router, custom ones by the handler of patches."""
    if not call.resource.custom:
        return StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", details={})
    why = "the body of the request was in an unknown format - accepted media types include: "
    return StatusError(415, "UnsupportedMediaType", why + ", ".join((JSON_PATCH, MERGE, APPLY[0])))


def changer(call: Call) -> Callable[[Object], Object]:
    """The function that a patch is. Raises 400, 415."""
    kind = call.content_type
    if kind == JSON_PATCH:
        from kgents.embedded.patch import json_patch

        operations = bodies.parse_json(call.body, "error decoding patch: ")
        if not isinstance(operations, list):
            raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        return lambda old: json_patch.apply(old, operations)
    if kind not in (MERGE, STRATEGIC) or (kind == STRATEGIC and call.resource.custom):
        raise _unsupported(call)
    body = bodies.parse_json(call.body, "error decoding patch: " if kind == STRATEGIC else "")
    if not isinstance(body, dict):
        raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
    if kind == MERGE:
        from kgents.embedded.patch import merge_patch

        return lambda old: merge_patch.apply(old, body)
    from kgents.embedded.patch import strategic

    return lambda old: strategic.apply(old, body, call.resource.schema)


async def apply(call: Call, subresource: str) -> Answer:
    """Server-side apply: the fields that one manager wants. Creates what is not there."""
    from kgents.embedded.patch import managed

    check_options(call, "PatchOptions", applies=True)
    applied = await aside(len(call.body), lambda: _applied(call))
    resource = call.resource
    force = call.info.flag("force")
    uid = applied["metadata"].get("uid")

    def merged(live: Object | None) -> Object:
        if uid and live is None:
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(resource.group, resource.plural, call.info.name, why)
        new = managed.apply(
            live,
            applied,
            resource.schema,
            manager=call.manager,
            now=call.now,
            force=force,
            subresource=subresource,
            reset=reset_fields(call, subresource),
        )
        return settled(resource, new)

    collection = call.api.collection(resource)
    if collection.get(call.namespace, call.info.name) is None:
        if subresource:
            raise not_found(resource.group, resource.plural, call.info.name)
        try:
            new = await aside(len(call.body), lambda: merged(None))
            new["metadata"].pop("resourceVersion", None)  # there is none yet that it could contradict
            return answer(call, await create_object(call, new, tracked=True), 201)
        except StatusError as error:
            if error.reason != already_exists("", "", "").reason:
                raise
    return answer(call, await change_object(call, lambda old: merged(old), subresource, tracked=True))


def _applied(call: Call) -> Object:
    applied = bodies.parse_yaml(call.body) if call.content_type.endswith("yaml") else bodies.parse_json(call.body)
    if not isinstance(applied, dict):
        raise bad_request("error decoding YAML: expected an object")
    given, served = applied.get("apiVersion") or "", call.resource.api_version
    if given != served:
        text = f"Incorrect version specified in apply patch. Specified patch version: {given}, expected: {served}"
        raise bad_request(text)
    bodies.check_kind(call, applied)
    # Checked on a copy: what the client left out of its configuration is not among the fields it applies.
    metadata.match_path(call, dict(metadata.of(applied)), create=False)
    applied["metadata"].setdefault("name", call.info.name)
    return applied


def current(call: Call) -> Object:
    """The object that a call names. Raises 404."""
    record = call.api.collection(call.resource).get(call.namespace, call.info.name)
    if record is None:
        raise not_found(call.resource.group, call.resource.plural, call.info.name)
    return read(call.resource, record)
