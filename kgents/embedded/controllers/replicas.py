"""What a ReplicaSet decides: which pods count, how many to add, which to take away, what to report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kgents.embedded.controllers.objects import (
    Object,
    annotations_of,
    condition,
    controller_of,
    created,
    format_time,
    is_deleting,
    labels_of,
    parse_time,
    selects,
)

BURST = 200
"""Pods made or deleted in one look at a ReplicaSet; the next look does the rest."""

_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASE_ORDER = {"Pending": 0, "Unknown": 1}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to the pods of a ReplicaSet: adopt, release, create this many, delete these."""

    adopt: tuple[Object, ...] = ()
    release: tuple[Object, ...] = ()
    create: int = 0
    delete: tuple[Object, ...] = ()


def plan(replica_set: Mapping[str, Any], pods: Iterable[Object], now: datetime) -> Plan:
    """Compare the pods of the namespace with what the ReplicaSet wants."""
    selector = replica_set["spec"].get("selector")
    uid = replica_set["metadata"]["uid"]
    own: list[Object] = []
    adopt: list[Object] = []
    release: list[Object] = []
    for pod in pods:
        owner = controller_of(pod)
        fits = selects(selector, labels_of(pod))
        if owner is not None and owner["uid"] == uid:
            (own if fits else release).append(pod)
        elif owner is None and fits and is_active(pod):
            adopt.append(pod)
    if is_deleting(replica_set):
        return Plan()
    active = [pod for pod in (*own, *adopt) if is_active(pod)]
    difference = wanted(replica_set) - len(active)
    surplus = sorted(active, key=lambda pod: deletion_rank(pod, now))[: max(0, -difference)]
    return Plan(tuple(adopt), tuple(release), min(max(0, difference), BURST), tuple(surplus[:BURST]))


def wanted(workload: Mapping[str, Any]) -> int:
    """`spec.replicas`, which is 1 where it was left out."""
    replicas = workload["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def is_active(pod: Mapping[str, Any]) -> bool:
    """A pod that runs or will run: not finished, not on its way out."""
    return not is_deleting(pod) and not is_finished(pod)


def is_finished(pod: Mapping[str, Any]) -> bool:
    """A pod whose containers have ended for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod says that it is ready."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def available_in(pod: Mapping[str, Any], min_ready_seconds: int, now: datetime) -> timedelta | None:
    """Time until a ready pod counts as available (zero: it does); None for one that is not ready."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    since = parse_time(ready.get("lastTransitionTime"))
    if min_ready_seconds <= 0 or since is None:
        return timedelta()
    return max(timedelta(), since + timedelta(seconds=min_ready_seconds) - now)


def deletion_rank(pod: Mapping[str, Any], now: datetime) -> tuple[Any, ...]:
    """Sorts the pods that cost least to lose first: unplaced, pending, not ready, then the newest."""
    status = pod.get("status") or {}
    ready = condition(pod, "Ready")
    is_up = ready is not None and ready.get("status") == "True"
    since = parse_time(ready.get("lastTransitionTime")) if ready and is_up else None
    restarts = max((item.get("restartCount", 0) for item in status.get("containerStatuses") or ()), default=0)
    born = parse_time(created(pod)) or now
    return (
        bool((pod.get("spec") or {}).get("nodeName")),
        _PHASE_ORDER.get(status.get("phase", "Pending"), 2),
        is_up,
        _cost(pod),
        (now - since).total_seconds() if since else 0.0,
        -restarts,
        (now - born).total_seconds(),
        pod["metadata"]["name"],
    )


def _cost(pod: Mapping[str, Any]) -> int:
    try:
        return int(annotations_of(pod).get(_COST, "0"))
    except ValueError:
        return 0


def status(
    replica_set: Mapping[str, Any], pods: Sequence[Object], failure: str, now: datetime
) -> tuple[Object, float | None]:
    """The status to report for `pods` (its own), and in how many seconds it changes by itself.

    `failure` is why the last creation failed, empty when none did.
    """
    active = [pod for pod in pods if is_active(pod)]
    wait = [available_in(pod, replica_set["spec"].get("minReadySeconds") or 0, now) for pod in active]
    ready = [left for left in wait if left is not None]
    template_labels = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
    counts = {
        "replicas": len(active),
        "fullyLabeledReplicas": sum(template_labels.items() <= labels_of(pod).items() for pod in active),
        "readyReplicas": len(ready),
        "availableReplicas": sum(not left for left in ready),
    }
    report: Object = {key: value for key, value in counts.items() if value or key == "replicas"}
    report["observedGeneration"] = replica_set["metadata"].get("generation", 0)
    conditions = _conditions(replica_set, failure, now)
    if conditions:
        report["conditions"] = conditions
    later = [left.total_seconds() for left in ready if left]
    return report, min(later) if later else None


def _conditions(replica_set: Mapping[str, Any], failure: str, now: datetime) -> list[Object]:
    others = [
        entry
        for entry in (replica_set.get("status") or {}).get("conditions") or ()
        if entry.get("type") != "ReplicaFailure"
    ]
    if not failure:
        return others
    known = condition(replica_set, "ReplicaFailure")
    since = known["lastTransitionTime"] if known else format_time(now)
    return [
        *others,
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": failure,
            "lastTransitionTime": since,
        },
    ]
