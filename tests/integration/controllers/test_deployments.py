from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kgents.api.kinds import DEPLOYMENT, POD, REPLICA_SET
from kgents.embedded.controllers import run
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from tests.integration.controllers.node import Node
from tests.support.waiting import eventually_async

Object = dict[str, Any]
Pods = Callable[[], Awaitable[list[Object]]]


def web(image: str = "one", replicas: int = 2, **spec: Any) -> Object:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    whole = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": whole}


async def settled(api: KubeClient, namespace: str, replicas: int) -> Object:
    """The Deployment, once it says that it is done."""

    async def look() -> Object | None:
        found = await api.get(DEPLOYMENT, "web", namespace)
        status = found.get("status") or {}
        counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        return found if current and counts == [replicas] * 3 else None

    found = await eventually_async(look)
    assert found is not None
    return found


def images(pods: list[Object]) -> set[str]:
    return {item["spec"]["containers"][0]["image"] for item in pods}


async def test_a_deployment_gets_its_pods_and_says_so(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(DEPLOYMENT, web(), namespace)

    done = await settled(api, namespace, 2)

    conditions = {item["type"]: item["status"] for item in done["status"]["conditions"]}
    assert conditions == {"Available": "True", "Progressing": "True"}
    assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert len(await pods()) == 2


async def test_a_new_image_rolls_to_the_last_pod(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(DEPLOYMENT, web("one"), namespace)
    await settled(api, namespace, 2)

    await api.apply(DEPLOYMENT, web("two"), namespace)
    await settled(api, namespace, 2)

    assert images(await pods()) == {"two"}
    sets = (await api.list(REPLICA_SET, namespace))["items"]
    assert sorted(item["spec"]["replicas"] for item in sets) == [0, 2]


async def test_a_broken_image_leaves_the_old_pods_at_work(
    api: KubeClient, namespace: str, node: Node, pods: Pods
) -> None:
    node.broken.add("bad")
    await api.create(DEPLOYMENT, web("good"), namespace)
    await settled(api, namespace, 2)

    await api.apply(DEPLOYMENT, web("bad"), namespace)

    async def both() -> bool:
        return images(await pods()) == {"good", "bad"}

    await eventually_async(both)
    status = (await api.get(DEPLOYMENT, "web", namespace))["status"]
    assert status["availableReplicas"] == 2


async def test_a_lost_pod_is_replaced(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(DEPLOYMENT, web(), namespace)
    await settled(api, namespace, 2)
    victim = (await pods())[0]["metadata"]

    await api.delete(POD, victim["name"], namespace)

    async def replaced() -> bool:
        uids = {item["metadata"]["uid"] for item in await pods()}
        return len(uids) == 2 and victim["uid"] not in uids

    await eventually_async(replaced)


async def test_scaling_keeps_the_ready_pods(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(DEPLOYMENT, web(replicas=5), namespace)
    await settled(api, namespace, 5)

    await api.patch(DEPLOYMENT, "web", {"spec": {"replicas": 1}}, namespace)
    await settled(api, namespace, 1)

    await eventually_async(lambda: _count(pods, 1))


async def _count(pods: Pods, wanted: int) -> bool:
    return len(await pods()) == wanted


async def test_deleting_a_deployment_takes_all_with_it(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(DEPLOYMENT, web(), namespace)
    await settled(api, namespace, 2)

    await api.delete(DEPLOYMENT, "web", namespace)

    await eventually_async(lambda: _count(pods, 0))
    assert not (await api.list(REPLICA_SET, namespace))["items"]


async def test_no_pod_is_made_twice_over_a_restart(
    api: KubeClient, config: ClusterConfig, namespace: str, node: Node, pods: Pods
) -> None:
    """A second set of loops beside the first is worse than a restart: both look at the same objects at once."""
    stop = asyncio.Event()
    second = asyncio.create_task(run(config, stop))

    await api.create(DEPLOYMENT, web(replicas=4), namespace)
    await settled(api, namespace, 4)
    stop.set()
    await second

    await eventually_async(lambda: _count(pods, 4))
    assert len((await api.list(REPLICA_SET, namespace))["items"]) == 1


async def test_kubectl_follows_a_rollout(api: KubeClient, namespace: str, node: Node, kubectl: Any) -> None:
    await api.create(DEPLOYMENT, web(), namespace)

    told = await asyncio.to_thread(kubectl, "-n", namespace, "rollout", "status", "deployment/web", "--timeout=60s")
    waited = await asyncio.to_thread(
        kubectl, "-n", namespace, "wait", "--for=condition=Available", "deployment/web", "--timeout=60s"
    )
    history = await asyncio.to_thread(kubectl, "-n", namespace, "rollout", "history", "deployment/web")

    assert "successfully rolled out" in told
    assert "condition met" in waited
    assert "REVISION" in history


async def test_recreate_ends_with_the_new_pods_alone(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(DEPLOYMENT, web("one", strategy={"type": "Recreate"}), namespace)
    await settled(api, namespace, 2)

    await api.apply(DEPLOYMENT, web("two", strategy={"type": "Recreate"}), namespace)
    await settled(api, namespace, 2)

    assert images(await pods()) == {"two"}
