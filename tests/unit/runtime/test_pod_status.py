"""A pod's whole status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.pod_status import Facts, build
from kgents.embedded.runtime.states import View

Object = dict[str, Any]


def view(code: int | None = None, *, number: int = 0) -> View:
    end = None if code is None else {"exitCode": code, "startedAt": 1.0, "finishedAt": 2.0}
    state = {"shim": 1, "pid": 2, "startedAt": 1.0} if number >= 0 else {}
    return View({"name": "main"}, Attempt(Path("0"), number, state, end))


def status(*views: View, spec: Object | None = None, conditions: list[Object] | None = None, **more: Any) -> Object:
    pod = {"metadata": {"generation": 3}, "spec": spec or {}, "status": {"conditions": conditions or []}}
    return build(pod, Facts([], views, "127.0.0.9", "127.0.0.1", **more), 100.0)


def truth(status: Object, kind: str) -> tuple[str, str]:
    found = next(one for one in status["conditions"] if one["type"] == kind)
    return found["status"], found.get("reason", "")


def test_conditions_stand_in_kubernetes_order_with_the_generation_that_was_seen() -> None:
    found = status(view())
    kinds = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    assert [one["type"] for one in found["conditions"]] == kinds
    assert {one["observedGeneration"] for one in found["conditions"]} == {3} == {found["observedGeneration"]}


def test_a_pod_that_goes_is_over_whatever_its_policy() -> None:
    assert status(view(0), is_final=True)["phase"] == "Succeeded"
    assert status(view(1), is_final=True)["phase"] == "Failed"
    assert status(view(number=-1), is_final=True)["phase"] == "Failed"
    assert status(view(), is_final=True)["phase"] == "Running"


def test_a_pod_that_was_ended_as_a_whole_says_why() -> None:
    found = status(view(0), failure=("DeadlineExceeded", "too long"))
    assert (found["phase"], found["reason"], found["message"]) == ("Failed", "DeadlineExceeded", "too long")
    assert truth(found, "Ready") == ("False", "PodFailed")


def test_a_gate_that_nobody_opened_keeps_a_pod_from_being_ready() -> None:
    spec = {"readinessGates": [{"conditionType": "lit"}]}
    assert truth(status(view(), spec=spec), "Ready") == ("False", "ReadinessGatesNotReady")
    opened = [{"type": "lit", "status": "True"}]
    assert truth(status(view(), spec=spec, conditions=opened), "Ready") == ("True", "")
