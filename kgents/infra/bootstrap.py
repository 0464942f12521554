"""Makes a Kubernetes API a hive: applies the CRDs and the foundation by server-side apply, and waits until they serve.

A plain client of the API: the same steps work on any cluster, and doing them again changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from kgents.api import times
from kgents.api.errors import KgentsError, NotFound, Unreachable
from kgents.api.kinds import CONFIG_MAP, CRD, HIVE_NAMESPACE, LEASE, Kind
from kgents.infra import manifests
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import AlreadyExists

_MANAGER = "kgents-infra"
_LEASES = "kube-node-lease"
_POLICY, _SOLO = "kgents-policy", "approver.solo"


async def bootstrap(config: ClusterConfig, *, solo: str = "", timeout: float = 60.0) -> str:
    """Applies what a hive is made of. Returns who may approve his own proposals, "" for nobody.

    `solo` is who it will be in a new hive: an embedded one has one human, who would wait for a second one for ever.
    Raises Unreachable when the API is not ready or a CRD is not served in time.
    """
    try:
        async with asyncio.timeout(timeout), KubeClient(config) as api:
            return await _bootstrap(api, solo)
    except TimeoutError as error:
        raise Unreachable(
            f"The API server at {config.server} was not ready within {timeout:.0f} s",
            fix="See what it says: kgents infra logs",
        ) from error


async def _bootstrap(api: KubeClient, solo: str) -> str:
    while not await api.ready():
        await asyncio.sleep(0.03)
    crds, rest = manifests.crds(), manifests.foundation()
    await asyncio.gather(*(api.apply(CRD, crd, field_manager=_MANAGER) for crd in crds))
    namespaces = [item for item in rest if item["kind"] == "Namespace"]
    others = [item for item in rest if item["kind"] != "Namespace"]
    await asyncio.gather(*(apply_object(api, item, field_manager=_MANAGER) for item in namespaces))
    if solo:
        await _let_off_four_eyes(api, solo)
    await asyncio.gather(*(apply_object(api, item, field_manager=_MANAGER) for item in others))
    for crd in crds:
        await _established(api, crd["metadata"]["name"])
    policy = await api.get(CONFIG_MAP, _POLICY, HIVE_NAMESPACE)
    return str((policy.get("data") or {}).get(_SOLO) or "")


async def _let_off_four_eyes(api: KubeClient, who: str) -> None:
    """Only where there are no settings yet: what somebody has changed since stays as he left it."""
    metadata = {"name": _POLICY, "namespace": HIVE_NAMESPACE}
    with contextlib.suppress(AlreadyExists):
        await api.create(CONFIG_MAP, {"metadata": metadata, "data": {_SOLO: who}}, HIVE_NAMESPACE)


async def node_is_back(config: ClusterConfig, node: str, since: float, *, timeout: float = 30.0) -> bool:
    """Whether the node has renewed its lease after `since` (Unix time): before that, pods' statuses are of old."""
    try:
        async with asyncio.timeout(timeout), KubeClient(config) as api:
            while not await _renewed(api, node, since):
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


async def _renewed(api: KubeClient, node: str, since: float) -> bool:
    try:
        lease = await api.get(LEASE, node, _LEASES)
    except NotFound:
        return False
    return (times.parse(lease["spec"].get("renewTime")) or 0.0) > since


async def apply_object(api: KubeClient, item: dict[str, Any], *, field_manager: str) -> dict[str, Any]:
    """Server-side apply of any object, its resource found by discovery."""
    return await api.apply(await discover(api, item["apiVersion"], item["kind"]), item, field_manager=field_manager)


async def discover(api: KubeClient, api_version: str, kind: str) -> Kind:
    """The resource behind an apiVersion and kind. Raises KgentsError when the server has none."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    listing = await api.request("GET", root)
    for resource in listing["resources"]:
        if resource["kind"] == kind and "/" not in resource["name"]:
            return Kind(kind, resource["name"], api_version, namespaced=resource["namespaced"])
    raise KgentsError(f"The cluster does not know {kind} ({api_version})", fix="Check apiVersion and kind")


async def _established(api: KubeClient, name: str) -> None:
    while True:
        crd = await api.get(CRD, name)
        conditions = {c["type"]: c["status"] for c in crd.get("status", {}).get("conditions", [])}
        if conditions.get("Established") == "True":
            return
        await asyncio.sleep(0.03)
