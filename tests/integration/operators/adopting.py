"""Workloads that somebody else made, and agents that adopt them; the test is the node."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from kgents.api.kinds import AGENT, DEPLOYMENT, POD, STATEFUL_SET, Kind
from kgents.kube.client import KubeClient
from tests.integration.operators import node
from tests.support.waiting import eventually_async

Object = dict[str, Any]
OWNER = "somebody-else"


def pod_spec(container: str = "bot") -> Object:
    return {"containers": [{"name": container, "image": "x", "command": ["sleep", "1000"]}]}


async def workload(api: KubeClient, name: str, kind: Kind = DEPLOYMENT, **more: Any) -> Object:
    """One that `kubectl create deployment` could have made."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec()}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **more.pop("spec", {})}
    spec |= {"serviceName": name} if kind is STATEFUL_SET else {}
    metadata = {"name": name, "namespace": "default", "labels": labels, **more}
    return await api.create(kind, {"metadata": metadata, "spec": spec}, field_manager=OWNER)


async def adopt(api: KubeClient, agent: str, name: str, kind: Kind = DEPLOYMENT, uid: str = "", **spec: Any) -> None:
    ref = {"apiVersion": kind.api_version, "kind": kind.kind, "name": name} | ({"uid": uid} if uid else {})
    body = {"metadata": {"name": agent, "namespace": "default"}, "spec": {"workloadRef": ref, **spec}}
    await api.create(AGENT, body)


async def pods(api: KubeClient, app: str) -> list[Object]:
    listed = await api.list(POD, "default", label_selector=f"app={app}")
    return [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]


async def run(api: KubeClient, app: str, *, restarts: int = 0, status: Mapping[str, Any] | None = None) -> Object:
    """The node says of the workload's one pod that it runs. Returns the pod."""

    async def look() -> list[Object]:
        return await pods(api, app)

    [pod] = await eventually_async(look)
    await run_one(api, pod, status or node.running(time.time(), restarts=restarts))
    return pod


async def run_one(api: KubeClient, pod: Object, status: Mapping[str, Any] | None = None) -> None:
    """The node says of this pod that it runs, or what `status` says."""
    said = dict(status or node.running(time.time()))
    said["containerStatuses"][0]["name"] = "bot"
    await node.tell(api, pod, said)


async def condition(api: KubeClient, agent: str, type: str, reason: str) -> Object:
    """The agent's condition, once it has that reason."""

    async def look() -> Object | None:
        found = (await api.get(AGENT, agent, "default")).get("status") or {}
        conditions = [one for one in found.get("conditions") or () if one["type"] == type]
        assert [one["reason"] for one in conditions] == [reason], f"{type} of {agent}: {found}"
        return dict(conditions[0])

    return await eventually_async(look)


async def settled(api: KubeClient, kind: Kind, name: str) -> Object:
    """The object, once its own controller has told its status."""

    async def look() -> Object | None:
        found = await api.get(kind, name, "default")
        status = found.get("status") or {}
        known = status.get("observedGeneration") == found["metadata"]["generation"]
        ready = status.get("readyReplicas", 0) == found["spec"]["replicas"]
        return found if known and ready else None

    return await eventually_async(look)


def untouched(before: Object, after: Object) -> None:
    """Nobody wrote it in between: not even its version is another one."""
    assert after["metadata"].get("managedFields") == before["metadata"].get("managedFields")
    assert after == before
