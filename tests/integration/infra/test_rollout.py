"""A rollout that does not come up: what is told of why, by an API server whose pods are as a kubelet would say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kgents.api.errors import Unreachable
from kgents.api.kinds import DEPLOYMENT, HIVE_NAMESPACE
from kgents.infra import deployed, manifests
from kgents.infra.applying import Part
from kgents.kube import config
from kgents.kube.client import KubeClient
from tests.support import hive
from tests.support.kubectl import Kubectl

WAITING = {"reason": "ImagePullBackOff", "message": "Back-off pulling image\n\x1b[31mghcr.io/kgents/operators"}
CRASHED = {"reason": "CrashLoopBackOff", "message": "back-off 80s"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hive.HiveApi]:
    running = hive.start(tmp_path_factory.mktemp("api"))
    kubectl = Kubectl(running.kubeconfig)
    kubectl.make_namespace(HIVE_NAMESPACE)
    kubectl.make_account("kgents-operators", HIVE_NAMESPACE)
    yield running
    running.stop()


def put(kubectl: Kubectl, state: dict[str, Any]) -> list[Part]:
    """The operators' Deployment, and one pod of it in that state."""
    found = [one for one in manifests.workloads(manifests.Images.of()) if one["kind"] == "Deployment"]
    (made,) = [one for one in found if one["metadata"]["name"] == "kgents-operators"]
    kubectl("apply", "--server-side", "-f", "-", input=json.dumps(made))
    kubectl("delete", "pod", "-n", HIVE_NAMESPACE, "one", "--ignore-not-found", "--grace-period=0", "--force")
    metadata = {"name": "one", "namespace": HIVE_NAMESPACE, "labels": made["spec"]["template"]["metadata"]["labels"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]["template"]["spec"]}
    kubectl("create", "-f", "-", input=json.dumps(pod))
    container = {"name": "operators", "image": "x", "imageID": "", "ready": False, "restartCount": 1, **state}
    status = json.dumps({"status": {"containerStatuses": [container]}})
    kubectl("patch", "pod", "one", "-n", HIVE_NAMESPACE, "--subresource=status", "--type=merge", "-p", status)
    return [(DEPLOYMENT, made)]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": {"waiting": WAITING}}, ["one: ImagePullBackOff Back-off pulling image", "--image-registry"]),
        (
            {
                "state": {"waiting": CRASHED},
                "lastState": {"terminated": {"exitCode": 1, "message": "no right to lead"}},
            },
            ["one: CrashLoopBackOff no right to lead", "describe pods"],
        ),
        ({"state": {"running": {}}}, ["one: it runs and is not ready"]),
    ],
)
async def test_why_it_does_not_come_up_is_told(server: hive.HiveApi, state: dict[str, Any], words: list[str]) -> None:
    parts = put(Kubectl(server.kubeconfig), state)
    async with KubeClient(config.load(path=server.kubeconfig)) as api:
        with pytest.raises(Unreachable, match="kgents-operators did not come up") as told:
            await deployed.rolled_out(api, parts, timeout=0.5)

    assert all(word in str(told.value) for word in words)
    assert str(told.value).isprintable()
