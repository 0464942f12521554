from __future__ import annotations

from typing import Any

from kgents.api.kinds import ENDPOINT_SLICE, ENDPOINTS, POD, SERVICE
from kgents.kube.client import KubeClient
from tests.integration.controllers.conftest import exists
from tests.integration.controllers.node import Node
from tests.support.waiting import eventually_async

Object = dict[str, Any]


async def add_service(api: KubeClient, namespace: str) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    await api.create(
        SERVICE, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}, namespace
    )


async def add_pod(api: KubeClient, namespace: str, name: str, image: str = "x") -> None:
    metadata = {"name": name, "labels": {"app": "web"}}
    spec = {"containers": [{"name": "c", "image": image}]}
    await api.create(POD, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, namespace)


async def states(api: KubeClient, namespace: str) -> dict[str, bool]:
    """Ready or not, by the name of the pod, as the slices say."""
    parts = (await api.list(ENDPOINT_SLICE, namespace))["items"]
    points = [point for part in parts for point in part.get("endpoints") or ()]
    return {point["targetRef"]["name"]: point["conditions"]["ready"] for point in points}


async def test_a_service_knows_its_ready_pods(api: KubeClient, namespace: str, node: Node) -> None:
    node.broken.add("bad")
    await add_service(api, namespace)
    await add_pod(api, namespace, "good")
    await add_pod(api, namespace, "sick", "bad")

    async def both() -> bool:
        return await states(api, namespace) == {"good": True, "sick": False}

    await eventually_async(both)

    async def listed() -> bool:
        found = (await api.get(ENDPOINTS, "web", namespace)).get("subsets") or [{}]
        return len(found[0].get("addresses") or ()) == 1 == len(found[0].get("notReadyAddresses") or ())

    await eventually_async(listed)


async def test_a_pod_that_is_gone_is_no_endpoint(api: KubeClient, namespace: str, node: Node) -> None:
    await add_service(api, namespace)
    await add_pod(api, namespace, "a")

    async def one() -> bool:
        return await states(api, namespace) == {"a": True}

    await eventually_async(one)
    await api.delete(POD, "a", namespace)

    async def none() -> bool:
        return not await states(api, namespace)

    await eventually_async(none)


async def test_endpoints_go_with_their_service(api: KubeClient, namespace: str) -> None:
    await add_service(api, namespace)
    await eventually_async(lambda: exists(api, ENDPOINTS, "web", namespace))

    await api.delete(SERVICE, "web", namespace)

    async def none() -> bool:
        parts = await api.list(ENDPOINT_SLICE, namespace)
        return not parts["items"] and not await exists(api, ENDPOINTS, "web", namespace)

    await eventually_async(none)
