"""The official client's dynamic client: kinds are found by asking the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import (
    ConflictError,
    NotFoundError,
    ResourceNotFoundError,
    ResourceNotUniqueError,
    UnprocessibleEntityError,
)
from kubernetes.dynamic.resource import ResourceInstance

from tests.e2e.clients.conftest import GROUP
from tests.e2e.clients.objects import WIDGET, config_map, deployment, pod, widget
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def dynamic(kubeconfig: Path, tmp_path: Path) -> DynamicClient:
    """A client whose cache of what it discovered is its own."""
    api = config.new_client_from_config(str(kubeconfig))
    return DynamicClient(api, cache_file=str(tmp_path / "discovered.json"))


@pytest.fixture
def widgets(dynamic: DynamicClient) -> Any:
    return dynamic.resources.get(api_version=WIDGET, kind="Widget")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"api_version": "v1", "kind": "Pod"}, "pods"),
        ({"short_names": ["deploy"]}, "deployments"),
        ({"group": GROUP, "kind": "Widget"}, "widgets"),
        ({"short_names": ["wd"]}, "widgets"),
        ({"api_version": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}, "clusterroles"),
        ({"name": "customresourcedefinitions"}, "customresourcedefinitions"),
    ],
)
def test_resources_are_found_by_what_they_are_called(dynamic: DynamicClient, asked: dict[str, Any], found: str) -> None:
    assert dynamic.resources.get(**asked).name == found


def test_what_is_not_there_is_not_found(dynamic: DynamicClient) -> None:
    with pytest.raises(ResourceNotFoundError):
        dynamic.resources.get(api_version="example.com/v1", kind="Nothing")
    with pytest.raises(ResourceNotUniqueError):
        dynamic.resources.get(kind="Event" if len(dynamic.resources.search(kind="Event")) > 1 else "Status")


def test_namespaced_and_cluster_wide_are_told_apart(dynamic: DynamicClient) -> None:
    assert dynamic.resources.get(api_version="v1", kind="ConfigMap").namespaced
    assert not dynamic.resources.get(api_version="v1", kind="Namespace").namespaced


def test_the_servers_version_is_shown(dynamic: DynamicClient) -> None:
    assert dynamic.version["kubernetes"]["gitVersion"].startswith("v1.")


def test_a_custom_object_lives(widgets: Any, namespace: str) -> None:
    made = widgets.create(body=widget("w", color="red"), namespace=namespace)
    assert isinstance(made, ResourceInstance) and made.spec.replicas == 1
    changed = made.to_dict()
    changed["spec"]["color"] = "blue"
    assert widgets.replace(body=changed, namespace=namespace).spec.color == "blue"
    with pytest.raises(ConflictError):
        widgets.replace(body=changed, namespace=namespace)
    with pytest.raises(UnprocessibleEntityError):
        widgets.patch(
            name="w", namespace=namespace, body={"spec": {"size": "big"}}, content_type="application/merge-patch+json"
        )
    widgets.delete(name="w", namespace=namespace)
    with pytest.raises(NotFoundError):
        widgets.get(name="w", namespace=namespace)


def test_subresources_are_resources_too(widgets: Any, namespace: str) -> None:
    widgets.create(body=widget("w"), namespace=namespace)
    body = {"status": {"phase": "Done"}, "spec": {"size": 9}}
    done = widgets.status.patch(name="w", namespace=namespace, body=body, content_type="application/merge-patch+json")
    assert done.status.phase == "Done" and done.spec.size is None
    scale = widgets.scale.get(name="w", namespace=namespace)
    assert (scale.kind, scale.spec.replicas) == ("Scale", 1)


def test_server_side_apply_keeps_each_managers_fields(dynamic: DynamicClient, namespace: str) -> None:
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    for manager, data in (("one", {"a": "1"}), ("two", {"b": "2"}), ("one", {"c": "3"})):
        last = maps.server_side_apply(body=config_map("m", **data), namespace=namespace, field_manager=manager)

    assert last.data.to_dict() == {"b": "2", "c": "3"}
    with pytest.raises(ConflictError):
        maps.server_side_apply(body=config_map("m", b="9"), namespace=namespace, field_manager="one")


def test_lists_and_collections(dynamic: DynamicClient, namespace: str) -> None:
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    for number in range(4):
        body = config_map(f"m{number}")
        body["metadata"]["labels"] = {"odd": str(number % 2)}
        maps.create(body=body, namespace=namespace)
    listed = maps.get(namespace=namespace, label_selector="odd=1")
    assert listed.kind == "ConfigMapList" and [item.metadata.name for item in listed.items] == ["m1", "m3"]
    page = maps.get(namespace=namespace, label_selector="odd", limit=3)
    assert len(page.items) == 3 and page.metadata["continue"]
    maps.delete(namespace=namespace, label_selector="odd=1")
    assert [item.metadata.name for item in maps.get(namespace=namespace, label_selector="odd").items] == ["m0", "m2"]


def test_a_dry_run_leaves_no_trace(dynamic: DynamicClient, namespace: str) -> None:
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    assert maps.create(body=config_map("m"), namespace=namespace, dry_run="All").metadata.uid
    with pytest.raises(NotFoundError):
        maps.get(name="m", namespace=namespace)


def test_a_watch_tells_what_happened(widgets: Any, namespace: str) -> None:
    version = widgets.get(namespace=namespace).metadata.resourceVersion
    widgets.create(body=widget("w", size=1), namespace=namespace)
    merge = "application/merge-patch+json"
    widgets.patch(name="w", namespace=namespace, body={"spec": {"size": 2}}, content_type=merge)
    widgets.delete(name="w", namespace=namespace)
    seen = []
    for event in widgets.watch(namespace=namespace, resource_version=version, timeout=60):
        seen.append((event["type"], event["object"].spec.size))
        if event["type"] == "DELETED":
            break

    assert seen == [("ADDED", 1), ("MODIFIED", 2), ("DELETED", 2)]


def test_a_kind_made_meanwhile_is_discovered(dynamic: DynamicClient) -> None:
    crds = dynamic.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "latecomers", "kind": "Latecomer"}
    spec = {"group": "late.example.com", "scope": "Cluster", "names": names, "versions": [version]}
    kind = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "latecomers.late.example.com"},
        "spec": spec,
    }
    crds.create(body=kind)
    try:
        latecomers = eventually(lambda: dynamic.resources.search(api_version="late.example.com/v1", kind="Latecomer"))[
            0
        ]
        latecomers.create(body={"apiVersion": "late.example.com/v1", "kind": "Latecomer", "metadata": {"name": "a"}})
        assert latecomers.get(name="a").metadata.name == "a"
    finally:
        crds.delete(name="latecomers.late.example.com")


def test_a_pods_log_is_a_subresource(dynamic: DynamicClient, namespace: str) -> None:
    pods = dynamic.resources.get(api_version="v1", kind="Pod")
    pods.create(body=pod("p", "echo hello"), namespace=namespace)
    eventually(lambda: pods.get(name="p", namespace=namespace).status.phase == "Succeeded")

    assert client.CoreV1Api(dynamic.client).read_namespaced_pod_log("p", namespace) == "hello\n"


def test_a_deployment_is_scaled(dynamic: DynamicClient, namespace: str) -> None:
    deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    deployments.create(body=deployment("web"), namespace=namespace)
    body = {"spec": {"replicas": 2}}
    deployments.scale.patch(name="web", namespace=namespace, body=body, content_type="application/merge-patch+json")
    eventually(lambda: deployments.get(name="web", namespace=namespace).status.readyReplicas == 2)
