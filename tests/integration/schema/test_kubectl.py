"""What a person sees of schemas and patches: the real kubectl against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kubectl import Kubectl
from tests.unit.schema.plants import SPEC, crd, plant

LABEL = {
    **SPEC["properties"]["label"],
    "description": "What it is called.",
    "x-kubernetes-validations": [{"rule": "self != 'weed'", "message": "no weeds"}],
}
PLANT_CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    **crd({**SPEC, "properties": {**SPEC["properties"], "label": LABEL}}),
}


@pytest.fixture(scope="module")
def garden(kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl, with Plants served."""
    kubectl("apply", "-f", "-", input=json.dumps(PLANT_CRD))
    kubectl("wait", "--for=condition=Established", "crd/plants.grow.example.com")
    yield kubectl
    kubectl("delete", "crd", "plants.grow.example.com")


def named(name: str, **spec: Any) -> str:
    return json.dumps({**plant(**spec), "metadata": {"name": name, "namespace": "default"}})


def refusal(kubectl: Kubectl, *arguments: str, body: str) -> str:
    done = kubectl.run(*arguments, "-f", "-", input=body)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_explain_describes_custom_and_builtin_kinds(garden: Kubectl) -> None:
    assert "What it is called." in garden("explain", "plant.spec.label")
    assert "containers" in garden("explain", "deployment.spec.template.spec")


def test_apply_refuses_a_misspelt_field(garden: Kubectl) -> None:
    assert 'unknown field "spec.colour"' in refusal(garden, "apply", body=named("typo", size=1, colour="red"))


def test_apply_merges_what_changed(garden: Kubectl) -> None:
    garden("apply", "-f", "-", input=named("rose", size=1, notes={"a": "1"}))
    garden("apply", "-f", "-", input=named("rose", size=2, notes={"b": "2"}))
    spec = garden.json("get", "plant", "rose")["spec"]
    assert (spec["size"], spec["notes"], spec["color"]) == (2, {"b": "2"}, "green")
    assert "unchanged" in garden("apply", "-f", "-", input=named("rose", size=2, notes={"b": "2"}))


def test_a_builtin_kind_is_applied_by_its_merge_keys(garden: Kubectl) -> None:
    service: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "garden"}}
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    garden("apply", "-f", "-", input=json.dumps({**service, "spec": {"ports": ports}}))
    garden("apply", "-f", "-", input=json.dumps({**service, "spec": {"ports": ports[1:]}}))
    assert [port["port"] for port in garden.json("get", "service", "garden")["spec"]["ports"]] == [81]
    garden("delete", "service", "garden")


def test_wrong_values_are_told_in_kubernetes_words(garden: Kubectl) -> None:
    told = refusal(garden, "create", body=named("tree", size=1000, label="weed"))
    assert "spec.size in body should be less than or equal to 100" in told
    assert "no weeds" in told


def test_two_appliers_conflict_until_one_insists(garden: Kubectl) -> None:
    apply = ("apply", "--server-side", "--field-manager")
    garden(*apply, "alice", "-f", "-", input=named("fern", size=1))
    told = refusal(garden, *apply, "bob", body=named("fern", size=2))
    assert 'conflict with "alice": .spec.size' in told
    garden(*apply, "bob", "--force-conflicts", "-f", "-", input=named("fern", size=2))
    assert garden.json("get", "plant", "fern")["spec"]["size"] == 2


@pytest.mark.parametrize(
    ("kind", "patch"),
    [("merge", {"spec": {"size": 9}}), ("json", [{"op": "replace", "path": "/spec/size", "value": 9}])],
)
def test_patches_change_one_field(garden: Kubectl, kind: str, patch: Any) -> None:
    garden("apply", "-f", "-", input=named(f"moss-{kind}", size=1, code="x"))
    garden("patch", "plant", f"moss-{kind}", "--type", kind, "-p", json.dumps(patch))
    spec = garden.json("get", "plant", f"moss-{kind}")["spec"]
    assert (spec["size"], spec["code"]) == (9, "x")


def test_a_crd_whose_rules_cost_too_much_is_refused(garden: Kubectl) -> None:
    words = {"type": "array", "items": {"type": "string"}}
    rule = {"rule": "self.words.all(x, self.words.exists(y, y.contains(x)))"}
    spec = {"type": "object", "properties": {"words": words}, "x-kubernetes-validations": [rule]}
    body = {**PLANT_CRD, **crd(spec)}
    told = refusal(garden, "create", "--dry-run=server", body=json.dumps(body))
    assert "estimated rule cost exceeds budget" in told
