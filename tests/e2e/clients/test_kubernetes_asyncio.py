"""kubernetes_asyncio: the official client's asynchronous sister."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes_asyncio import client, config, utils, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.dynamic import DynamicClient

from tests.e2e.clients.objects import WIDGET, config_map, deployment, pod, widget
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.e2e


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[ApiClient]:
    async with await config.new_client_from_config(str(kubeconfig)) as api:
        yield api


async def test_a_certificate_will_do(certificate_kubeconfig: Path) -> None:
    async with await config.new_client_from_config(str(certificate_kubeconfig)) as api:
        review = await client.AuthenticationV1Api(api).create_self_subject_review({})

    assert review.status.user_info.username == "kubernetes-admin"


async def test_an_object_lives(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    made = await core.create_namespaced_config_map(namespace, config_map("m", a="1"))
    made.data["a"] = "2"
    assert (await core.replace_namespaced_config_map("m", namespace, made)).data == {"a": "2"}
    with pytest.raises(client.ApiException) as stale:
        await core.replace_namespaced_config_map("m", namespace, made)
    assert stale.value.status == 409
    patched = await core.patch_namespaced_config_map(
        "m", namespace, {"data": {"b": "3"}}, _content_type="application/merge-patch+json"
    )
    assert patched.data == {"a": "2", "b": "3"}
    await core.delete_namespaced_config_map("m", namespace)
    with pytest.raises(client.ApiException) as gone:
        await core.read_namespaced_config_map("m", namespace)
    assert gone.value.status == 404


async def test_a_watch_tells_what_happened(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    seen = []

    async def look(version: str) -> None:
        async with watch.Watch().stream(
            core.list_namespaced_config_map, namespace, resource_version=version, field_selector="metadata.name=m"
        ) as stream:
            async for event in stream:
                seen.append((event["type"], event["object"].data))
                if event["type"] == "DELETED":
                    return

    version = (await core.list_namespaced_config_map(namespace)).metadata.resource_version
    looking = asyncio.create_task(look(version))
    await core.create_namespaced_config_map(namespace, config_map("m", a="1"))
    await core.delete_namespaced_config_map("m", namespace)
    await asyncio.wait_for(looking, 60)

    assert seen == [("ADDED", {"a": "1"}), ("DELETED", {"a": "1"})]


async def test_logs_are_followed(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    await core.create_namespaced_pod(namespace, pod("p", "for i in 1 2 3; do echo line $i; sleep 0.2; done"))

    async def started() -> bool:
        return bool((await core.read_namespaced_pod("p", namespace)).status.phase != "Pending")

    await eventually_async(started)
    answer = await core.read_namespaced_pod_log("p", namespace, follow=True, _preload_content=False)
    lines = [line.decode().strip() async for line in answer.content]

    assert lines == ["line 1", "line 2", "line 3"]


async def test_the_dynamic_client_finds_kinds_and_applies(api: ApiClient, namespace: str) -> None:
    dynamic = await DynamicClient(api)
    widgets = await dynamic.resources.get(api_version=WIDGET, kind="Widget")
    made = await widgets.server_side_apply(body=widget("w", color="red"), namespace=namespace, field_manager="tests")
    assert made.spec.replicas == 1
    assert [item.metadata.name for item in (await widgets.get(namespace=namespace)).items] == ["w"]


async def test_a_deployment_comes_up(api: ApiClient, namespace: str) -> None:
    await utils.create_from_dict(api, deployment("web"), namespace=namespace)
    apps = client.AppsV1Api(api)

    async def ready() -> bool:
        return (await apps.read_namespaced_deployment("web", namespace)).status.ready_replicas == 1

    await eventually_async(ready)
