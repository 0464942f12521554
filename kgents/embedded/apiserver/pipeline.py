"""The way of a request to an API object: who asks, may they, which resource, which verb."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from kgents.embedded.apiserver import create, delete, metadata, patch, reads, subresources, update
from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.calls import Answer, Call
from kgents.embedded.apiserver.errors import method_not_allowed, no_such_resource
from kgents.embedded.apiserver.names import path_segment
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.requests import RequestInfo
from kgents.embedded.auth.authorize import Attributes
from kgents.embedded.auth.impersonate import impersonate
from kgents.embedded.auth.user import User

REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")
RBAC = "rbac.authorization.k8s.io"


def identify(api: Api, info: RequestInfo, request: web.BaseRequest) -> Attributes:
    """What is asked and by whom, after impersonation. Raises 401, 403."""
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    user = api.authenticator.authenticate(request.headers.get("Authorization"), certificate or None)
    asked = attributes(info, user)
    return replace(asked, user=impersonate(asked, request.headers, api.authorizer))


def attributes(info: RequestInfo, user: User) -> Attributes:
    """A request as the authorizer sees it. A list of the one object of a name counts as being about that object."""
    if not info.resource:
        return Attributes(user, info.method.lower(), path=info.path)
    return Attributes(
        user,
        info.verb,
        group=info.group,
        version=info.version,
        resource=info.resource,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name or (_selected(info) if info.verb in ("list", "watch") else ""),
    )


def _selected(info: RequestInfo) -> str:
    """The name that a field selector asks for, if it does."""
    for term in info.query.get("fieldSelector", "").split(","):
        field, _, name = term.partition("=")
        if field == "metadata.name" and not path_segment(name.removeprefix("=")):
            return name.removeprefix("=")
    return ""


def find(api: Api, info: RequestInfo) -> Resource:
    """The resource that a request is about. Raises 404, 405."""
    resource = api.registry.get(info.group, info.version, info.resource)
    if resource.namespaced:
        if not info.namespace and info.name:
            raise no_such_resource()
        if not info.namespace and info.verb in ("create", "deletecollection"):
            raise method_not_allowed()
    elif info.namespace and not (resource.plural == "namespaces" and not info.group):
        raise no_such_resource()
    return resource


async def dispatch(call: Call, request: web.BaseRequest) -> Answer | web.StreamResponse:
    """Answers a request to an API object. Raises StatusError."""
    info, resource = call.info, call.resource
    if resource.deprecated:
        call.warnings.append(resource.deprecated)
    if info.subresource:
        if info.subresource == "log" and "log" in resource.subresources:
            from kgents.embedded.apiserver.logs import proxy

            return await proxy(call, request)
        return await _after(call, await subresources.serve(call))
    verb = info.verb
    if verb == "create" and info.name:
        raise method_not_allowed()
    if verb in ("update", "patch") and not info.name:
        raise method_not_allowed()
    if verb not in resource.verbs:
        raise method_not_allowed()
    if verb == "watch":
        from kgents.embedded.apiserver.watching import watch

        return await watch(call, request)
    return await _after(call, await _VERBS[verb](call))


async def _after(call: Call, answer: Answer) -> Answer:
    if call.resource.group == RBAC and call.info.verb not in ("get", "list"):
        call.api.authorizer.invalidate()
        if call.resource.plural == "clusterroles" and not call.dry_run:
            from kgents.embedded.apiserver import aggregation

            await aggregation.settle(call.api)
    if call.resource.plural == "validatingadmissionpolicies" and call.info.verb in ("create", "update", "patch"):
        from kgents.embedded.apiserver.policies import type_status

        await type_status.settle(call.api)
    return answer


async def _create(call: Call) -> Answer:
    if call.resource.group not in REVIEWS:
        return await create.create(call)
    from kgents.embedded.apiserver import bodies, forms
    from kgents.embedded.apiserver.admission import Review
    from kgents.embedded.apiserver.options import check_options
    from kgents.embedded.apiserver.shaping import decode_strictly

    check_options(call, "CreateOptions")
    obj = bodies.decode(call)
    decode_strictly(call, obj, call.body)
    call.resource.schema.prune(obj)
    metadata.match_path(call, metadata.of(obj), create=True)
    form = forms.wanted(call, shaped=False)
    await call.api.admission.judge(Review(call, "CREATE", obj))
    review = call.api.reviews.create(call.resource.plural, obj, call.user, call.info.namespace)
    return forms.encoded(form, review, 201)


_VERBS = {
    "get": reads.get,
    "list": reads.list_objects,
    "create": _create,
    "update": update.replace,
    "patch": patch.patch,
    "delete": delete.delete,
    "deletecollection": delete.delete_collection,
}
