"""The endpoints below an object: status, scale, finalize, tokens, eviction, binding and logs."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver import bodies
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, method_not_allowed, no_such_resource
from kgents.embedded.apiserver.patch import current, patch
from kgents.embedded.apiserver.reads import get
from kgents.embedded.apiserver.update import change_object, replace

Object = dict[str, Any]
NOT_HERE = ("attach", "ephemeralcontainers", "exec", "portforward", "proxy")


async def serve(call: Call) -> Answer:
    """Answers a request below an object. Raises 404, 405, 501."""
    name = call.info.subresource
    sub = call.resource.subresources.get(name)
    if sub is None:
        raise no_such_resource()
    if call.info.verb not in sub.verbs:
        raise method_not_allowed()
    if name == "scale":
        from kgents.embedded.apiserver.scale import serve as serve_scale

        return await serve_scale(call)
    if name == "token":
        return await _token(call)
    if name == "binding":
        return await _bind(call)
    if name == "eviction":
        return await _evict(call)
    if name in NOT_HERE:
        why = f"{call.resource.plural}/{name} is not implemented by the embedded hive"
        raise StatusError(501, "NotImplemented", why)
    if call.info.verb == "get":
        return await get(call)
    if call.info.verb == "patch":
        return await patch(call, name)
    return await replace(call, name)


async def _token(call: Call) -> Answer:
    body = bodies.parse(call.body, call.content_type)
    _check_body(body, "TokenRequest", "authentication.k8s.io", "v1")
    await call.api.admission.judge(Review(call, "CREATE", body, None, "token"))
    return Answer.json(call.api.accounts.request(call.namespace, call.info.name, body), 201)


def _check_body(body: Object, kind: str, group: str, version: str) -> None:
    """Raises 400 for a body of another kind, or with values that do not fit."""
    from kgents.embedded.schema.schema import Schema

    given = (body.setdefault("kind", kind), body.setdefault("apiVersion", f"{group}/{version}"))
    if given != (kind, f"{group}/{version}"):
        raise bad_request(f'no kind "{given[0]}" is registered for version "{given[1]}" as a {kind}')
    schema = Schema.builtin(group, version, kind)
    if schema is not None and (wrong := schema.decode_error(body)):
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {wrong}')


async def _bind(call: Call) -> Answer:
    body = bodies.parse(call.body, call.content_type)
    node = str((body.get("target") or {}).get("name", ""))

    def bound(pod: Object) -> Object:
        pod["spec"]["nodeName"] = node
        return pod

    await change_object(call, bound, "binding")
    return Answer.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)


async def _evict(call: Call) -> Answer:
    from kgents.embedded.apiserver.delete import delete_object
    from kgents.embedded.apiserver.delete_options import check

    current(call)
    body = bodies.parse(call.body, call.content_type)
    _check_body(body, "Eviction", "policy", "v1")
    await call.api.admission.judge(Review(call, "CREATE", body, None, "eviction"))
    asked = body.get("deleteOptions") or {}
    if asked.get("dryRun"):
        call.info.query["dryRun"] = "All"
    await delete_object(call, check(asked), judged=True)
    return Answer.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
