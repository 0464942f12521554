"""A write as policies and webhooks are shown it: the `request` of an AdmissionReview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgents.embedded.apiserver.admission import Review
    from kgents.embedded.apiserver.calls import Call
    from kgents.embedded.apiserver.registry import Resource

Object = dict[str, Any]
OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


def request(review: Review, resource: Resource, uid: str) -> Object:
    """Everything but the objects. `resource` is the version as which the write was matched."""
    call = review.call
    asked = call.resource
    found: Object = {
        "uid": uid,
        "kind": _kind(resource, review.subresource),
        "resource": {"group": resource.group, "version": resource.version, "resource": resource.plural},
        "requestKind": _kind(asked, review.subresource),
        "requestResource": {"group": asked.group, "version": asked.version, "resource": asked.plural},
        "operation": review.operation,
        "userInfo": call.user.to_dict(),
        "dryRun": call.dry_run,
        "options": options(review),
    }
    if review.subresource:
        found["subResource"] = found["requestSubResource"] = review.subresource
    if review.name:
        found["name"] = review.name
    if call.info.namespace:
        found["namespace"] = call.info.namespace
    return found


def _kind(resource: Resource, subresource: str) -> Object:
    sub = resource.subresources.get(subresource)
    if sub is not None and sub.kind:
        return {"group": sub.group, "version": sub.version or resource.version, "kind": sub.kind}
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def options(review: Review) -> Object:
    """CreateOptions, UpdateOptions or DeleteOptions, with what the client set."""
    found: Object = {"kind": OPTIONS[review.operation], "apiVersion": "meta.k8s.io/v1"}
    call = review.call
    if review.operation == "DELETE":
        found.update(_delete_options(call))
    else:
        names = ("fieldManager", "fieldValidation")
        found.update((name, call.info.query[name]) for name in names if call.info.query.get(name))
    if call.dry_run:
        found["dryRun"] = ["All"]
    return found


def _delete_options(call: Call) -> Object:
    """As the client sent them, but for dryRun."""
    from kgents.embedded.apiserver import bodies

    query = call.info.query
    if call.body:
        body = bodies.parse(call.body, call.content_type)
        if call.info.verb not in ("delete", "deletecollection"):
            body = body.get("deleteOptions") or {}
    else:
        body = {"propagationPolicy": query.get("propagationPolicy") or None}
        if query.get("gracePeriodSeconds"):
            body["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
    names = ("gracePeriodSeconds", "preconditions", "orphanDependents", "propagationPolicy")
    return {name: body[name] for name in names if body.get(name) is not None}
