"""Which resource stands behind a kind."""

from __future__ import annotations

from kgents.api.errors import NotFound
from kgents.api.kinds import Kind
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound


async def discover(api: KubeClient, api_version: str, kind: str) -> Kind:
    """The resource behind an apiVersion and a kind. Raises NotFound when the cluster serves none."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    missing = NotFound(f"the cluster knows no {kind} in {api_version}", fix="Check apiVersion and kind")
    try:
        listed = await api.request("GET", root)
    except ObjectNotFound as error:
        raise missing from error
    for resource in listed.get("resources") or ():
        if resource["kind"] == kind and "/" not in resource["name"]:
            return Kind(kind, resource["name"], api_version, namespaced=bool(resource["namespaced"]))
    raise missing
