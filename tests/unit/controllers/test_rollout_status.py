from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kgents.embedded.controllers.rollout_status import rollout_status, seconds_to_deadline

from .builders import Object, deployment, replica_set

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def counted(size: int, ready: int) -> Object:
    return {**replica_set(size), "status": {"replicas": size, "readyReplicas": ready, "availableReplicas": ready}}


def conditions(report: Object) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["reason"]) for item in report["conditions"]}


def test_a_finished_rollout_is_available_and_says_so() -> None:
    new = counted(3, 3)

    report = rollout_status(deployment(3), new, [new], NOW)

    assert conditions(report) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }
    assert report["updatedReplicas"] == report["readyReplicas"] == 3
    assert "unavailableReplicas" not in report


def test_too_few_pods_are_not_available() -> None:
    new = counted(4, 2)

    report = rollout_status(deployment(4), new, [new], NOW)

    assert conditions(report)["Available"] == ("False", "MinimumReplicasUnavailable")
    assert report["unavailableReplicas"] == 2


def test_a_stuck_rollout_exceeds_its_deadline() -> None:
    new, limited = counted(3, 0), deployment(3, progressDeadlineSeconds=60)
    started = rollout_status(limited, new, [new], NOW, created=True)
    later = NOW + timedelta(seconds=61)
    assert seconds_to_deadline(limited, started, NOW) == 61.0

    report = rollout_status({**limited, "status": started}, new, [new], later)

    assert conditions(report)["Progressing"] == ("False", "ProgressDeadlineExceeded")


def test_any_progress_puts_the_deadline_off() -> None:
    limited = deployment(3, progressDeadlineSeconds=60)
    first = rollout_status(limited, counted(3, 0), [counted(3, 0)], NOW, created=True)
    moved = NOW + timedelta(seconds=50)
    second = rollout_status({**limited, "status": first}, counted(3, 1), [counted(3, 1)], moved)

    report = rollout_status(
        {**limited, "status": second}, counted(3, 1), [counted(3, 1)], moved + timedelta(seconds=20)
    )

    assert conditions(report)["Progressing"] == ("True", "ReplicaSetUpdated")


def test_a_crash_after_the_rollout_is_not_a_failed_rollout() -> None:
    done = rollout_status(deployment(3), counted(3, 3), [counted(3, 3)], NOW)
    later = NOW + timedelta(hours=1)

    report = rollout_status({**deployment(3), "status": done}, counted(3, 1), [counted(3, 1)], later)

    assert conditions(report)["Available"][0] == "False"
    assert conditions(report)["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_the_same_state_gives_the_same_status() -> None:
    first = rollout_status(deployment(2), counted(2, 2), [counted(2, 2)], NOW)

    again = rollout_status({**deployment(2), "status": first}, counted(2, 2), [counted(2, 2)], NOW + timedelta(hours=1))

    assert again == first


@pytest.mark.parametrize(("paused", "reason"), [(True, "DeploymentPaused"), (False, "DeploymentResumed")])
def test_pausing_and_resuming_are_told(paused: bool, reason: str) -> None:
    new = counted(3, 1)
    held = rollout_status(deployment(3, paused=True), new, [new], NOW)

    report = rollout_status({**deployment(3, paused=paused), "status": held}, new, [new], NOW)

    assert conditions(report)["Progressing"] == ("Unknown", reason)


def test_what_keeps_pods_from_being_made_is_told() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no"}
    new = {**replica_set(1), "status": {"conditions": [failure]}}

    assert conditions(rollout_status(deployment(1), new, [new], NOW))["ReplicaFailure"] == ("True", "FailedCreate")
