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
TOKENS = "authentication.k8s.io/v1"


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
    _check_token_request(body)
    await call.api.admission.judge(Review(call, "CREATE", body, None, "token"))
    return Answer.json(call.api.accounts.request(call.namespace, call.info.name, body), 201)


def _check_token_request(body: Object) -> None:
    """Raises 400 for a body that is no TokenRequest."""
    from kgents.embedded.schema.schema import Schema

    kind, version = body.setdefault("kind", "TokenRequest"), body.setdefault("apiVersion", TOKENS)
    if (kind, version) != ("TokenRequest", TOKENS):
        raise bad_request(f'no kind "{kind}" is registered for version "{version}" as a TokenRequest')
    schema = Schema.builtin("authentication.k8s.io", "v1", "TokenRequest")
    if schema is not None and (wrong := schema.decode_error(body)):
        raise bad_request(f'TokenRequest in version "v1" cannot be handled as a TokenRequest: {wrong}')


async def _bind(call: Call) -> Answer:
    body = bodies.parse(call.body, call.content_type)
    node = str((body.get("target") or {}).get("name", ""))

    def bound(pod: Object) -> Object:
        pod["spec"]["nodeName"] = node
        return pod

    await change_object(call, bound, "binding")
    return Answer.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)


async def _evict(call: Call) -> Answer:
    from kgents.embedded.apiserver.delete import Options, delete_object

    current(call)
    body = bodies.parse(call.body, call.content_type)
    await call.api.admission.judge(Review(call, "CREATE", body, None, "eviction"))
    grace = (body.get("deleteOptions") or {}).get("gracePeriodSeconds")
    await delete_object(call, Options(grace=grace), judged=True)
    return Answer.json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)
