"""The real kubectl works against the embedded API server, unmodified."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually


@pytest.fixture
def ns(new_namespace: Callable[[str], str]) -> str:
    return new_namespace("kc")


def deployment(name: str, image: str = "app:1") -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: "{image}"}}]}}
"""


def test_create_sends_protobuf_and_is_understood(kubectl: Kubectl, ns: str) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=b", "-n", ns)
    assert kubectl.json("get", "configmap", "c", "-n", ns)["data"] == {"a": "b"}


def test_applying_twice_changes_nothing(kubectl: Kubectl, ns: str) -> None:
    kubectl("apply", "-n", ns, "-f", "-", input=deployment("d"))
    assert "unchanged" in kubectl("apply", "-n", ns, "-f", "-", input=deployment("d"))


def test_apply_merges_a_change_into_what_is_there(kubectl: Kubectl, ns: str) -> None:
    kubectl("apply", "-n", ns, "-f", "-", input=deployment("d"))
    kubectl("scale", "deployment", "d", "--replicas=3", "-n", ns)
    kubectl("apply", "-n", ns, "-f", "-", input=deployment("d", "app:2"))
    spec = kubectl.json("get", "deployment", "d", "-n", ns)["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (3, "app:2")


def test_server_side_apply_keeps_to_its_fields(kubectl: Kubectl, ns: str) -> None:
    kubectl("apply", "--server-side", "-n", ns, "-f", "-", input=deployment("d"))
    kubectl("patch", "deployment", "d", "-n", ns, "-p", '{"spec": {"replicas": 4}}')
    kubectl("apply", "--server-side", "-n", ns, "-f", "-", input=deployment("d", "app:2"))
    assert kubectl.json("get", "deployment", "d", "-n", ns)["spec"]["replicas"] == 4


def test_describe_and_wide_tables_read_well(kubectl: Kubectl, ns: str) -> None:
    kubectl("apply", "-n", ns, "-f", "-", input=deployment("d"))
    assert "RollingUpdateStrategy:  25% max unavailable" in kubectl("describe", "deployment", "d", "-n", ns)
    assert "app:1" in kubectl("get", "deployments", "-n", ns, "-o", "wide")


@pytest.mark.alone("plays the Deployment controller")
def test_wait_sees_a_condition_come_true(kubectl: Kubectl, ns: str) -> None:
    kubectl("apply", "-n", ns, "-f", "-", input=deployment("d"))
    waiting = kubectl.popen("wait", "--for=condition=Available", "deployment/d", "-n", ns, "--timeout=60s")
    patch = '{"status": {"conditions": [{"type": "Available", "status": "True"}]}}'
    kubectl("patch", "deployment", "d", "-n", ns, "--subresource=status", "--type=merge", "-p", patch)
    assert waiting.wait(60) == 0
    assert waiting.stdout is not None
    waiting.stdout.close()


def test_a_watch_shows_what_comes(kubectl: Kubectl, ns: str) -> None:
    watching = kubectl.popen("get", "configmaps", "-n", ns, "-w", "--no-headers")
    assert watching.stdout is not None
    kubectl("create", "configmap", "later", "-n", ns)
    assert any(line.startswith("later") for line in watching.stdout)
    watching.terminate()
    watching.wait()
    watching.stdout.close()


def test_explain_knows_built_in_kinds(kubectl: Kubectl) -> None:
    assert "Number of desired pods" in kubectl("explain", "deployment.spec.replicas")


def test_what_is_deleted_is_gone(kubectl: Kubectl, ns: str) -> None:
    kubectl("create", "configmap", "c", "-n", ns)
    kubectl("delete", "configmap", "c", "-n", ns)
    assert "NotFound" in kubectl.run("get", "configmap", "c", "-n", ns).stderr


def test_a_typo_in_a_manifest_is_named(kubectl: Kubectl, ns: str) -> None:
    wrong = deployment("d").replace("selector:", "replicsa: 2\n  selector:")
    assert 'unknown field "spec.replicsa"' in kubectl.run("apply", "-n", ns, "-f", "-", input=wrong).stderr


@pytest.mark.embedded("writes metrics, which a metrics server only reads")
def test_metrics_pushed_by_the_node_are_topped(kubectl: Kubectl, ns: str) -> None:
    usage = {"name": "main", "usage": {"cpu": "250m", "memory": "64Mi"}}
    metrics = {
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": {"name": "p", "namespace": ns},
        "timestamp": "2026-01-01T00:00:00Z",
        "window": "5s",
        "containers": [usage],
    }
    import json

    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{ns}/pods"
    kubectl("create", "--raw", path, "-f", "-", input=json.dumps(metrics))
    assert eventually(lambda: "250m" in kubectl("top", "pods", "-n", ns))
