"""What stands in the deploy folders, rendered by kubectl's own kustomize."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from kgents import __version__
from kgents.infra import manifests
from kgents.infra.manifests import Images

ROOT = Path(__file__).parents[3]
KUBECTL = Path(sys.executable).with_name("kubectl")
PARTS = ("operators", "cortex")
FOLDERS = [f"{part}/deploy/{folder}" for part in PARTS for folder in ("base", "overlays/dev", "overlays/prod")]
OLDEST, NEWEST = "1.30", "1.34"
Object = dict[str, Any]


@cache
def rendered(folder: str) -> list[Object]:
    done = subprocess.run([KUBECTL, "kustomize", ROOT / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [one for one in objects if one["kind"] == kind]


def pods(folder: str) -> Iterator[Object]:
    return (one["spec"]["template"]["spec"] for one in of_kind(rendered(folder), "Deployment"))


def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_manifest_is_what_kubernetes_schemas_say(folder: str, version: str) -> None:
    for document in rendered(folder):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("part", PARTS)
def test_init_applies_what_kustomize_renders(part: str) -> None:
    by_init = by_name([*manifests.foundation(shared=True), *manifests.workloads(Images.of())])
    by_kustomize = by_name(rendered(f"{part}/deploy/base"))

    assert {key: by_init.get(key) for key in by_kustomize} == by_kustomize


def test_init_applies_nothing_besides() -> None:
    by_init = [*manifests.foundation(shared=True), *manifests.workloads(Images.of())]

    assert len(by_init) == sum(len(rendered(f"{part}/deploy/base")) for part in PARTS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_pods_meet_the_restricted_standard_and_write_to_volumes_alone(folder: str) -> None:
    for pod in pods(folder):
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
        assert all(set(volume) <= {"name", "emptyDir", "secret"} for volume in pod["volumes"])
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_container_has_probes_and_bounds(folder: str) -> None:
    for pod in pods(folder):
        for container in pod["containers"]:
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_budget_never_keeps_a_node_from_being_drained(folder: str) -> None:
    replicas = {one["metadata"]["name"]: one["spec"]["replicas"] for one in of_kind(rendered(folder), "Deployment")}
    for budget in of_kind(rendered(folder), "PodDisruptionBudget"):
        assert budget["spec"]["minAvailable"] < replicas[budget["metadata"]["name"]]


@pytest.mark.parametrize("folder", FOLDERS)
def test_nobody_holds_every_right(folder: str) -> None:
    for role in (*of_kind(rendered(folder), "ClusterRole"), *of_kind(rendered(folder), "Role")):
        for rule in role.get("rules") or []:
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            assert not {"escalate", "bind"} & set(rule["verbs"])
            assert "secrets" not in rule["resources"]


def test_images_are_of_this_version_and_each_may_be_another() -> None:
    default = Images.of()
    assert default.operators == f"ghcr.io/kgents/operators:{__version__}"
    assert Images.of("r.example/x/", memory="m@sha256:1") == (
        f"r.example/x/operators:{__version__}",
        f"r.example/x/cortex:{__version__}",
        "m@sha256:1",
    )
    text = str(manifests.workloads(Images("o:1", "c:1", "m:1")))
    assert all(f"'{image}'" in text for image in ("o:1", "c:1", "m:1"))
    assert "ghcr.io" not in text
