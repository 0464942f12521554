"""What there is: groups, versions and resources, in the old form and in the aggregated one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from kgents.embedded.apiserver.calls import Answer
from kgents.embedded.apiserver.errors import no_such_resource
from kgents.embedded.apiserver.registry import Registry, Resource, Subresource

Object = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OTHER_PATHS = (
    *("/.well-known/openid-configuration", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks"),
    *("/readyz", "/version"),
)


def handles(path: str) -> bool:
    """Whether a path is one of discovery's."""
    parts = path.strip("/").split("/")
    return path == "/" or (parts[0] == "api" and len(parts) <= 2) or (parts[0] == "apis" and len(parts) <= 3)


class Discovery:
    """Answers discovery; documents are kept until the registry changes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._generation = -1
        self._documents: dict[str, bytes] = {}

    def answer(self, path: str, accept: str) -> Answer:
        """The document of a path. Raises 404."""
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._documents.clear()
        path = "/" + path.strip("/")
        aggregated = path in ("/api", "/apis") and "APIGroupDiscoveryList" in accept
        version = "v2" if "v=v2," in accept + "," or "v=v2;" in accept else "v2beta1"
        key = f"{path} {version}" if aggregated else path
        body = self._documents.get(key)
        if body is None:
            value = self._aggregated(path, version) if aggregated else self._plain(path)
            body = self._documents[key] = orjson.dumps(value)
        if not aggregated:
            return Answer(body)
        kind = f"application/json;as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v={version}"
        etag = '"' + hashlib.sha256(body).hexdigest().upper() + '"'
        return Answer(body, content_type=kind, headers={"ETag": etag, "Vary": "Accept"})

    def _plain(self, path: str) -> Object:
        parts = path.strip("/").split("/")
        groups = self._groups()
        if path == "/":
            named = [f"/apis/{name}" for name in groups if name]
            versions = [f"/apis/{name}/{one}" for name, listed in groups.items() if name for one in listed]
            return {"paths": sorted([*OTHER_PATHS, "/api", "/api/v1", "/apis", *named, *versions])}
        if path == "/api":
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
        if path == "/apis":
            listed = [_group(name, versions) for name, versions in groups.items() if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        if parts[0] == "api":
            return self._resources("", parts[1])
        if parts[1] not in groups or not parts[1]:
            raise no_such_resource()
        if len(parts) == 2:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], groups[parts[1]])}
        return self._resources(parts[1], parts[2])

    def _groups(self) -> dict[str, list[str]]:
        """Each group's versions; custom groups after the built-in ones, since clients prefer what comes first."""
        custom = {one.group for one in self._registry if one.custom}
        groups = self._registry.groups()
        return {name: groups[name] for name in sorted(groups, key=lambda name: name if name in custom else "")}

    def _served(self, group: str, version: str) -> list[Resource]:
        found = (one for one in self._registry if one.group == group and one.version == version)
        return sorted(found, key=lambda one: one.plural)

    def _resources(self, group: str, version: str) -> Object:
        found = self._served(group, version)
        if not found:
            raise no_such_resource()
        listed = [entry for one in found for entry in _entries(one)]
        name = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": listed}

    def _aggregated(self, path: str, version: str) -> Object:
        items = []
        for group, versions in self._groups().items():
            if (path == "/api") != (group == ""):
                continue
            meta: Object = {"name": group} if group else {}
            listed = [self._version(group, name) for name in versions]
            items.append({"metadata": meta | {"creationTimestamp": None}, "versions": listed})
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": items,
        }

    def _version(self, group: str, version: str) -> Object:
        listed = [_discovered(one) for one in self._served(group, version)]
        return {"version": version, "resources": listed, "freshness": "Current"}


def _group(name: str, versions: Iterable[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _entries(resource: Resource) -> list[Object]:
    if not resource.verbs:
        return [_entry(resource, sub) for sub in resource.subresources.values()]
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    entry.update(_names(resource))
    if "list" in resource.verbs and not resource.volatile:
        entry["storageVersionHash"] = _storage_hash(resource)
    return [entry, *(_entry(resource, sub) for sub in resource.subresources.values())]


def _storage_hash(resource: Resource) -> str:
    """Tells clients when the version changes in which objects are stored, as k8s.io/apiserver makes it."""
    named = f"{resource.group}/{resource.storage_version}/{resource.kind}"
    return base64.b64encode(hashlib.sha256(named.encode()).digest()[:8]).decode()


def _names(resource: Resource) -> Object:
    names: Object = {}
    if resource.short_names:
        names["shortNames"] = list(resource.short_names)
    if resource.categories:
        names["categories"] = list(resource.categories)
    return names


def _entry(resource: Resource, sub: Subresource) -> Object:
    entry: Object = {"name": f"{resource.plural}/{sub.name}", "singularName": "", "namespaced": resource.namespaced}
    if sub.version:
        entry.update({"group": sub.group, "version": sub.version})
    entry.update({"kind": sub.kind or resource.kind, "verbs": list(sub.verbs)})
    return entry


def _discovered(resource: Resource) -> Object:
    # Built-in kinds say only their kind here, as the real server does; clients take the rest from the group.
    group, version = (resource.group, resource.version) if resource.custom else ("", "")
    entry: Object = {
        "resource": resource.plural,
        "responseKind": {"group": group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        **_names(resource),
    }
    subresources = [
        {
            "subresource": sub.name,
            "responseKind": {
                "group": sub.group or group,
                "version": sub.version or version,
                "kind": sub.kind or resource.kind,
            },
            "verbs": list(sub.verbs),
        }
        for sub in resource.subresources.values()
    ]
    if subresources:
        entry["subresources"] = subresources
    return entry
