"""What the server fills in by itself, as Kubernetes' admission plugins do."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.integration.admission.place import Place
from tests.support.kubectl import Kubectl
from tests.support.webhook import Webhook, patching

TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
ON_PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


@pytest.fixture
def home(place: Place, kubectl: Kubectl) -> Place:
    """A namespace with an account for its pods."""
    kubectl.make_account("default", place.name)
    return place


def pod(place: Place, **spec: Any) -> Any:
    """What comes of a pod that is tried."""
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}
    return place.request("POST", f"/api/v1/namespaces/{place.name}/pods?dryRun=All", body).body


def test_a_pod_takes_over_the_pull_secrets_of_its_account(home: Place) -> None:
    account = {"metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "registry"}]}
    home.make(f"/api/v1/namespaces/{home.name}/serviceaccounts", account)
    assert pod(home, serviceAccountName="puller")["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_an_account_that_is_not_there_is_told_of(home: Place) -> None:
    why = f'error looking up service account {home.name}/nobody: serviceaccount "nobody" not found'
    assert pod(home, serviceAccountName="nobody")["message"] == f'pods "p" is forbidden: {why}'


def test_tolerations_of_its_own_do_not_take_away_the_usual_ones(home: Place) -> None:
    found = pod(home, tolerations=[{"key": "gpu", "operator": "Exists"}])["spec"]["tolerations"]
    assert [one["key"].rpartition("/")[2] for one in found] == ["gpu", "not-ready", "unreachable"]


def test_a_priority_comes_from_its_class(home: Place) -> None:
    name = f"high-{secrets.token_hex(4)}"
    value = {"metadata": {"name": name}, "value": 7, "preemptionPolicy": "Never"}
    home.make("/apis/scheduling.k8s.io/v1/priorityclasses", value)
    spec = pod(home, priorityClassName=name)["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (7, "Never")
    assert pod(home, priorityClassName="system-node-critical")["spec"]["priority"] == 2_000_001_000


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"priorityClassName": "nothing"}, "no PriorityClass with name nothing was found"),
        ({"priority": 5}, "the integer value of priority (5) must not be provided in pod spec; "
         "priority admission controller computed 0 from the given PriorityClass name"),
    ],
)  # fmt: skip
def test_a_priority_cannot_be_made_up(home: Place, spec: dict[str, Any], why: str) -> None:
    assert pod(home, **spec)["message"] == f'pods "p" is forbidden: {why}'


def test_webhooks_see_what_the_server_filled_in_and_it_completes_what_they_add(home: Place, webhook: Webhook) -> None:
    sidecar = {"op": "add", "path": "/spec/containers/-", "value": {"name": "sidecar", "image": "i"}}
    webhook.routes["/sidecar"] = patching(sidecar)
    home.hooks("Mutating", webhook, {"path": "/sidecar", "rule": ON_PODS})
    spec = pod(home)["spec"]
    seen = webhook.received[0][1]["request"]["object"]["spec"]["containers"][0]["volumeMounts"]
    mounts = [container["volumeMounts"] for container in spec["containers"]]
    assert mounts == [seen, seen]
    assert [volume["name"] for volume in spec["volumes"]] == [seen[0]["name"]]


@pytest.mark.embedded("a cluster may have a default StorageClass")
def test_a_claim_without_a_class_gets_the_default_one(place: Place) -> None:
    name = f"fast-{secrets.token_hex(4)}"
    note = {"storageclass.kubernetes.io/is-default-class": "true"}
    body = {"metadata": {"name": name, "annotations": note}, "provisioner": "example.com/x"}
    place.make("/apis/storage.k8s.io/v1/storageclasses", body)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = f"/api/v1/namespaces/{place.name}/persistentvolumeclaims"
    found = [
        place.request("POST", claims, {"metadata": {"name": f"c{index}"}, "spec": {**spec, **more}}).body["spec"]
        for index, more in enumerate(({}, {"storageClassName": ""}))
    ]
    assert [one.get("storageClassName") for one in found] == [name, ""]
