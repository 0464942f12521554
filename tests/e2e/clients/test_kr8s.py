"""kr8s, plain and asynchronous."""

from __future__ import annotations

from pathlib import Path

import httpx_ws
import kr8s
import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import ConfigMap as AsyncConfigMap
from kr8s.asyncio.objects import Deployment as AsyncDeployment
from kr8s.asyncio.objects import Pod as AsyncPod
from kr8s.objects import ConfigMap, Deployment, Namespace, Node, Pod, Secret, Service, new_class

from tests.e2e.clients.conftest import GROUP
from tests.e2e.clients.objects import WIDGET, config_map, deployment, pod, widget
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore:Kubernetes version")]
Widget = new_class(kind="Widget", version=WIDGET, plural="widgets", namespaced=True, scalable=True)


@pytest.fixture(autouse=True)
def api(kubeconfig: Path, namespace: str) -> kr8s.Api:
    """The client of each test's own: kr8s keeps one for all of a kubeconfig."""
    return kr8s.api(kubeconfig=str(kubeconfig), namespace=namespace)


def test_it_knows_the_server(api: kr8s.Api) -> None:
    assert api.version()["gitVersion"].startswith("v1.")
    assert api.whoami() == "kubernetes-admin"
    assert {"pods", "widgets", "deployments"} <= {resource["name"] for resource in api.api_resources()}


def test_a_certificate_will_do(certificate_kubeconfig: Path) -> None:
    assert kr8s.api(kubeconfig=str(certificate_kubeconfig)).whoami() == "kubernetes-admin"


@pytest.mark.parametrize("name", ["wd", "widget", "widgets", "Widget", f"widgets.{GROUP}", f"widgets.v1.{GROUP}"])
def test_kinds_go_by_many_names(api: kr8s.Api, name: str) -> None:
    made = Widget(widget("w"), api=api)
    made.create()

    assert [found.name for found in api.get(name)] == ["w"]
    assert api.lookup_kind(name) == (f"widget.{GROUP}/v1", "widgets", True)


def test_an_object_lives(api: kr8s.Api) -> None:
    made = ConfigMap(config_map("m", a="1"), api=api)
    made.create()
    assert made.exists() and made.metadata.uid
    made.patch({"data": {"a": "2"}})
    made.patch([{"op": "add", "path": "/data/b", "value": "3"}], type="json")
    assert dict(made.data) == {"a": "2", "b": "3"}
    made.label(tier="web")
    made.annotate(note="text")
    assert made.labels["tier"] == "web" and made.annotations["note"] == "text"
    assert [found.name for found in api.get("configmaps", label_selector={"tier": "web"})] == ["m"]
    assert [found.name for found in api.get("configmaps", field_selector={"metadata.name": "m"})] == ["m"]
    made.delete()
    with pytest.raises(kr8s.NotFoundError):
        made.refresh()


def test_a_generated_name_comes_back(api: kr8s.Api) -> None:
    body = config_map("x")
    body["metadata"] = {"generateName": "many-"}
    made = ConfigMap(body, api=api)
    made.create()

    assert made.name.startswith("many-")


def test_errors_say_what_the_server_said(api: kr8s.Api) -> None:
    with pytest.raises(kr8s.ServerError, match="Required value"):
        Pod({"metadata": {"name": "p"}, "spec": {"containers": [{"image": "a"}]}}, api=api).create()


def test_a_secret_in_lines_is_base64_too(api: kr8s.Api) -> None:
    Secret({"metadata": {"name": "s"}, "data": {"text": "aGVs\nbG8=\n"}}, api=api).create()

    assert Secret.get("s", api=api).data["text"] == "aGVsbG8="


def test_a_pod_is_waited_for_until_it_is_gone(api: kr8s.Api) -> None:
    made = Pod(pod("p"), api=api)
    made.create()
    made.wait("condition=Ready", timeout=60)
    assert made.ready() and made.status.phase == "Running"
    made.delete()
    made.wait("condition=Ready=False", timeout=60)
    made.wait("delete", timeout=60)
    assert not made.exists()


