"""Counts the pods of a Job so that each ended pod counts once, whatever is killed in between.

A Job's pods bear a finalizer. One that ended is first noted in the status (`uncountedTerminatedPods`, or its index in
`completedIndexes`), then loses the finalizer, and only then moves into the counters: every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgents.embedded.controllers.job_failures import has_failed, rule_on
from kgents.embedded.controllers.job_indexes import format_indexes, index_of, parse_indexes
from kgents.embedded.controllers.objects import Object, is_deleting
from kgents.embedded.controllers.replicas import is_active, is_finished, is_ready

TRACKING = "batch.kubernetes.io/job-tracking"


@dataclass(slots=True)
class Tally:
    """The pods of a Job, sorted and counted. `succeeded` and `failed` include what is noted and not yet counted."""

    active: list[Object]
    terminating: list[Object]
    counted: dict[str, int]
    uncounted: dict[str, list[str]]
    completed: set[int] = field(default_factory=set)
    release: list[Object] = field(default_factory=list)
    """Pods that may lose their finalizer once the notes are written."""
    is_indexed: bool = False

    @property
    def succeeded(self) -> int:
        return len(self.completed) if self.is_indexed else self.counted["succeeded"] + len(self.uncounted["succeeded"])

    @property
    def failed(self) -> int:
        return self.counted["failed"] + len(self.uncounted["failed"])

    @property
    def ready(self) -> int:
        return sum(is_ready(pod) for pod in self.active)

    def notes(self) -> Object:
        """The part of the status that must be on disk before a finalizer goes."""
        uncounted = {key: list(uids) for key, uids in self.uncounted.items() if uids}
        report: Object = {**{k: n for k, n in self._counters().items() if n}, "uncountedTerminatedPods": uncounted}
        if self.is_indexed:
            report["completedIndexes"] = format_indexes(self.completed)
        return report

    def count(self) -> None:
        """The finalizers are gone: what was noted moves into the counters."""
        for key, uids in self.uncounted.items():
            self.counted[key] += len(uids)
            uids.clear()
        self.release.clear()

    def _counters(self) -> dict[str, int]:
        return {**self.counted, **({"succeeded": len(self.completed)} if self.is_indexed else {})}


def tally(job: Mapping[str, Any], pods: Sequence[Object], *, failing: bool = False, over: bool = False) -> Tally:
    """Count. `failing`: the Job has failed, so that what is still running when it is ended counts as a failure.

    `over`: its outcome is written for good; finalizers go, and nothing is counted any more.
    """
    status = job.get("status") or {}
    noted = status.get("uncountedTerminatedPods") or {}
    kept = {pod["metadata"]["uid"]: pod for pod in pods if is_tracked(pod)}
    counted = {key: int(status.get(key) or 0) for key in ("succeeded", "failed")}
    uncounted: dict[str, list[str]] = {}
    for key in ("succeeded", "failed"):
        uids = list(noted.get(key) or ())
        counted[key] += sum(uid not in kept for uid in uids)
        uncounted[key] = [uid for uid in uids if uid in kept]
    indexed = is_indexed(job)
    found = Tally(
        active=[pod for pod in pods if is_active(pod)],
        terminating=[pod for pod in pods if is_deleting(pod) and not is_finished(pod)],
        counted=counted,
        uncounted=uncounted,
        completed=parse_indexes(status.get("completedIndexes"), job["spec"].get("completions") or 0)
        if indexed
        else set(),
        is_indexed=indexed,
    )
    for pod in kept.values():
        if over:
            found.release.append(pod)
        else:
            _note(job, pod, found, failing)
    return found


def _note(job: Mapping[str, Any], pod: Object, found: Tally, failing: bool) -> None:
    uid, completions = pod["metadata"]["uid"], job["spec"].get("completions")
    index = index_of(pod) if found.is_indexed else None
    out_of_range = found.is_indexed and (index is None or index >= (completions or 0))
    if (pod.get("status") or {}).get("phase") == "Succeeded" and uid not in found.uncounted["failed"]:
        if index is not None and not out_of_range:
            found.completed.add(index)
        elif not found.is_indexed and uid not in found.uncounted["succeeded"]:
            found.uncounted["succeeded"].append(uid)
    elif has_failed(pod, job) or ((failing or is_deleting(job)) and is_deleting(pod)):
        known = uid in found.uncounted["failed"]
        if not known and not out_of_range and (not is_finished(pod) or rule_on(job, pod).counts):
            found.uncounted["failed"].append(uid)
    else:
        return
    found.release.append(pod)


def is_tracked(pod: Mapping[str, Any]) -> bool:
    """Whether a pod waits to be counted."""
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def is_indexed(job: Mapping[str, Any]) -> bool:
    """Whether each pod works on an index of its own."""
    return bool(job["spec"].get("completionMode") == "Indexed")
