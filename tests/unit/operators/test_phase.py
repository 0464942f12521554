"""The phase follows from what is observed."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api import times
from operators.agent import status
from operators.agent.phase import Blocker, Observed, Verdict, judge
from tests.unit.operators.objects import NOW, agent, deployment, ended, pod, running, waiting

READY = pod(running(), ready=True)


def verdict(*pods: dict[str, Any], before: str | None = None, **spec: Any) -> Verdict:
    observed = Observed(agent(status={"phase": before} if before else {}, **spec), deployment(), pods)
    return judge(observed, NOW)


def test_it_is_pending_until_it_is_ready() -> None:
    assert verdict(pod(running(1), ready=False)).phase == "Pending"
    assert verdict(READY).phase == "Running"


def test_it_is_degraded_when_it_was_ready_and_is_not() -> None:
    assert verdict(pod(running(), ready=False), before="Running").phase == "Degraded"


def test_it_is_not_degraded_while_more_of_it_start() -> None:
    def started(ago: float) -> dict[str, Any]:
        made = pod(running(1), ready=False)
        return {**made, "metadata": {**made["metadata"], "creationTimestamp": times.to_text(NOW - ago)}}

    def grown(replicas: int, ago: float) -> Verdict:
        whole = agent(status={"phase": "Running"}, replicas=replicas)
        return judge(Observed(whole, deployment(replicas), [READY, started(ago)]), NOW)

    assert (grown(2, 10).phase, grown(2, 10).reason, grown(2, 10).again) == ("Running", "RollingOut", 20.0)
    assert grown(2, 40).phase == "Degraded"
    assert grown(3, 10).phase == "Degraded"


@pytest.mark.parametrize("spec", [{"suspend": True}, {"replicas": 0}])
def test_stopped_on_purpose_is_suspended(spec: dict[str, Any]) -> None:
    assert verdict(**spec).phase == "Suspended"


def test_a_first_crash_degrades_and_repeated_ones_fail() -> None:
    assert verdict(pod(waiting("CrashLoopBackOff", 1, lived=1), ready=False)).phase == "Degraded"
    failed = verdict(pod(waiting("CrashLoopBackOff", 3, lived=1), ready=False))
    assert (failed.phase, failed.reason) == ("Failed", "CrashLoop")
    assert "exit code 1" in failed.message


def test_a_crash_loop_that_is_up_for_a_moment_is_no_recovery() -> None:
    up = pod(running(1, 4, ended(2)), ready=True)
    assert verdict(up, before="Failed").phase == "Failed"
    assert verdict(up, before="Failed").again is not None


def test_it_recovers_once_it_has_outlived_its_last_run() -> None:
    assert verdict(pod(running(20, 4, ended(2)), ready=True), before="Failed").phase == "Running"


def test_a_crash_now_and_then_never_fails_it() -> None:
    assert verdict(pod(waiting("CrashLoopBackOff", 9, lived=600), ready=False)).phase == "Degraded"


def test_a_stop_of_the_whole_hive_is_nobodys_crash() -> None:
    stopped = {**ended(1.0, 143), "reason": "NodeShutdown"}
    assert verdict(pod(running(1, restarts=5, last=stopped), ready=True)).phase == "Running"


@pytest.mark.parametrize("reason", ["NoCommand", "WorkingDirNotFound", "VolumeUnsupported", "CommandNotFound"])
def test_what_the_hive_cannot_start_fails_with_its_reason(reason: str) -> None:
    failed = verdict(pod(waiting(reason, message="why it is so"), ready=False))
    assert (failed.phase, failed.reason) == ("Failed", reason)
    assert "why it is so" in failed.message


def test_a_program_that_is_not_there_fails_with_the_reason() -> None:
    found = verdict(pod(waiting("CommandNotFound", message="no such command: frob"), ready=False))
    assert (found.phase, found.reason) == ("Failed", "CommandNotFound")
    assert "frob" in found.message


def test_a_program_that_could_not_be_started_fails_at_once() -> None:
    last = {"exitCode": 127, "reason": "StartError", "message": "No such file: /no/such/prog"}
    status = {"name": "agent", "state": {"terminated": last}, "restartCount": 1}
    found = verdict(pod(status, ready=False))
    assert (found.phase, found.reason) == ("Failed", "StartError")
    assert "/no/such/prog" in found.message


def test_a_crash_beside_a_ready_pod_does_not_stay_green() -> None:
    crash = pod(waiting("CrashLoopBackOff", 5, lived=1), ready=False)
    assert verdict(READY, crash, before="Running").phase == "Degraded"


def test_failed_health_leads_to_safemode_only_where_asked() -> None:
    ill = pod(running(), ready=False, since=5)
    safemode = {"type": "HTTP", "port": 80, "onFailure": "Safemode"}
    assert verdict(ill, before="Running", health=safemode).safemode
    assert verdict(ill, before="Running", health={"type": "HTTP", "port": 80}).phase == "Degraded"


def test_a_slow_start_is_not_yet_an_illness() -> None:
    safemode = {"type": "HTTP", "port": 80, "onFailure": "Safemode"}
    slow = verdict(pod(running(5), ready=False, since=5), health=safemode)
    assert slow.phase == "Pending"
    assert slow.again is not None


def test_a_name_that_is_taken_is_a_failure_with_a_condition() -> None:
    observed = Observed(agent(), None, (), [Blocker("NameConflict", "Deployment ant was made by somebody else")])
    made = status.make(observed, judge(observed, NOW), now=NOW)
    assert made["phase"] == "Failed"
    assert "NameConflict" in {condition["type"] for condition in made["conditions"]}


def test_safemode_holds_until_the_spec_changes() -> None:
    held = agent(status={"conditions": [{"type": "Safemode", "status": "True", "observedGeneration": 1}]})
    assert status.is_held(held)
    held["metadata"]["generation"] = 2
    assert not status.is_held(held)


def test_a_status_that_did_not_change_is_the_same_to_the_letter() -> None:
    first = Observed(agent(), deployment(), [READY])
    made = status.make(first, judge(first, NOW), now=NOW)
    second = Observed(agent(status=made), deployment(), [READY])
    assert status.make(second, judge(second, NOW + 60), now=NOW + 60) == made


def test_what_is_not_acted_on_is_named() -> None:
    fields = status.not_acted_on({"model": {"name": "x"}, "health": {"type": "Cognitive"}, "tools": []})
    assert fields == ["model", "health.type Cognitive"]


def test_what_bounds_an_agent_is_acted_on() -> None:
    bounds = {"autonomy": {"replicas": {"max": 3}}, "constraints": {"ratePerMinute": 5}, "senses": {"emit": ["TEST"]}}
    assert status.not_acted_on({"umwelt": bounds}) == []
    budget = {"constraints": {"tokenBudget": 5}, "persona": {"warmth": 1}}
    assert status.not_acted_on({"umwelt": budget}) == ["umwelt.constraints.tokenBudget", "umwelt.persona"]
