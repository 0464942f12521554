"""What a Job decides: is it over and why, which pods to make and to end, when to look again. Pure.

Reasons and messages are Kubernetes' own; rules: https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kgents.embedded.controllers.job_failures import (
    back_off,
    failures_of_index,
    has_failed,
    index_back_off,
    replaces_only_failed,
    restarts,
    rule_on,
)
from kgents.embedded.controllers.job_indexes import index_of, parse_indexes
from kgents.embedded.controllers.job_tally import Tally
from kgents.embedded.controllers.objects import Object, condition, created, parse_time
from kgents.embedded.controllers.replicas import BURST, deletion_rank


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a Job ends. `interim` is the condition that says so while its pods are still being ended."""

    interim: str
    reason: str
    message: str

    @property
    def final(self) -> str:
        return "Failed" if self.interim == "FailureTarget" else "Complete"


@dataclass(slots=True)
class Steps:
    """What to do to pods. `create` holds the index of each new pod, None where the Job has none."""

    create: list[int | None] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    wait: timedelta | None = None


def known_outcome(job: Mapping[str, Any]) -> Outcome | None:
    """What an earlier look has already decided."""
    for kind in ("SuccessCriteriaMet", "FailureTarget"):
        found = condition(job, kind)
        if found is not None and found.get("status") == "True":
            return Outcome(kind, found.get("reason") or "", found.get("message") or "")
    return None


def is_over(job: Mapping[str, Any]) -> bool:
    """Whether its last word is written."""
    return any((condition(job, kind) or {}).get("status") == "True" for kind in ("Complete", "Failed"))


