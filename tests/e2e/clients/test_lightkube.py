"""lightkube, plain and asynchronous."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lightkube import ApiError, AsyncClient, Client, KubeConfig, codecs
from lightkube.core.exceptions import ConditionError
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Node, Pod
from lightkube.types import CascadeType, PatchType

from tests.e2e.clients.conftest import GROUP
from tests.e2e.clients.objects import WIDGET, config_map, deployment, pod, widget
from tests.support.waiting import eventually, eventually_async

pytestmark = pytest.mark.e2e
Widget: Any = create_namespaced_resource(GROUP, "v1", "Widget", "widgets")


@pytest.fixture
def client(kubeconfig: Path, namespace: str) -> Client:
    return Client(config=KubeConfig.from_file(kubeconfig), namespace=namespace, field_manager="tests")


def made(body: dict[str, Any]) -> Any:
    return codecs.from_dict(body)


def test_a_certificate_will_do(certificate_kubeconfig: Path) -> None:
    config = KubeConfig.from_file(certificate_kubeconfig)

    assert [node.status.nodeInfo.operatingSystem for node in Client(config=config).list(Node)] == ["linux"]


def test_an_object_lives(client: Client) -> None:
    found = client.create(made(config_map("m", a="1")))
    found.data["a"] = "2"
    assert client.replace(found).data == {"a": "2"}
    with pytest.raises(ApiError) as stale:
        client.replace(found)
    assert stale.value.status.reason == "Conflict"
    client.set(ConfigMap, "m", labels={"tier": "web"}, annotations={"note": "text"})
    assert client.get(ConfigMap, "m").metadata.labels == {"tier": "web"}
    client.set(ConfigMap, "m", labels={"tier": None})
    assert not client.get(ConfigMap, "m").metadata.labels
    client.delete(ConfigMap, "m")
    with pytest.raises(ApiError) as gone:
        client.get(ConfigMap, "m")
    assert (gone.value.status.code, gone.value.status.details.name) == (404, "m")


def test_each_patch_type(client: Client) -> None:
    client.create(made(config_map("m", a="1")))
    client.patch(ConfigMap, "m", {"data": {"b": "2"}})
    client.patch(ConfigMap, "m", {"data": {"a": None}}, patch_type=PatchType.MERGE)
    client.patch(ConfigMap, "m", [{"op": "add", "path": "/data/c", "value": "3"}], patch_type=PatchType.JSON)

    assert client.get(ConfigMap, "m").data == {"b": "2", "c": "3"}


def test_apply_takes_back_what_it_gave(client: Client) -> None:
    client.apply(made(config_map("m", a="1", b="1")))
    assert client.apply(made(config_map("m", b="2"))).data == {"b": "2"}
    with pytest.raises(ApiError) as conflict:
        client.apply(made(config_map("m", b="3")), field_manager="other")
    assert conflict.value.status.code == 409
    assert client.apply(made(config_map("m", b="3")), field_manager="other", force=True).data == {"b": "3"}


def test_lists_are_chosen_and_paged(client: Client) -> None:
    for number in range(5):
        body = made(config_map(f"m{number}"))
        body.metadata.labels = {"odd": str(number % 2)}
        client.create(body)
    assert [item.metadata.name for item in client.list(ConfigMap, labels={"odd": "1"})] == ["m1", "m3"]
    assert [item.metadata.name for item in client.list(ConfigMap, fields={"metadata.name": "m4"})] == ["m4"]
    assert len(list(client.list(ConfigMap, labels={"odd": ["0", "1"]}, chunk_size=2))) == 5
    client.deletecollection(ConfigMap)
    assert not list(client.list(ConfigMap, labels={"odd": None}))


def test_a_pod_is_waited_for(client: Client) -> None:
    client.create(made(pod("p")))
    assert client.wait(Pod, "p", for_conditions=["Ready"]).status.phase == "Running"
    client.create(made(deployment("web")))
    assert client.wait(Deployment, "web", for_conditions=["Available"]).status.readyReplicas == 1


def test_a_wait_ends_when_the_object_does(client: Client) -> None:
    client.create(made(pod("p", "exit 3")))
    eventually(lambda: client.get(Pod, "p").status.phase == "Failed")
    with pytest.raises(ConditionError):
        client.wait(Pod, "p", for_conditions=["Never"], raise_for_conditions=["PodScheduled"])


def test_logs_are_followed(client: Client) -> None:
    client.create(made(pod("p", "for i in 1 2 3; do echo line $i; sleep 0.2; done")))
    eventually(lambda: client.get(Pod, "p").status.phase != "Pending")

    assert list(client.log("p", follow=True, newlines=False)) == ["line 1", "line 2", "line 3"]


def test_scale_and_status_are_apart(client: Client) -> None:
    client.create(made(deployment("web", replicas=0)))
    scale = client.replace(Deployment.Scale(metadata=ObjectMeta(name="web"), spec=ScaleSpec(replicas=2)), name="web")
    assert scale.spec.replicas == 2
    eventually(lambda: client.get(Deployment.Status, name="web").status.readyReplicas == 2)
    client.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
    eventually(lambda: not list(client.list(Pod)))


def test_custom_objects(client: Client) -> None:
    found = client.create(Widget(metadata=ObjectMeta(name="w"), spec={"color": "red"}))
    assert found.spec == {"color": "red", "replicas": 1}
    done = client.patch(Widget.Status, "w", {"status": {"phase": "Done"}}, patch_type=PatchType.MERGE)
    assert done.status == {"phase": "Done"}
    assert client.get(Widget.Scale, "w").spec.replicas == 1
    client.apply(Widget.from_dict(widget("w", color="blue")), force=True)
    assert [item.spec["color"] for item in client.list(Widget)] == ["blue"]


def test_kinds_are_loaded_from_the_server(client: Client) -> None:
    load_in_cluster_generic_resources(client)

    assert made(widget("w", size=1)).__class__.__name__ == "Widget"
    assert client.create(made(widget("w", size=1))).apiVersion == WIDGET


def test_a_watch_goes_on_where_it_stopped(client: Client) -> None:
    version = client.create(made(widget("a"))).metadata.resourceVersion
    client.patch(Widget, "a", {"spec": {"size": 1}}, patch_type=PatchType.MERGE)
    client.delete(Widget, "a")
    seen = []
    for event, found in client.watch(Widget, resource_version=version):
        seen.append((event, found.spec.get("size")))
        if event == "DELETED":
            break

    assert seen == [("MODIFIED", 1), ("DELETED", 1)]


def test_all_namespaces(client: Client, namespace: str) -> None:
    client.create(made(config_map("everywhere")))

    found = client.list(ConfigMap, namespace="*", fields={"metadata.name": "everywhere"})

    assert namespace in {item.metadata.namespace for item in found}
    assert client.get(Namespace, namespace).status.phase == "Active"


def test_a_file_of_many_objects(client: Client) -> None:
    text = codecs.dump_all_yaml([made(config_map("a", x="1")), made(config_map("b", x="2"))])

    assert [client.create(body).data["x"] for body in codecs.load_all_yaml(text)] == ["1", "2"]


async def test_many_things_at_once(kubeconfig: Path, namespace: str) -> None:
    client = AsyncClient(config=KubeConfig.from_file(kubeconfig), namespace=namespace, field_manager="tests")
    try:
        await client.apply(made(deployment("web")))
        assert (await client.wait(Deployment, "web", for_conditions=["Available"])).status.readyReplicas == 1
        assert len([item async for item in client.list(Pod, labels={"app": "web"})]) == 1
        await client.delete(Deployment, "web")

        async def nothing_left() -> bool:
            return not [item async for item in client.list(Pod)]

        assert await eventually_async(nothing_left)
    finally:
        await client.close()
