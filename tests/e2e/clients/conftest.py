"""One hive for every client that nobody here wrote, found as its users find a cluster: through KUBECONFIG."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgents.embedded.auth import pki
from tests.support.kubectl import Kubectl
from tests.support.machine import Machine

GROUP = "clients.example.com"
TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "color": TEXT,
                "size": {"type": "integer", "minimum": 0},
                "replicas": {"type": "integer", "default": 1},
            },
        },
        "status": {
            "type": "object",
            "properties": {"phase": TEXT, "replicas": {"type": "integer"}},
            "x-kubernetes-preserve-unknown-fields": True,
        },
    },
}
WIDGETS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"widgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": SCHEMA},
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
            }
        ],
    },
}


@pytest.fixture(scope="session")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A whole hive, with the kind Widget."""
    machine = Machine(tmp_path_factory.mktemp("clients"))
    machine("infra", "init")
    machine.kubectl("apply", "-f", "-", input=yaml.safe_dump(WIDGETS))
    machine.kubectl("wait", "--for=condition=Established", f"crd/widgets.{GROUP}")
    yield machine
    machine.clear()


@pytest.fixture(autouse=True)
def kubeconfig(hive: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a client finds in its environment: the administrator's token."""
    monkeypatch.setenv("KUBECONFIG", str(hive.kubeconfig))
    monkeypatch.setenv("HOME", str(hive.root))
    return hive.kubeconfig


@pytest.fixture
def kubectl(hive: Machine) -> Kubectl:
    """A second pair of eyes."""
    return hive.kubectl


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of the test's own, ready for pods."""
    name = f"c-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def certificate_kubeconfig(hive: Machine, tmp_path: Path) -> Path:
    """The same cluster, for somebody who shows a client certificate instead of a token."""
    certificate, key = pki.issue_client(pki.Pki(hive.hive / "pki"), "kubernetes-admin", ["system:masters"])
    (tmp_path / "client.crt").write_bytes(certificate)
    (tmp_path / "client.key").write_bytes(key)
    config = yaml.safe_load(hive.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"client-certificate": str(tmp_path / "client.crt"), "client-key": str(tmp_path / "client.key")}
    path = tmp_path / "certificates.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path
