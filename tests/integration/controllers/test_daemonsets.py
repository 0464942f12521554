"""DaemonSets: one pod a node, on those that fit."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from kgents.api.kinds import DAEMON_SET, NODE
from kgents.kube.client import KubeClient
from tests.integration.controllers.node import Node
from tests.support.waiting import eventually_async

Object = dict[str, Any]
Pods = Callable[[], Awaitable[list[Object]]]


@pytest.fixture
async def machines(api: KubeClient) -> AsyncIterator[list[str]]:
    """Two nodes of the test's own."""
    names = [f"m-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    for name in names:
        labels = {"test": names[0], "name": name}
        await api.create(NODE, {"metadata": {"name": name, "labels": labels}})
    yield names
    for name in names:
        await api.delete(NODE, name, missing_ok=True)


def agent(mark: str, image: str = "one", **spec: Any) -> Object:
    labels = {"app": "agent"}
    pod = {"nodeSelector": {"test": mark}, "containers": [{"name": "c", "image": image}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": whole}


async def settled(api: KubeClient, namespace: str, number: int) -> Object:
    async def look() -> Object | None:
        found = await api.get(DAEMON_SET, "agent", namespace)
        status = found.get("status") or {}
        names = ("desiredNumberScheduled", "numberAvailable", "updatedNumberScheduled")
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        assert current and [status.get(name, 0) for name in names] == [number] * 3, status
        return found

    found = await eventually_async(look)
    assert found is not None
    return found


async def test_each_node_that_fits_has_one_pod(
    api: KubeClient, namespace: str, node: Node, machines: list[str], pods: Pods
) -> None:
    await api.create(DAEMON_SET, agent(machines[0]), namespace)
    await settled(api, namespace, 2)

    await api.patch(NODE, machines[1], {"metadata": {"labels": {"test": "other"}}})

    await settled(api, namespace, 1)
    await eventually_async(lambda: has(pods, 1))


async def has(pods: Pods, count: int) -> bool:
    return len(await pods()) == count


async def test_a_new_image_reaches_every_node(
    api: KubeClient, namespace: str, node: Node, machines: list[str], pods: Pods
) -> None:
    await api.create(DAEMON_SET, agent(machines[0]), namespace)
    await settled(api, namespace, 2)

    await api.apply(DAEMON_SET, agent(machines[0], "two"), namespace)

    await settled(api, namespace, 2)
    assert {pod["spec"]["containers"][0]["image"] for pod in await pods()} == {"two"}


async def test_a_tainted_node_is_left_alone(api: KubeClient, namespace: str, node: Node, machines: list[str]) -> None:
    await api.patch(NODE, machines[1], {"spec": {"taints": [{"key": "mine", "effect": "NoSchedule"}]}})

    await api.create(DAEMON_SET, agent(machines[0]), namespace)

    await settled(api, namespace, 1)
