"""The scale subresource: how many replicas, whatever the kind."""

from __future__ import annotations

from typing import Any

import orjson

from kgents.embedded.apiserver import bodies, forms, patch
from kgents.embedded.apiserver.api import read
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import bad_request, conflict, invalid
from kgents.embedded.apiserver.kinds.cells import selector_text
from kgents.embedded.apiserver.options import check_options
from kgents.embedded.apiserver.registry import Resource, ScalePaths
from kgents.embedded.apiserver.update import change_object
from kgents.embedded.schema.causes import invalid as cause

Object = dict[str, Any]
VERSION = "autoscaling/v1"
KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def serve(call: Call) -> Answer:
    """GET, PUT and PATCH of scale. Raises 400, 404, 409, 422."""
    obj = patch.current(call)
    if call.info.verb == "get":
        return forms.one(call, orjson.dumps(scale_of(call.resource, obj)), 200)
    if call.info.verb == "update":
        return await _write(call, lambda scale: _body(call))
    if call.content_type in patch.APPLY:
        return await _apply(call)
    return await _write(call, patch.changer(call))


def scale_of(resource: Resource, obj: Object) -> Object:
    """An object as a Scale."""
    paths = resource.scale or ScalePaths()
    meta = {key: obj["metadata"][key] for key in KEPT if key in obj["metadata"]}
    replicas = _dig(obj, paths.spec) or 0
    status: Object = {"replicas": _dig(obj, paths.status) or 0}
    chosen = _selector(_dig(obj, paths.selector)) if paths.selector else ""
    if chosen:
        status["selector"] = chosen
    # A zero is left out, as the real server does.
    spec = {"replicas": replicas} if replicas else {}
    return {"kind": "Scale", "apiVersion": VERSION, "metadata": meta, "spec": spec, "status": status}


def _dig(obj: Object, path: tuple[str, ...]) -> Any:
    value: Any = obj
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _selector(value: Any) -> str:
    if isinstance(value, str):
        return value
    given = value or {}
    # A ReplicationController's selector is plain labels.
    return selector_text(given if {"matchLabels", "matchExpressions"} & given.keys() else {"matchLabels": given})


def _body(call: Call) -> Object:
    body = bodies.parse(call.body, call.content_type)
    name = (body.get("metadata") or {}).get("name", call.info.name)
    if body.get("kind", "Scale") != "Scale":
        raise bad_request(f"no kind {body.get('kind')!r} is registered for scale")
    if name != call.info.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.info.name})")
    return body


async def _write(call: Call, change: Any) -> Answer:
    resource = call.resource

    def scaled(obj: Object) -> Object:
        wanted = change(scale_of(resource, obj))
        given = (wanted.get("metadata") or {}).get("resourceVersion")
        if given and given != obj["metadata"]["resourceVersion"]:
            raise conflict(resource.group, resource.plural, call.info.name)
        set_replicas(call, obj, wanted)
        return obj

    record = await change_object(call, scaled, "scale")
    return forms.one(call, orjson.dumps(scale_of(resource, read(resource, record))), 200)


async def _apply(call: Call) -> Answer:
    """Who applies a Scale owns the number in the object itself, and is told of who else does."""
    from kgents.embedded.patch import managed

    check_options(call, "PatchOptions", applies=True)
    applied = bodies.parse_yaml(call.body)
    given = applied.get("apiVersion") or "" if isinstance(applied, dict) else ""
    if given != VERSION:
        text = f"Incorrect version specified in apply patch. Specified patch version: {given}, expected: {VERSION}"
        raise bad_request(text)
    resource, force = call.resource, call.info.flag("force")

    def scaled(live: Object) -> Object:
        wanted: Object = {key: live[key] for key in ("apiVersion", "kind")}
        wanted["metadata"] = {"name": call.info.name}
        set_replicas(call, wanted, applied)
        return managed.apply(
            live, wanted, resource.schema, manager=call.manager, now=call.now, force=force, subresource="scale"
        )

    record = await change_object(call, scaled, "scale", tracked=True)
    return forms.one(call, orjson.dumps(scale_of(resource, read(resource, record))), 200)


def set_replicas(call: Call, obj: Object, wanted: Object) -> None:
    """Brings the number that a Scale asks for into the object. Raises 400, 422."""
    resource = call.resource
    paths = resource.scale or ScalePaths()
    spec = wanted.get("spec") or {}
    if not isinstance(spec, dict):
        raise bad_request("json: cannot unmarshal Scale.spec into Go struct field Scale.spec of type v1.ScaleSpec")
    replicas = spec.get("replicas") or 0
    if not isinstance(replicas, int):
        raise bad_request(f"json: cannot unmarshal {orjson.dumps(replicas).decode()} into ScaleSpec.replicas")
    if replicas < 0:
        problem = cause("spec.replicas", replicas, "must be greater than or equal to 0")
        if resource.custom:
            problem = cause("." + ".".join(paths.spec), replicas, "should be a non-negative integer")
        raise invalid("autoscaling", "Scale", call.info.name, [problem])
    parent = obj
    for part in paths.spec[:-1]:
        parent = parent.setdefault(part, {})
    parent[paths.spec[-1]] = replicas
