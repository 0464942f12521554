"""Which pods are a workload's own, whose log is read, and who else looks after it."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api import adopting
from kgents.api.adopting import Ref

Object = dict[str, Any]


def workload(kind: str = "Deployment", name: str = "bot", **more: Any) -> Object:
    spec = {"selector": {"matchLabels": {"app": "bot"}}, "template": {"spec": {"containers": [{"name": "main"}]}}}
    return {"kind": kind, "metadata": {"name": name, "uid": "w1", **more.pop("metadata", {})}, "spec": {**spec, **more}}


def pod(owner: Object | None, **labels: str) -> Object:
    references = [{"controller": True, **owner}] if owner else []
    return {"metadata": {"name": "p", "uid": "p1", "labels": labels, "ownerReferences": references}}


def replica_set(name: str) -> Object:
    return {"kind": "ReplicaSet", "name": name, "uid": "r1"}


@pytest.mark.parametrize(
    ("kind", "owner", "labels", "own"),
    [
        ("Deployment", replica_set("bot-7f9"), {"pod-template-hash": "7f9"}, True),
        ("Deployment", replica_set("bot-two-7f9"), {"pod-template-hash": "7f9"}, False),
        ("Deployment", replica_set("bot-7f9"), {}, False),
        ("Deployment", {"kind": "StatefulSet", "name": "bot-7f9", "uid": "w1"}, {"pod-template-hash": "7f9"}, False),
        ("Deployment", None, {"pod-template-hash": "7f9"}, False),
        ("StatefulSet", {"kind": "StatefulSet", "name": "bot", "uid": "w1"}, {}, True),
        ("StatefulSet", {"kind": "StatefulSet", "name": "bot", "uid": "w0"}, {}, False),
        ("Pod", None, {}, False),
    ],
)
def test_a_pod_is_the_workloads_own_by_who_controls_it(kind: str, owner: Object, labels: Object, own: bool) -> None:
    assert adopting.owns(workload(kind), pod(owner, **labels)) is own


def test_a_pod_that_is_adopted_is_its_own_only_one() -> None:
    assert adopting.owns({"kind": "Pod", "metadata": {"name": "p", "uid": "p1"}}, pod(None))


def test_a_selector_reads_as_the_api_takes_it() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "NotIn", "values": ["y"]},
        {"key": "has", "operator": "Exists"},
        {"key": "no", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": expressions}
    assert adopting.selector_of(workload(selector=selector)) == "a=1,b=2,tier in (a,b),old notin (y),has,!no"
    assert adopting.selector_of({"kind": "Pod", "metadata": {}, "spec": {}}) == ""


def test_the_container_is_the_named_one_or_the_default_one_or_the_first() -> None:
    containers = {"spec": {"containers": [{"name": "proxy"}, {"name": "bot"}]}}
    marked = {**containers, "metadata": {"annotations": {adopting.DEFAULT_CONTAINER: "bot"}}}
    wrongly = {**containers, "metadata": {"annotations": {adopting.DEFAULT_CONTAINER: "gone"}}}
    ref = Ref("Deployment", "bot")
    found = [adopting.container_of(workload(template=one), ref) for one in (containers, marked, wrongly)]
    assert found == ["proxy", "bot", "proxy"]
    assert adopting.container_of(workload(template=containers), Ref("Deployment", "bot", container="x")) == "x"


@pytest.mark.parametrize(
    ("version", "keeper", "maker"),
    [
        ("kagent.dev/v1alpha2", "Agent helper (kagent.dev)", ""),
        ("kgents.io/v1", "", "helper"),
        ("apps/v1", "", ""),
    ],
)
def test_who_keeps_and_who_made_it_is_told_by_its_controller(version: str, keeper: str, maker: str) -> None:
    owner = {"apiVersion": version, "kind": "Agent", "name": "helper", "uid": "a", "controller": True}
    found = workload(metadata={"ownerReferences": [owner]})
    assert (adopting.keeper_of(found), adopting.maker_of(found)) == (keeper, maker)


@pytest.mark.parametrize("ref", [None, "x", {}, {"kind": "Job", "name": "x"}, {"kind": "Deployment"}])
def test_what_is_no_reference_adopts_nothing(ref: Any) -> None:
    assert adopting.ref_of({"spec": {"workloadRef": ref}}) is None


def test_nobody_says_how_many_means_one() -> None:
    assert [adopting.wanted_replicas(workload(replicas=count)) for count in (None, 0, 3)] == [1, 0, 3]


def test_of_several_the_first_has_it_and_within_a_second_names_decide() -> None:
    def agent(name: str, second: int, uid: str) -> Object:
        return {"metadata": {"name": name, "uid": uid, "creationTimestamp": f"2026-01-01T00:00:0{second}Z"}}

    made = [agent("a", 2, "u1"), agent("c", 1, "u2"), agent("b", 1, "u3")]

    assert [one["metadata"]["name"] for one in sorted(made, key=adopting.came_first)] == ["b", "c", "a"]
