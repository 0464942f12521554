"""Reviews for tests that need no server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.registry import Registry, Resource
from kgents.embedded.apiserver.requests import RequestInfo
from kgents.embedded.apiserver.store.records import Record
from kgents.embedded.auth.user import User

MAPS = Resource("", "v1", "configmaps", "ConfigMap")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
OLD = Resource("example.com", "v1", "bees", "Bee", custom=True)
NEW = Resource("example.com", "v2", "bees", "Bee", custom=True)


def review(
    operation: str = "CREATE",
    resource: Resource = MAPS,
    *,
    obj: dict[str, Any] | None = None,
    old: dict[str, Any] | None = None,
    subresource: str = "",
    labels: dict[str, str] | None = None,
    **info: Any,
) -> Review:
    """A write in the namespace `here`, whose labels may be given."""
    registry = Registry()
    for one in (MAPS, NODES, OLD, NEW):
        registry.add(one)
    home = Record(("", "here"), 1, "u", labels or {}, b'{"metadata":{"name":"here"}}')
    namespaces = SimpleNamespace(get=lambda _namespace, name: home if name == "here" else None)
    api = SimpleNamespace(registry=registry, namespaces=namespaces, authorizer=None)
    namespace = "here" if resource.namespaced else ""
    asked = RequestInfo("POST", "/", info.pop("query", {}), info.pop("verb", "create"), namespace=namespace, **info)
    call = Call(cast("Any", api), asked, User("ann"), resource, {})
    return Review(call, operation, obj, old, subresource)
