"""StatefulSets: in order, under the same names, with the same claims."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kgents.api.kinds import CONTROLLER_REVISION, PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET
from kgents.kube.client import KubeClient
from tests.integration.controllers.node import Node
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually_async

Object = dict[str, Any]
Pods = Callable[[], Awaitable[list[Object]]]


def db(image: str = "one", replicas: int = 3, **spec: Any) -> Object:
    labels = {"app": "db"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    whole = {"serviceName": "db", "replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {**whole, **spec}}


async def settled(api: KubeClient, namespace: str, ready: int = 3, updated: int | None = None) -> Object:
    async def look() -> Object | None:
        found = await api.get(STATEFUL_SET, "db", namespace)
        status = found.get("status") or {}
        counts = [status.get(name, 0) for name in ("replicas", "readyReplicas", "updatedReplicas")]
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        assert current and counts == [ready, ready, ready if updated is None else updated], status
        return found

    found = await eventually_async(look)
    assert found is not None
    return found


async def images(pods: Pods) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in await pods()}


async def test_pods_come_one_after_the_other_with_their_claims(
    api: KubeClient, namespace: str, node: Node, pods: Pods
) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await api.create(STATEFUL_SET, db(volumeClaimTemplates=[claim]), namespace)

    await settled(api, namespace)

    found = sorted(await pods(), key=lambda pod: int(pod["metadata"]["resourceVersion"]))
    made = sorted(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
    assert [pod["metadata"]["name"] for pod in made] == ["db-0", "db-1", "db-2"]
    assert all(pod["spec"]["hostname"] == pod["metadata"]["name"] for pod in found)
    claims = (await api.list(PERSISTENT_VOLUME_CLAIM, namespace))["items"]
    assert {one["metadata"]["name"] for one in claims} == {"data-db-0", "data-db-1", "data-db-2"}


async def test_one_that_is_not_ready_holds_the_next_ones_back(
    api: KubeClient, namespace: str, node: Node, pods: Pods
) -> None:
    node.broken.add("broken")
    await api.create(STATEFUL_SET, db("broken"), namespace)
    await eventually_async(pods)
    await api.patch(STATEFUL_SET, "db", {"metadata": {"annotations": {"look": "again"}}}, namespace)

    async def seen() -> bool:
        found = await api.get(STATEFUL_SET, "db", namespace)
        return bool((found.get("status") or {}).get("replicas") == 1)

    await eventually_async(seen)
    assert list(await images(pods)) == ["db-0"]


async def test_parallel_waits_for_nobody(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    node.broken.add("broken")
    await api.create(STATEFUL_SET, db("broken", podManagementPolicy="Parallel"), namespace)

    await eventually_async(lambda: has(pods, 3))


async def has(pods: Pods, count: int) -> bool:
    return len(await pods()) == count


async def test_a_partition_keeps_the_first_ones(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    partition = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    await api.create(STATEFUL_SET, db(**partition), namespace)
    await settled(api, namespace)

    await api.apply(STATEFUL_SET, db("two", **partition), namespace)
    await settled(api, namespace, updated=1)
    assert await images(pods) == {"db-0": "one", "db-1": "one", "db-2": "two"}

    await api.delete(POD, "db-0", namespace)

    async def back() -> bool:
        return (await images(pods)).get("db-0") == "one"

    await eventually_async(back)
    await settled(api, namespace, updated=1)


async def test_scaling_down_takes_the_last_ones(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(STATEFUL_SET, db(), namespace)
    await settled(api, namespace)

    await api.patch(STATEFUL_SET, "db", {"spec": {"replicas": 1}}, namespace)

    await settled(api, namespace, 1)
    assert list(await images(pods)) == ["db-0"]


async def test_undo_brings_the_last_template_back(
    api: KubeClient, namespace: str, node: Node, pods: Pods, kubectl: Kubectl
) -> None:
    await api.create(STATEFUL_SET, db("one"), namespace)
    await settled(api, namespace)
    await api.apply(STATEFUL_SET, db("two"), namespace)
    await settled(api, namespace)
    assert set((await images(pods)).values()) == {"two"}

    kubectl("rollout", "undo", "statefulset/db", "-n", namespace)

    await settled(api, namespace)
    assert set((await images(pods)).values()) == {"one"}
    revisions = (await api.list(CONTROLLER_REVISION, namespace))["items"]
    assert sorted(one["revision"] for one in revisions) == [2, 3]


async def test_claims_go_with_the_pods_that_are_scaled_away_where_that_is_asked(
    api: KubeClient, namespace: str, node: Node
) -> None:
    resources = {"requests": {"storage": "1Gi"}}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}
    policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    made = db(replicas=2, volumeClaimTemplates=[claim], persistentVolumeClaimRetentionPolicy=policy)
    await api.create(STATEFUL_SET, made, namespace)
    await settled(api, namespace, 2)

    await api.patch(STATEFUL_SET, "db", {"spec": {"replicas": 1}}, namespace)

    async def left() -> bool:
        claims = (await api.list(PERSISTENT_VOLUME_CLAIM, namespace))["items"]
        return [one["metadata"]["name"] for one in claims] == ["data-db-0"]

    await eventually_async(left)
