"""Which resources the server has, those of custom kinds included: read from its discovery, never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api.kinds import Kind
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError

# Objects that nobody owns and that come and go by thousands, or that live in no store.
_LEFT_OUT = {("events", "v1"), ("events", "events.k8s.io/v1")}
_LEFT_OUT_GROUPS = {"metrics.k8s.io"}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource at the version that its group prefers."""

    kind: Kind
    verbs: frozenset[str]

    @property
    def group(self) -> str:
        return self.kind.api_version.rpartition("/")[0]

    @property
    def is_collectable(self) -> bool:
        """Whether objects of it can be listed, watched and deleted."""
        return {"list", "watch", "delete"} <= self.verbs


@dataclass(frozen=True, slots=True)
class Discovered:
    """Resources, and whether that is all of them: a group that did not answer leaves it incomplete."""

    resources: tuple[Resource, ...]
    complete: bool

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind. Any version of its group does: an object is the same in all of them."""
        group = api_version.rpartition("/")[0]
        for resource in self.resources:
            if resource.kind.kind == kind and resource.group == group:
                return resource
        return None


async def discover(api: KubeClient) -> Discovered:
    """Ask for all groups. Raises KgentsError when the server does not even list its groups."""
    resources = _resources("v1", await api.request("GET", "/api/v1"))
    complete = True
    for group in (await api.request("GET", "/apis"))["groups"]:
        if group["name"] in _LEFT_OUT_GROUPS:
            continue
        version = (group.get("preferredVersion") or group["versions"][0])["groupVersion"]
        try:
            resources += _resources(version, await api.request("GET", f"/apis/{version}"))
        except ApiError:
            complete = False
    return Discovered(tuple(resources), complete)


def _resources(api_version: str, listed: Mapping[str, Any]) -> list[Resource]:
    found = []
    for entry in listed.get("resources") or ():
        name = entry["name"]
        if "/" in name or (name, api_version) in _LEFT_OUT:
            continue
        kind = Kind(entry["kind"], name, api_version, namespaced=bool(entry.get("namespaced")))
        found.append(Resource(kind, frozenset(entry.get("verbs") or ())))
    return found