def test_logs_are_read_and_followed(api: kr8s.Api) -> None:
    made = Pod(pod("p", "for i in 1 2 3; do echo line $i; sleep 0.2; done"), api=api)
    made.create()
    made.wait(["condition=Ready", "jsonpath='{.status.phase}'=Succeeded"], timeout=60)

    assert list(made.logs(follow=True)) == ["line 1", "line 2", "line 3"]
    assert list(made.logs(tail_lines=1)) == ["line 3"]


def test_a_deployment_scales_and_finds_its_pods(api: kr8s.Api) -> None:
    made = Deployment(deployment("web"), api=api)
    made.create()
    made.wait("condition=Available", timeout=60)
    made.scale(2)
    eventually(lambda: len(made.pods()) == 2 and made.ready())
    assert made.replicas == 2


def test_a_service_finds_its_pods(api: kr8s.Api) -> None:
    Pod(pod("p"), api=api).create()
    made = Service({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "p"}}}, api=api)
    made.create()

    assert [found.name for found in made.ready_pods()] in ([], ["p"])
    eventually(lambda: [found.name for found in made.ready_pods()] == ["p"])


def test_custom_objects_scale_and_have_a_status(api: kr8s.Api) -> None:
    made = Widget(widget("w"), api=api)
    made.create()
    made.scale(3)
    assert made.replicas == 3
    made.patch({"status": {"phase": "Done"}}, subresource="status")
    assert made.status.phase == "Done"


def test_an_owner_takes_what_it_adopted_with_it(api: kr8s.Api) -> None:
    owner, child = ConfigMap(config_map("owner"), api=api), ConfigMap(config_map("child"), api=api)
    owner.create()
    child.create()
    owner.adopt(child)
    owner.delete()

    eventually(lambda: not child.exists())


def test_a_watch_tells_of_objects(api: kr8s.Api) -> None:
    ConfigMap(config_map("m"), api=api).create()

    events = api.watch("configmaps", field_selector={"metadata.name": "m"})

    kind, found = next(iter(events))
    assert (kind, found.name) == ("ADDED", "m")


def test_a_node_is_cordoned(api: kr8s.Api) -> None:
    node = next(iter(api.get("nodes")))
    assert isinstance(node, Node) and node.unschedulable is False
    node.cordon()
    assert node.unschedulable is True
    node.uncordon()
    assert node.unschedulable is False


def test_namespaces_and_all_of_them(api: kr8s.Api, namespace: str) -> None:
    ConfigMap(config_map("everywhere"), api=api).create()
    assert Namespace.get(namespace, api=api).status.phase == "Active"

    found = api.get("configmaps", namespace=kr8s.ALL, field_selector={"metadata.name": "everywhere"})

    assert namespace in {item.namespace for item in found}


def test_exec_is_refused_in_words(api: kr8s.Api) -> None:
    made = Pod(pod("p"), api=api)
    made.create()
    made.wait("condition=Ready", timeout=60)
    with pytest.raises(httpx_ws.WebSocketUpgradeError) as refused:
        made.exec(["true"])

    assert refused.value.response.status_code == 501


async def test_many_things_at_once(kubeconfig: Path, namespace: str) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(kubeconfig), namespace=namespace)
    made = await AsyncConfigMap(config_map("m", a="1"), api=api)
    await made.create()
    await made.patch({"data": {"a": "2"}})
    assert [item.data.a async for item in api.get("configmaps", "m")] == ["2"]
    web = await AsyncDeployment(deployment("web"), api=api)
    await web.create()
    await web.wait("condition=Available", timeout=60)
    assert [type(item) async for item in api.get("pods", label_selector="app=web")] == [AsyncPod]
    await web.delete(propagation_policy="Foreground")
    await web.wait("delete", timeout=60)
    assert not await web.exists()
