"""The official Python client, typed: configuration, objects, patches, watches, logs, locks."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import SharedInformer

from tests.e2e.clients.conftest import GROUP
from tests.e2e.clients.objects import WIDGET, config_map, deployment, pod, widget
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
IN_CLUSTER = """
import kubernetes.client, kubernetes.config
kubernetes.config.load_incluster_config()
core = kubernetes.client.CoreV1Api()
print("saw", core.read_namespaced_config_map("seen", "{namespace}").data["a"])
try:
    core.list_namespaced_secret("{namespace}")
except kubernetes.client.exceptions.ApiException as error:
    print("refused", error.status)
"""

CANDIDATE = """
from kubernetes import config
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
config.load_kube_config()
lock = LeaseLock("lead", "{namespace}", "{identity}")
leads = lambda: print("{identity} leads", flush=True)
settings = electionconfig.Config(lock, 3, 2, 1, onstarted_leading=leads, onstopped_leading=None)
leaderelection.LeaderElection(settings).run()
"""


@pytest.fixture(autouse=True)
def configured(kubeconfig: Path) -> None:
    config.load_kube_config(str(kubeconfig))


@pytest.fixture
def core() -> client.CoreV1Api:
    return client.CoreV1Api()


def ended(core: client.CoreV1Api, name: str, namespace: str) -> bool:
    phase: str = core.read_namespaced_pod(name, namespace).status.phase
    assert phase != "Failed", core.read_namespaced_pod_log(name, namespace)
    return phase == "Succeeded"


def test_a_token_says_who_we_are() -> None:
    review = client.AuthenticationV1Api().create_self_subject_review(client.V1SelfSubjectReview())

    assert "system:authenticated" in review.status.user_info.groups


def test_a_client_certificate_says_who_we_are(certificate_kubeconfig: Path) -> None:
    own = config.new_client_from_config(str(certificate_kubeconfig))
    review = client.AuthenticationV1Api(own).create_self_subject_review(client.V1SelfSubjectReview())

    assert review.status.user_info.username == "kubernetes-admin"


def test_in_a_pod_the_service_account_speaks(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("seen", a="1"))
    rules = [client.V1PolicyRule(api_groups=[""], resources=["configmaps"], verbs=["get"])]
    role = client.V1Role(metadata=client.V1ObjectMeta(name="reader"), rules=rules)
    client.RbacAuthorizationV1Api().create_namespaced_role(namespace, role)
    reference = client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name="reader")
    subject = client.RbacV1Subject(kind="ServiceAccount", name="default", namespace=namespace)
    binding = client.V1RoleBinding(metadata=client.V1ObjectMeta(name="reader"), role_ref=reference, subjects=[subject])
    client.RbacAuthorizationV1Api().create_namespaced_role_binding(namespace, binding)
    inside = pod("inside")
    inside["spec"]["containers"][0]["command"] = [sys.executable, "-c", IN_CLUSTER.format(namespace=namespace)]
    core.create_namespaced_pod(namespace, inside)
    eventually(lambda: ended(core, "inside", namespace))

    assert core.read_namespaced_pod_log("inside", namespace).splitlines() == ["saw 1", "refused 403"]


def test_a_config_map_lives(core: client.CoreV1Api, namespace: str) -> None:
    made = core.create_namespaced_config_map(namespace, config_map("a", x="1"))
    made.data["x"] = "2"
    assert core.replace_namespaced_config_map("a", namespace, made).data == {"x": "2"}
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_config_map("a", namespace, made)
    assert (stale.value.status, json.loads(stale.value.body)["reason"]) == (409, "Conflict")
    core.delete_namespaced_config_map("a", namespace)
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_config_map("a", namespace)
    assert gone.value.status == 404


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json-patch+json", [{"op": "replace", "path": "/data/x", "value": "2"}]),
        ("application/merge-patch+json", {"data": {"x": "2"}}),
        ("application/strategic-merge-patch+json", {"data": {"x": "2"}}),
    ],
)
def test_each_patch_type(core: client.CoreV1Api, namespace: str, kind: str, body: Any) -> None:
    core.create_namespaced_config_map(namespace, config_map("a", x="1", y="1"))

    patched = core.patch_namespaced_config_map("a", namespace, body, _content_type=kind)

    assert patched.data == {"x": "2", "y": "1"}


def test_server_side_apply_conflicts_until_forced(core: client.CoreV1Api, namespace: str) -> None:
    def apply(value: str, manager: str, **more: bool) -> client.V1ConfigMap:
        body = config_map("a", x=value)
        kind = "application/apply-patch+yaml"
        return core.patch_namespaced_config_map("a", namespace, body, field_manager=manager, _content_type=kind, **more)

    apply("1", "one")
    with pytest.raises(ApiException) as conflict:
        apply("2", "two")
    assert 'conflict with "one"' in json.loads(conflict.value.body)["message"]
    managers = [entry.manager for entry in apply("2", "two", force=True).metadata.managed_fields]
    assert managers == ["two"]


def test_a_deployment_comes_up_scales_and_goes(core: client.CoreV1Api, namespace: str) -> None:
    apps = client.AppsV1Api()
    apps.create_namespaced_deployment(namespace, deployment("web"))
    eventually(lambda: apps.read_namespaced_deployment("web", namespace).status.available_replicas == 1)
    scale = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})
    assert scale.spec.replicas == 2
    eventually(lambda: apps.read_namespaced_deployment_scale("web", namespace).status.replicas == 2)
    eventually(lambda: apps.read_namespaced_deployment_status("web", namespace).status.ready_replicas == 2)
    apps.delete_namespaced_deployment("web", namespace, propagation_policy="Foreground")
    eventually(lambda: not core.list_namespaced_pod(namespace, label_selector="app=web").items)


@pytest.mark.parametrize("kind", ["DaemonSet", "StatefulSet", "ReplicaSet"])
def test_a_fresh_workload_reads_as_its_type(namespace: str, kind: str) -> None:
    body = {**deployment("w", replicas=0), "kind": kind}
    if kind == "DaemonSet":
        del body["spec"]["replicas"]
    made = utils.create_from_dict(client.ApiClient(), body, namespace=namespace)[0]

    assert made.kind == kind and made.status is not None


def test_lists_are_chosen_and_paged(core: client.CoreV1Api, namespace: str) -> None:
    for number in range(5):
        body = config_map(f"m{number}")
        body["metadata"]["labels"] = {"odd": str(number % 2)}
        core.create_namespaced_config_map(namespace, body)
    odd = core.list_namespaced_config_map(namespace, label_selector="odd=1").items
    assert [item.metadata.name for item in odd] == ["m1", "m3"]
    one = core.list_namespaced_config_map(namespace, field_selector="metadata.name=m4").items
    assert [item.metadata.name for item in one] == ["m4"]
    first = core.list_namespaced_config_map(namespace, label_selector="odd", limit=3)
    assert len(first.items) == 3 and first.metadata._continue
    rest = core.list_namespaced_config_map(namespace, label_selector="odd", limit=3, _continue=first.metadata._continue)
    assert [item.metadata.name for item in rest.items] == ["m3", "m4"] and not rest.metadata._continue


def test_a_watch_goes_on_where_it_stopped(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("a"))
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    for name in "bc":
        core.create_namespaced_config_map(namespace, config_map(name))
    core.delete_namespaced_config_map("b", namespace)
    seen: list[tuple[str, str]] = []
    looking = watch.Watch()
    stream = looking.stream(core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=60)
    for event in stream:
        name = event["object"].metadata.name
        if name in ("b", "c"):
            seen.append((event["type"], name))
        if event["type"] == "DELETED":
            looking.stop()

    assert seen == [("ADDED", "b"), ("ADDED", "c"), ("DELETED", "b")]


def test_a_version_of_the_future_is_no_place_to_watch_from(core: client.CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        list(watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version="1", timeout_seconds=5))

    assert error.value.status == 410


def test_an_informer_keeps_up(core: client.CoreV1Api, namespace: str) -> None:
    informer = SharedInformer(core.list_namespaced_config_map, namespace=namespace, label_selector="kept")
    informer.start()
    try:
        body = config_map("a", x="1")
        body["metadata"]["labels"] = {"kept": "yes"}
        core.create_namespaced_config_map(namespace, body)
        eventually(lambda: [item.metadata.name for item in informer.cache.list()] == ["a"])
        core.patch_namespaced_config_map("a", namespace, {"metadata": {"labels": {"kept": None}}})
        eventually(lambda: not informer.cache.list())
    finally:
        informer.stop()


def test_logs_are_read_and_followed(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_pod(namespace, pod("talker", "for i in 1 2 3; do echo line $i; sleep 0.2; done"))
    eventually(lambda: core.read_namespaced_pod("talker", namespace).status.phase != "Pending")

    followed = list(watch.Watch().stream(core.read_namespaced_pod_log, "talker", namespace, follow=True))

    assert followed == ["line 1", "line 2", "line 3"]
    assert core.read_namespaced_pod_log("talker", namespace, tail_lines=1) == "line 3\n"


def test_exec_is_refused_in_words(core: client.CoreV1Api, namespace: str) -> None:
    from kubernetes.stream import stream

    core.create_namespaced_pod(namespace, pod("talker"))
    with pytest.raises(ApiException) as error:
        stream(core.connect_get_namespaced_pod_exec, "talker", namespace, command=["true"], stdout=True)

    assert "501 Not Implemented" in str(error.value)


def test_custom_objects_have_status_and_scale_of_their_own(namespace: str) -> None:
    custom = client.CustomObjectsApi()
    place = (GROUP, "v1", namespace, "widgets")
    made = custom.create_namespaced_custom_object(*place, widget("w", color="red"))
    assert made["spec"]["replicas"] == 1
    ignored = copy.deepcopy(made)
    ignored["status"] = {"phase": "Wrong"}
    assert "status" not in custom.replace_namespaced_custom_object(*place, "w", ignored)
    done = custom.patch_namespaced_custom_object_status(*place, "w", {"status": {"phase": "Done"}, "spec": {"size": 9}})
    assert done["status"] == {"phase": "Done"} and "size" not in done["spec"]
    scale = custom.patch_namespaced_custom_object_scale(*place, "w", {"spec": {"replicas": 4}})
    assert (scale["kind"], scale["spec"]["replicas"]) == ("Scale", 4)
    with pytest.raises(ApiException) as error:
        custom.patch_namespaced_custom_object(*place, "w", {"spec": {"size": -1}})
    assert json.loads(error.value.body)["details"]["causes"][0]["field"] == "spec.size"


def test_everything_in_a_yaml_file_is_made(core: client.CoreV1Api, namespace: str, tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
    file.write_text(yaml.safe_dump_all([config_map("a"), secret, deployment("web", replicas=0)]))

    utils.create_from_yaml(client.ApiClient(), str(file), namespace=namespace)

    assert core.read_namespaced_secret("s", namespace).data == {"a": "Yg=="}
    with pytest.raises(utils.FailToCreateError, match="already exists"):
        utils.create_from_yaml(client.ApiClient(), str(file), namespace=namespace)


def test_dictionaries_are_applied(namespace: str) -> None:
    utils.create_from_dict(client.ApiClient(), widget("w", size=1), namespace=namespace, apply=True)

    found = client.CustomObjectsApi().get_namespaced_custom_object(GROUP, "v1", namespace, "widgets", "w")
    assert found["apiVersion"] == WIDGET


@pytest.fixture
def candidate(namespace: str) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a candidate for the lock, as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(identity: str) -> subprocess.Popen[str]:
        script = CANDIDATE.format(namespace=namespace, identity=identity)
        started.append(subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_one_candidate_leads_until_it_dies(namespace: str, candidate: Callable[[str], subprocess.Popen[str]]) -> None:
    first = candidate("one")
    assert first.stdout is not None and first.stdout.readline() == "one leads\n"
    second = candidate("two")
    leases = client.CoordinationV1Api()
    taken = leases.read_namespaced_lease("lead", namespace).spec
    assert taken.holder_identity == "one"
    eventually(lambda: leases.read_namespaced_lease("lead", namespace).spec.renew_time > taken.renew_time)
    first.kill()
    assert second.stdout is not None and second.stdout.readline() == "two leads\n"
    assert leases.read_namespaced_lease("lead", namespace).spec.holder_identity == "two"
