from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cortex.conftest import AGENTS, Daemon
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {"containers": [{"name": "main", "image": "x", "resources": {"requests": {"cpu": "200m"}}}]},
}


@pytest.mark.embedded("writes metrics, which a metrics server only reads")
def test_measured_use_is_shown_as_activity(daemon: Daemon, namespace: str, kubectl: Kubectl, tmp_path: Path) -> None:
    daemon.invoke("world.cluster.agents.scout.define", namespace, spec={"command": ["/bin/true"]})
    metadata = {"name": "scout-1", "namespace": namespace, "labels": {"kgents.io/agent": "scout"}}
    use = {
        "timestamp": "2026-01-01T00:00:00Z",
        "window": "5s",
        "containers": [{"name": "main", "usage": {"cpu": "100m"}}],
    }
    metrics = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": metadata, **use}
    (tmp_path / "pod.json").write_text(json.dumps({**POD, "metadata": metadata}))
    (tmp_path / "use.json").write_text(json.dumps(metrics))
    url = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"

    kubectl("create", "-f", str(tmp_path / "pod.json"))
    kubectl("create", "--raw", url, "-f", str(tmp_path / "use.json"))

    eventually(lambda: [row["activity"] for row in daemon.invoke(AGENTS, namespace)] == [0.5])
