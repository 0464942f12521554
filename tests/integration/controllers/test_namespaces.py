from __future__ import annotations

from typing import Any

from kgents.api.kinds import CONFIG_MAP, NAMESPACE, PERSISTENT_VOLUME_CLAIM, SERVICE_ACCOUNT
from kgents.kube.client import KubeClient
from tests.integration.controllers.conftest import exists
from tests.support.waiting import eventually_async


async def test_a_namespace_is_born_with_an_account_and_the_hives_certificate(
    api: KubeClient, namespace: str, hive_api: Any
) -> None:
    await eventually_async(lambda: exists(api, CONFIG_MAP, "kube-root-ca.crt", namespace))

    bundle = await api.get(CONFIG_MAP, "kube-root-ca.crt", namespace)

    assert "BEGIN CERTIFICATE" in bundle["data"]["ca.crt"]


async def test_what_was_removed_comes_back(api: KubeClient, namespace: str) -> None:
    before = await api.get(SERVICE_ACCOUNT, "default", namespace)

    await api.delete(SERVICE_ACCOUNT, "default", namespace)

    async def back() -> bool:
        found = (await api.list(SERVICE_ACCOUNT, namespace))["items"]
        return [item["metadata"]["uid"] for item in found] not in ([], [before["metadata"]["uid"]])

    await eventually_async(back)


async def test_a_namespace_goes_with_all_that_is_in_it(api: KubeClient, namespace: str) -> None:
    await api.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, namespace)

    await api.delete(NAMESPACE, namespace)

    await eventually_async(lambda: _is_gone(api, namespace))
    assert not (await api.list(CONFIG_MAP, namespace))["items"]


async def _is_gone(api: KubeClient, name: str) -> bool:
    return not (await api.list(NAMESPACE, field_selector=f"metadata.name={name}"))["items"]


async def test_a_namespace_that_hangs_says_why(api: KubeClient, namespace: str) -> None:
    metadata = {"name": "held", "finalizers": ["example.com/nobody"]}
    await api.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, namespace)
    await api.delete(NAMESPACE, namespace)

    async def explained() -> bool:
        found = await api.get(NAMESPACE, namespace)
        messages = [item["message"] for item in found["status"].get("conditions") or ()]
        return any("example.com/nobody in 1 resource instances" in message for message in messages)

    await eventually_async(explained)
    await api.patch(CONFIG_MAP, "held", {"metadata": {"finalizers": None}}, namespace)
    await eventually_async(lambda: _is_gone(api, namespace))


async def test_a_claim_is_bound(api: KubeClient, namespace: str) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": spec}
    await api.create(PERSISTENT_VOLUME_CLAIM, claim, namespace)

    async def bound() -> bool:
        found = await api.get(PERSISTENT_VOLUME_CLAIM, "c", namespace)
        return bool((found.get("status") or {}).get("phase") == "Bound")

    await eventually_async(bound)
