"""A pod's status from what its containers did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.states import View, conditions, container_status, phase

RUNS = {"shim": 1, "pid": 2, "startedAt": 1.0}


def _view(code: int | None = None, *, number: int = 0, **more: Any) -> View:
    end = None if code is None else {"exitCode": code, "startedAt": 1.0, "finishedAt": 2.0}
    spec = {"name": "main", **more.pop("spec", {})}
    return View(spec, Attempt(Path("0"), number, RUNS if number >= 0 else {}, end), **more)


@pytest.mark.parametrize(
    ("policy", "codes", "expected"),
    [
        ("Always", [0], "Running"),
        ("OnFailure", [0], "Succeeded"),
        ("OnFailure", [1], "Running"),
        ("Never", [0, 1], "Failed"),
        ("Never", [0, 0], "Succeeded"),
        ("Never", [0, None], "Running"),
    ],
)
def test_the_phase_follows_the_policy(policy: str, codes: list[int | None], expected: str) -> None:
    assert phase(policy, [], [_view(code) for code in codes]) == expected


def test_a_pod_that_never_started_is_pending() -> None:
    assert phase("Always", [], [_view(number=-1)]) == "Pending"


def test_a_running_sidecar_keeps_a_pod_from_being_over() -> None:
    sidecar = _view(spec={"restartPolicy": "Always"})
    assert phase("Never", [sidecar], [_view(0)]) == "Running"


def test_a_back_off_is_waiting_with_the_last_end_beside_it() -> None:
    status = container_status(_view(3, pause=20.0), "Always")
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert {"startedAt", "finishedAt"} <= set(status["lastState"]["terminated"])


def test_a_condition_that_stays_keeps_its_time_and_those_of_others_stay() -> None:
    old = {"status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "then"}, {"type": "X"}]}}
    found = {one["type"]: one for one in conditions(old, {"Ready": (True, "", "")}, 0.0)}
    assert found["Ready"]["lastTransitionTime"] == "then"
    assert "X" in found


def test_a_sidecar_of_a_pod_that_is_over_is_not_said_to_come_back() -> None:
    sidecar = _view(143, pause=20.0, spec={"restartPolicy": "Always"})
    assert container_status(sidecar, "Never", init=True, over=True)["state"]["terminated"]["exitCode"] == 143


@pytest.mark.parametrize(("inits", "reason"), [(False, "ContainerCreating"), (True, "PodInitializing")])
def test_who_waits_for_init_containers_says_so(inits: bool, reason: str) -> None:
    status = container_status(_view(number=-1, after_inits=inits), "Always")
    assert status["state"]["waiting"]["reason"] == reason