def failure(job: Mapping[str, Any], pods: Sequence[Object], counts: Tally, now: datetime) -> Outcome | None:
    """Why the Job has failed, None when it has not."""
    spec = job["spec"]
    for pod in pods:
        if spec.get("podFailurePolicy") and (pod.get("status") or {}).get("phase") == "Failed":
            ruling = rule_on(job, pod)
            if ruling.action == "FailJob":
                return Outcome("FailureTarget", "PodFailurePolicy", ruling.message)
    if counts.failed > _backoff_limit(spec) or _restarted_too_often(spec, counts):
        return Outcome("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    left = time_to_deadline(job, now)
    if left is not None and left <= timedelta():
        return Outcome("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")
    return None


def index_failure(job: Mapping[str, Any], counts: Tally, failed: set[int]) -> Outcome | None:
    """Why the Job has failed by its indexes."""
    most = job["spec"].get("maxFailedIndexes")
    if most is not None and len(failed) > most:
        why = "Job has exceeded the specified maximal number of failed indexes"
        return Outcome("FailureTarget", "MaxFailedIndexesExceeded", why)
    if failed and len(failed) + len(counts.completed) >= job["spec"]["completions"]:
        return Outcome("FailureTarget", "FailedIndexes", "Job has failed indexes")
    return None


def success_policy(job: Mapping[str, Any], counts: Tally) -> Outcome | None:
    """The first rule of the success policy that is met."""
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        named = rule.get("succeededIndexes")
        counted = counts.completed
        if named is not None:
            wanted = parse_indexes(named, job["spec"].get("completions") or 0)
            counted = counts.completed & wanted
        needed = rule.get("succeededCount")
        if len(counted) >= (needed if needed is not None else len(wanted) if named is not None else 1):
            return Outcome("SuccessCriteriaMet", "SuccessPolicy", f"Matched rules at index {number}")
    return None


def completion(job: Mapping[str, Any], counts: Tally) -> Outcome | None:
    """Whether the work is done: enough pods succeeded, and none is left."""
    wanted = job["spec"].get("completions")
    done = counts.succeeded > 0 if wanted is None else counts.succeeded >= wanted
    if not done or counts.active:
        return None
    return Outcome("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")


def failed_indexes(job: Mapping[str, Any], pods: Sequence[Object]) -> set[int]:
    """Indexes that are given up: those of before, and those whose newest failure was one too many."""
    limit = job["spec"].get("backoffLimitPerIndex")
    if limit is None:
        return set()
    given_up = parse_indexes((job.get("status") or {}).get("failedIndexes"), job["spec"].get("completions") or 0)
    for index, last in last_failures(job, pods).items():
        if failures_of_index(last, job)[0] > limit or rule_on(job, last).action == "FailIndex":
            given_up.add(index)
    return given_up


def last_failures(job: Mapping[str, Any], pods: Sequence[Object]) -> dict[int, Object]:
    """The newest failed pod of each index."""
    found: dict[int, Object] = {}
    for pod in sorted((pod for pod in pods if has_failed(pod, job)), key=created):
        index = index_of(pod)
        if index is not None and _is_newer(pod, found.get(index), job):
            found[index] = pod
    return found


def _is_newer(pod: Object, other: Object | None, job: Mapping[str, Any]) -> bool:
    # Pods of one second: the one that counts more failures came later.
    return other is None or sum(failures_of_index(pod, job)) >= sum(failures_of_index(other, job))


def steps(job: Mapping[str, Any], pods: Sequence[Object], counts: Tally, failed: set[int], now: datetime) -> Steps:
    """Which pods to make and to end, of a Job that goes on."""
    spec = job["spec"]
    if spec.get("suspend"):
        return Steps(delete=list(counts.active))
    surplus = _useless(job, counts, failed)
    useful = [pod for pod in counts.active if pod not in surplus]
    wanted = _wanted(spec, counts, len(useful))
    ranked = sorted(useful, key=lambda pod: deletion_rank(pod, now))
    surplus += ranked[: max(0, len(useful) - wanted)]
    missing = wanted - len(useful)
    if replaces_only_failed(job):
        missing -= len(counts.terminating)
    if missing <= 0:
        return Steps(delete=surplus)
    if counts.is_indexed and spec.get("backoffLimitPerIndex") is not None:
        free, wait = _ripe(_free_indexes(job, counts, failed), last_failures(job, pods), now)
        return Steps(list(free[: min(missing, BURST)]), surplus, wait)
    wait = back_off(job, pods, now)
    if wait > timedelta():
        return Steps(delete=surplus, wait=wait)
    if counts.is_indexed:
        return Steps(list(_free_indexes(job, counts, failed)[: min(missing, BURST)]), surplus)
    return Steps([None] * min(missing, BURST), surplus)


def _wanted(spec: Mapping[str, Any], counts: Tally, active: int) -> int:
    """How many pods should run now."""
    parallelism = int(spec.get("parallelism", 1))
    completions = spec.get("completions")
    if completions is None:
        # A work queue: once one has found it empty, no more are begun.
        return min(active, parallelism) if counts.succeeded else parallelism
    return max(0, min(int(completions) - counts.succeeded, parallelism))


def _useless(job: Mapping[str, Any], counts: Tally, failed: set[int]) -> list[Object]:
    """Pods of indexes that are done, given up, out of range or worked on twice."""
    if not counts.is_indexed:
        return []
    seen: set[int] = set()
    found = []
    for pod in sorted(counts.active, key=created):
        index = index_of(pod)
        done = index in counts.completed or index in failed or index in seen
        if index is None or index >= (job["spec"].get("completions") or 0) or done:
            found.append(pod)
        else:
            seen.add(index)
    return found


def _free_indexes(job: Mapping[str, Any], counts: Tally, failed: set[int]) -> list[int]:
    taken = {index_of(pod) for pod in counts.active}
    if replaces_only_failed(job):
        taken |= {index_of(pod) for pod in counts.terminating}
    done = counts.completed | failed
    return [index for index in range(job["spec"].get("completions") or 0) if index not in taken and index not in done]


def _ripe(free: list[int], last: Mapping[int, Object], now: datetime) -> tuple[list[int], timedelta | None]:
    """Those of the free indexes whose back-off is over, and how long the first of the others has to wait."""
    waits = {index: index_back_off(last.get(index), now) for index in free}
    later = [wait for wait in waits.values() if wait]
    return [index for index in free if not waits[index]], min(later, default=None)


def time_to_deadline(job: Mapping[str, Any], now: datetime) -> timedelta | None:
    """What is left of activeDeadlineSeconds; None where there is none, or while it does not run."""
    limit, started = job["spec"].get("activeDeadlineSeconds"), parse_time((job.get("status") or {}).get("startTime"))
    if limit is None or started is None or job["spec"].get("suspend"):
        return None
    return started + timedelta(seconds=int(limit)) - now


def time_to_live(job: Mapping[str, Any], now: datetime) -> timedelta | None:
    """Until a finished Job is to be deleted; None for never."""
    limit = job["spec"].get("ttlSecondsAfterFinished")
    last = condition(job, "Complete") or condition(job, "Failed")
    since = parse_time((last or {}).get("lastTransitionTime"))
    return None if limit is None or since is None else since + timedelta(seconds=int(limit)) - now


def _backoff_limit(spec: Mapping[str, Any]) -> int:
    return int(spec.get("backoffLimit", 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6))


def _restarted_too_often(spec: Mapping[str, Any], counts: Tally) -> bool:
    if spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    often, limit = restarts(counts.active), _backoff_limit(spec)
    return often > 0 if limit == 0 else often >= limit
