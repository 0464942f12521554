from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kgents.api.kinds import REPLICA_SET
from kgents.embedded.controllers.pod_control import from_template
from kgents.embedded.controllers.replicas import plan, status

from .builders import pod, replica_set

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
DYING = {"deletionTimestamp": "2026-01-01T00:00:30Z"}


def names(pods: tuple[dict[str, Any], ...]) -> list[str]:
    return [item["metadata"]["name"] for item in pods]


def test_missing_pods_are_made() -> None:
    assert plan(replica_set(3), [pod("a")], NOW).create == 2


def test_a_pod_on_its_way_out_or_finished_does_not_count() -> None:
    pods = [pod("a", metadata=DYING), pod("b", status={"phase": "Failed"}), pod("c")]

    assert plan(replica_set(2), pods, NOW).create == 1


def test_enough_is_enough() -> None:
    steps = plan(replica_set(2), [pod("a"), pod("b")], NOW)

    assert (steps.create, steps.delete) == (0, ())


@pytest.mark.parametrize(
    "worse",
    [
        pod("z", ready=False),
        pod("z", status={"phase": "Pending"}),
        pod("z", spec={"nodeName": ""}),
        pod("z", since="2026-01-01T00:00:50Z"),
        pod("z", status={"containerStatuses": [{"restartCount": 3}]}),
        pod("z", metadata={"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}),
    ],
)
def test_what_costs_least_goes_first(worse: dict[str, Any]) -> None:
    assert names(plan(replica_set(2), [pod("a"), worse, pod("b")], NOW).delete) == ["z"]


def test_a_fitting_pod_without_a_controller_is_adopted() -> None:
    steps = plan(replica_set(1), [pod("stray", owner="")], NOW)

    assert (names(steps.adopt), steps.create) == (["stray"], 0)


def test_a_pod_of_somebody_else_is_left_alone() -> None:
    steps = plan(replica_set(1), [pod("theirs", owner="rs-2")], NOW)

    assert (steps.adopt, steps.delete, steps.create) == ((), (), 1)


def test_a_pod_whose_labels_changed_is_released() -> None:
    assert names(plan(replica_set(1), [pod("a", metadata={"labels": {}})], NOW).release) == ["a"]


def test_a_replica_set_that_goes_does_nothing() -> None:
    going = replica_set(3)
    going["metadata"] |= DYING

    assert plan(going, [], NOW).create == 0


def test_a_new_pod_belongs_to_its_replica_set() -> None:
    made = from_template(replica_set()["spec"]["template"], REPLICA_SET, replica_set())["metadata"]

    assert made["generateName"] == "web-1-"
    assert made["ownerReferences"][0]["uid"] == "rs-1" and made["ownerReferences"][0]["controller"] is True


def test_the_status_counts_ready_and_available_apart() -> None:
    young = pod("b", since="2026-01-01T00:00:55Z")

    report, again = status(replica_set(3, minReadySeconds=10), [pod("a"), young, pod("c", ready=False)], "", NOW)

    assert (report["replicas"], report["readyReplicas"], report["availableReplicas"]) == (3, 2, 1)
    assert again == 5.0


def test_a_failure_is_a_condition_and_goes_with_its_cause() -> None:
    report, _ = status(replica_set(1), [], "quota exceeded", NOW)
    assert report["conditions"][0]["reason"] == "FailedCreate"

    healed, _ = status({**replica_set(1), "status": report}, [pod("a")], "", NOW)
    assert "conditions" not in healed
