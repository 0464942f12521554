"""What a Job decides, and how it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.embedded.controllers.job_failures import back_off, rule_on
from kgents.embedded.controllers.job_indexes import INDEX, format_indexes, parse_indexes
from kgents.embedded.controllers.job_plan import completion, failure, index_failure, steps, success_policy
from kgents.embedded.controllers.job_tally import TRACKING, tally

Object = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def job(status: Object | None = None, **spec: Any) -> Object:
    template = {"spec": {"restartPolicy": spec.pop("restart", "Never")}}
    whole = {"completions": 1, "parallelism": 1, "backoffLimit": 6, "template": template, **spec}
    return {"metadata": {"name": "j", "namespace": "lab", "uid": "u"}, "spec": whole, "status": status or {}}


def pod(name: str, phase: str = "Running", *, code: int = 1, ago: int = 0, **more: Any) -> Object:
    ended = {"exitCode": code if phase == "Failed" else 0, "finishedAt": f"{NOW - timedelta(seconds=ago):%FT%TZ}"}
    state = {"terminated": ended} if phase in ("Failed", "Succeeded") else {"running": {}}
    meta = {"name": name, "namespace": "lab", "uid": name, "finalizers": [TRACKING], **more.pop("metadata", {})}
    if "index" in more:
        meta["annotations"] = {INDEX: str(more.pop("index"))}
    status = {
        "phase": phase,
        "containerStatuses": [{"name": "c", "state": state, "restartCount": more.pop("restarts", 0)}],
    }
    return {"metadata": meta, "spec": {"nodeName": "n"}, "status": status}


@given(st.sets(st.integers(0, 200)))
def test_indexes_survive_their_short_form(indexes: set[int]) -> None:
    assert parse_indexes(format_indexes(indexes), 201) == indexes


@pytest.mark.parametrize("text", ["1-3,5,7,8", "0", "", "1-3"])
def test_the_short_form_is_that_of_kubernetes(text: str) -> None:
    assert format_indexes(parse_indexes(text, 100)) == text


def test_broken_and_endless_indexes_cost_nothing() -> None:
    assert parse_indexes("x,-,5-,3-1,0-99999999999999,²", 4) == {0, 1, 2, 3}


def test_a_pod_is_noted_first_and_counted_after_its_finalizer() -> None:
    first = tally(job(), [pod("a", "Succeeded")])
    assert first.notes()["uncountedTerminatedPods"] == {"succeeded": ["a"]} and "succeeded" not in first.notes()

    again = tally(job(first.notes()), [pod("a", "Succeeded")])
    assert again.succeeded == 1 and again.release

    done = tally(job(first.notes()), [pod("a", "Succeeded", metadata={"finalizers": []})])
    assert done.notes() == {"succeeded": 1, "uncountedTerminatedPods": {}}


def test_a_noted_pod_that_is_gone_is_counted_once() -> None:
    noted = {"uncountedTerminatedPods": {"failed": ["a"]}, "failed": 2}
    found = tally(job(noted), [])
    assert found.failed == 3 and tally(job(found.notes()), []).failed == 3


@pytest.mark.parametrize(("failures", "ago", "seconds"), [(1, 0, 10), (2, 0, 20), (3, 15, 25), (9, 0, 600), (1, 11, 0)])
def test_the_back_off_doubles_to_ten_minutes(failures: int, ago: int, seconds: int) -> None:
    pods = [pod(f"p{n}", "Failed", ago=ago + n) for n in range(failures)]
    assert back_off(job(), pods, NOW) == timedelta(seconds=seconds)


def test_a_success_begins_the_back_off_anew() -> None:
    pods = [pod("a", "Failed", ago=30), pod("b", "Succeeded", ago=20), pod("c", "Failed", ago=0)]
    assert back_off(job(), pods, NOW) == timedelta(seconds=10)


def test_restarts_in_place_count_towards_the_limit() -> None:
    pods = [pod("a", restarts=2)]
    made = job(restart="OnFailure", backoffLimit=2)
    found = failure(made, pods, tally(made, pods), NOW)
    assert found is not None and found.reason == "BackoffLimitExceeded"


def test_a_work_queue_begins_no_more_once_one_has_succeeded() -> None:
    made = job(completions=None, parallelism=3)
    pods = [pod("a", "Succeeded"), pod("b")]
    assert steps(made, pods, tally(made, pods), set(), NOW).create == []
    assert completion(made, tally(made, pods)) is None
    assert completion(made, tally(made, pods[:1])) is not None


def test_only_free_indexes_are_begun_and_doubles_ended() -> None:
    made = job(completions=4, parallelism=4, completionMode="Indexed")
    pods = [pod("a", "Succeeded", index=0), pod("b", index=1), pod("c", index=1)]
    found = steps(made, pods, tally(made, pods), set(), NOW)
    assert found.create == [2, 3] and [one["metadata"]["name"] for one in found.delete] == ["c"]


def test_a_rule_by_exit_code_says_which() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [1], "containerName": "c"}}
    made = job(podFailurePolicy={"rules": [rule]})
    said = "Container c for pod lab/a failed with exit code 42 matching FailJob rule at index 0"
    assert rule_on(made, pod("a", "Failed", code=42)).message == said
    assert rule_on(made, pod("a", "Failed", code=1)).action == ""


def test_an_ignored_failure_is_let_go_and_not_counted() -> None:
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    evicted = pod("a", "Failed")
    evicted["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    found = tally(job(podFailurePolicy={"rules": [rule]}), [evicted])
    assert found.failed == 0 and found.release == [evicted]


def test_enough_of_the_named_indexes_are_a_success() -> None:
    made = job(
        completions=5,
        completionMode="Indexed",
        successPolicy={"rules": [{"succeededIndexes": "0,2-3", "succeededCount": 2}]},
    )
    assert success_policy(made, tally(made, [pod("a", "Succeeded", index=1), pod("b", "Succeeded", index=0)])) is None
    assert success_policy(made, tally(made, [pod("a", "Succeeded", index=3), pod("b", "Succeeded", index=0)]))


def test_too_many_failed_indexes_end_a_job() -> None:
    made = job(completions=5, completionMode="Indexed", backoffLimitPerIndex=0, maxFailedIndexes=1)
    assert index_failure(made, tally(made, []), {1}) is None
    found = index_failure(made, tally(made, []), {1, 2})
    assert found is not None and found.reason == "MaxFailedIndexesExceeded"


def test_a_pod_that_was_never_placed_holds_nothing_up() -> None:
    made = job(podReplacementPolicy="Failed")
    lost = pod("a", "Pending", metadata={"deletionTimestamp": "2026-01-01T11:59:00Z"})
    lost["spec"] = {}
    assert tally(made, [lost]).release == [lost]
