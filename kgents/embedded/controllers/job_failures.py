"""What a Job makes of pods that failed: does it count, does it end the Job, and how long until the next try.

The rules are those of https://kubernetes.io/docs/concepts/workloads/controllers/job/ (pod failure policy, back-off).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kgents.embedded.controllers.objects import Object, annotations_of, condition, created, is_deleting, parse_time

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a rule of the pod failure policy says of one pod; `action` is "" where none applies."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        return self.action != "Ignore"


def has_failed(pod: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether a pod is a failure. One on its way out is too, unless only pods that ended are to be replaced."""
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Failed":
        return True
    if not is_deleting(pod) or phase == "Succeeded":
        return False
    # Nobody will ever say how one ended that was never placed.
    return not replaces_only_failed(job) or not (pod.get("spec") or {}).get("nodeName")


def replaces_only_failed(job: Mapping[str, Any]) -> bool:
    """Whether a pod on its way out must have ended before another takes its place."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or bool(spec.get("podFailurePolicy"))


def rule_on(job: Mapping[str, Any], pod: Mapping[str, Any]) -> Ruling:
    """The first rule of the pod failure policy that applies to a failed pod."""
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules") or ()
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for number, rule in enumerate(rules):
        if rule.get("onExitCodes"):
            found = _container_with(rule["onExitCodes"], pod)
            if found is None:
                continue
            name, code = found
            what = f"Container {name} for pod {where} failed with exit code {code}"
        else:
            kind = _condition_of(rule.get("onPodConditions") or (), pod)
            if not kind:
                continue
            what = f"Pod {where} has condition {kind}"
        action = str(rule["action"])
        return Ruling(action, f"{what} matching {action} rule at index {number}")
    return Ruling()


def _container_with(asked: Mapping[str, Any], pod: Mapping[str, Any]) -> tuple[str, int] | None:
    status = pod.get("status") or {}
    for one in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        ended = (one.get("state") or {}).get("terminated")
        if not ended or not ended.get("exitCode") or asked.get("containerName") not in (None, one["name"]):
            continue
        if (ended["exitCode"] in asked["values"]) is (asked["operator"] == "In"):
            return str(one["name"]), int(ended["exitCode"])
    return None


def _condition_of(asked: Iterable[Mapping[str, Any]], pod: Mapping[str, Any]) -> str:
    for one in asked:
        found = condition(pod, one["type"])
        if found is not None and found.get("status") == (one.get("status") or "True"):
            return str(one["type"])
    return ""


def restarts(pods: Iterable[Mapping[str, Any]]) -> int:
    """How often containers of pods that go on were restarted in place: with OnFailure, those are the failures."""
    total = 0
    for pod in pods:
        status = pod.get("status") or {}
        if status.get("phase") in ("Running", "Pending"):
            each = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
            total += sum(int(one.get("restartCount") or 0) for one in each)
    return total


def ended_at(pod: Mapping[str, Any], now: datetime) -> datetime:
    """When a pod was over: the end of its last container, or the best that its object knows."""
    status = pod.get("status") or {}
    ends = [
        when
        for one in status.get("containerStatuses") or ()
        if (when := parse_time(((one.get("state") or {}).get("terminated") or {}).get("finishedAt")))
    ]
    if ends:
        return max(ends)
    ready, metadata = condition(pod, "Ready") or {}, pod["metadata"]
    if ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return parse_time(ready["lastTransitionTime"]) or now
    due = parse_time(metadata.get("deletionTimestamp"))
    if due is not None:
        return due - timedelta(seconds=int(metadata.get("deletionGracePeriodSeconds") or 0))
    return parse_time(created(pod)) or now


def back_off(job: Mapping[str, Any], pods: Sequence[Object], now: datetime) -> timedelta:
    """Time until the next pod may be made: 10 s after the first failure since a success, doubling to ten minutes."""
    over = sorted(
        (
            (ended_at(pod, now), (pod.get("status") or {}).get("phase") != "Succeeded")
            for pod in pods
            if has_failed(pod, job) or (pod.get("status") or {}).get("phase") == "Succeeded"
        ),
        reverse=True,
    )
    failures = 0
    for _, failed in over:
        if not failed:
            break
        failures += 1
    return _pause(failures, over[0][0], now) if failures else timedelta()


def index_back_off(last: Mapping[str, Any] | None, now: datetime) -> timedelta:
    """As `back_off`, for one index whose newest failed pod is `last`."""
    if last is None:
        return timedelta()
    return _pause(_number(last, INDEX_FAILURES) + _number(last, INDEX_IGNORED) + 1, ended_at(last, now), now)


def _pause(failures: int, since: datetime, now: datetime) -> timedelta:
    pause = min(FIRST_PAUSE * int(2 ** min(failures - 1, 10)), LONGEST_PAUSE)
    return max(timedelta(), since + pause - now)


def failures_of_index(last: Mapping[str, Any] | None, job: Mapping[str, Any]) -> tuple[int, int]:
    """(counted, ignored) failures of an index, of which `last` is the newest failed pod."""
    if last is None:
        return 0, 0
    counted, ignored = _number(last, INDEX_FAILURES), _number(last, INDEX_IGNORED)
    return (counted + 1, ignored) if rule_on(job, last).counts else (counted, ignored + 1)


def _number(pod: Mapping[str, Any], key: str) -> int:
    text = annotations_of(pod).get(key, "")
    return int(text) if text.isdecimal() else 0
