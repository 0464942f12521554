"""What StatefulSets and DaemonSets do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kgents.embedded.controllers import daemon_plan, stateful_plan
from kgents.embedded.controllers.revisions import POD_HASH

Object = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def workload(replicas: int = 3, status: Object | None = None, **spec: Any) -> Object:
    labels = {"app": "db"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": []}}
    whole = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"metadata": {"name": "db", "namespace": "lab", "uid": "u"}, "spec": whole, "status": status or {}}


def pod(name: str, revision: str = "db-1", *, ready: bool = True, node: str = "n", **meta: Any) -> Object:
    labels = {"app": "db", POD_HASH: revision}
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T11:00:00Z"}]
    metadata = {"name": name, "labels": labels, "creationTimestamp": "2026-01-01T10:00:00Z", **meta}
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": {"phase": "Running", "conditions": conditions}}


def names(pods: list[Object]) -> list[str]:
    return [one["metadata"]["name"] for one in pods]


def dying(name: str) -> Object:
    return pod(name, deletionTimestamp="2026-01-01T12:00:30Z")


def plan(made: Object, *pods: Object, update: str = "db-1") -> tuple[list[int], list[str]]:
    steps = stateful_plan.plan(made, pods, update, NOW)
    return [ordinal for ordinal, _ in steps.create], names(steps.delete)


def test_they_come_in_order() -> None:
    assert plan(workload()) == ([0], [])
    assert plan(workload(), pod("db-0", ready=False)) == ([], [])
    assert plan(workload(), pod("db-0")) == ([1], [])


def test_parallel_makes_all_at_once() -> None:
    assert plan(workload(podManagementPolicy="Parallel"), pod("db-1", ready=False)) == ([0, 2], [])


def test_numbers_may_begin_later() -> None:
    made = workload(2, ordinals={"start": 5}, podManagementPolicy="Parallel")
    assert plan(made, pod("db-0")) == ([5, 6], ["db-0"])


def test_the_last_goes_first_and_one_at_a_time() -> None:
    assert plan(workload(1), pod("db-0"), pod("db-1"), pod("db-2")) == ([], ["db-2"])
    assert plan(workload(1), pod("db-0"), pod("db-1"), dying("db-2")) == ([], [])


def test_a_new_revision_begins_at_the_end_and_waits_for_each() -> None:
    old = [pod("db-0"), pod("db-1"), pod("db-2")]
    assert plan(workload(), *old, update="db-2") == ([], ["db-2"])
    updated = [pod("db-0"), pod("db-1"), pod("db-2", "db-2", ready=False)]
    assert plan(workload(), *updated, update="db-2") == ([], [])


def test_on_delete_leaves_them_alone() -> None:
    made = workload(1, updateStrategy={"type": "OnDelete"})
    assert plan(made, pod("db-0"), update="db-2") == ([], [])


def test_a_pod_of_another_name_is_not_counted() -> None:
    assert plan(workload(1), pod("db-x"), pod("other-0")) == ([0], [])


def test_a_claim_takes_the_place_of_a_volume_of_its_name() -> None:
    made = workload(volumeClaimTemplates=[{"metadata": {"name": "data"}}])
    template = {**made["spec"]["template"], "spec": {"volumes": [{"name": "data", "emptyDir": {}}, {"name": "x"}]}}
    volumes = stateful_plan.new_pod(made, template, "db-1", 4)["spec"]["volumes"]
    assert volumes == [{"name": "x"}, {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-4"}}]


def machine(name: str, *taints: Object, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": list(taints)}}


@pytest.mark.parametrize(
    ("taint", "fits"),
    [
        ({"key": "x", "effect": "NoSchedule"}, False),
        ({"key": "x", "effect": "PreferNoSchedule"}, True),
        ({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, True),
    ],
)
def test_a_taint_keeps_daemons_away_unless_they_bear_it(taint: Object, fits: bool) -> None:
    assert daemon_plan.fits(workload(), machine("n", taint)) is fits


def test_one_daemon_a_node_and_none_elsewhere() -> None:
    made = workload()
    made["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "fast"}
    nodes = [machine("a", disk="fast"), machine("b", disk="fast"), machine("c")]
    pods = [pod("1", node="a"), pod("2", node="a", creationTimestamp="2026-01-01T11:00:00Z"), pod("3", node="c")]
    steps = daemon_plan.plan(made, pods, nodes, "db-1", NOW)
    assert steps.create == ["b"] and sorted(names(steps.delete)) == ["2", "3"]


def test_a_daemon_that_waits_for_its_node_is_known_by_its_wish() -> None:
    made = daemon_plan.new_pod(workload(), "a", "hash")
    steps = daemon_plan.plan(workload(), [made | {"status": {}}], [machine("a")], "hash", NOW)
    assert steps.create == [] and steps.delete == []


def test_a_new_daemon_takes_one_node_at_a_time() -> None:
    nodes = [machine(name) for name in "abc"]
    pods = [pod(name, "old", node=name) for name in "abc"]
    assert names(daemon_plan.plan(workload(), pods, nodes, "new", NOW).delete) == ["a"]
    pods[0] = pod("a", "new", node="a", ready=False)
    assert daemon_plan.plan(workload(), pods, nodes, "new", NOW).delete == []
