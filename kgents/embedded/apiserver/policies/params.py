"""The parameters of a policy: objects of a kind that the policy names, chosen by its bindings."""

from __future__ import annotations

from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.api import read
from kgents.embedded.apiserver.policies.compiled import ParamKind, ParamRef
from kgents.embedded.apiserver.registry import Resource

Object = dict[str, Any]


class ParamError(KgentsError):
    """A binding's parameters cannot be had; the policy's failurePolicy decides."""


def find(review: Review, kind: ParamKind | None, reference: ParamRef | None) -> list[Object | None]:
    """The parameters, one evaluation each; `[None]` for a policy without. Raises ParamError."""
    if kind is None or reference is None:
        return [None]
    resource = _resource(review, kind)
    namespace = _namespace(review, resource, reference)
    collection = review.call.api.collection(resource)
    if reference.name:
        record = collection.get(namespace, reference.name)
        records = [] if record is None else [record]
    else:
        selector = reference.selector
        every = collection.span(namespace or None)
        records = [record for record in every if selector is None or selector.matches(record.labels)]
    if not records and reference.must_exist:
        raise ParamError("no params found for policy binding with `Deny` parameterNotFoundAction")
    return [read(resource, record) for record in records]


def _resource(review: Review, kind: ParamKind) -> Resource:
    found = review.call.api.registry.of_kind(kind.group, kind.version, kind.kind)
    if found is not None:
        return found
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    raise ParamError(f"paramKind kind `{version}, Kind={kind.kind}` not known")


def _namespace(review: Review, resource: Resource, reference: ParamRef) -> str:
    if not resource.namespaced:
        if reference.namespace:
            raise ParamError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return ""
    namespace = reference.namespace or review.call.info.namespace
    if not namespace:
        raise ParamError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
    return namespace
