"""What a Deployment reports: counts, and the two conditions that `kubectl rollout status` and `wait` read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kgents.embedded.controllers.objects import Object, condition, format_time, parse_time
from kgents.embedded.controllers.replicas import wanted
from kgents.embedded.controllers.rollout import max_unavailable

_DEADLINE = 600
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A condition to be: `fresh` says that something moved, so that the deadline starts anew."""

    status: str
    reason: str
    message: str
    fresh: bool = False


def rollout_status(
    deployment: Mapping[str, Any],
    new: Mapping[str, Any] | None,
    replica_sets: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    created: bool = False,
    collisions: int = 0,
) -> Object:
    """The whole status for a Deployment with these ReplicaSets; `created` when the new one was made just now."""
    counts = _counts(deployment, new, replica_sets)
    report: Object = {name: counts[name] for name in _COUNTS if counts[name]}
    report["observedGeneration"] = deployment["metadata"].get("generation", 0)
    collisions = collisions or (deployment.get("status") or {}).get("collisionCount") or 0
    if collisions:
        report["collisionCount"] = collisions
    verdicts = {"Available": _available(deployment, counts)}
    progress = _progress(deployment, new, counts, now, created)
    if progress is not None:
        verdicts["Progressing"] = progress
    failure = _failure(new)
    if failure is not None:
        verdicts["ReplicaFailure"] = failure
    report["conditions"] = [_condition(deployment, kind, verdict, now) for kind, verdict in verdicts.items()]
    return report


def seconds_to_deadline(deployment: Mapping[str, Any], report: Mapping[str, Any], now: datetime) -> float | None:
    """When a rollout under way has to be called stuck; None when nothing is under way."""
    limit = deployment["spec"].get("progressDeadlineSeconds", _DEADLINE)
    entry = condition({"status": report}, "Progressing")
    if limit is None or entry is None or entry["status"] != "True" or entry["reason"] == "NewReplicaSetAvailable":
        return None
    since = parse_time(entry.get("lastUpdateTime"))
    if since is None:
        return None
    return max(1.0, (since + timedelta(seconds=int(limit)) - now).total_seconds() + 1)


def _counts(
    deployment: Mapping[str, Any], new: Mapping[str, Any] | None, replica_sets: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    def total(name: str) -> int:
        return sum(int((item.get("status") or {}).get(name) or 0) for item in replica_sets)

    available = total("availableReplicas")
    asked = sum(wanted(item) for item in replica_sets)
    return {
        "replicas": total("replicas"),
        "updatedReplicas": int((new.get("status") or {}).get("replicas") or 0) if new else 0,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, asked - available),
    }


def _available(deployment: Mapping[str, Any], counts: Mapping[str, int]) -> _Verdict:
    if counts["availableReplicas"] >= wanted(deployment) - max_unavailable(deployment):
        return _Verdict("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    return _Verdict("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")


def _progress(
    deployment: Mapping[str, Any],
    new: Mapping[str, Any] | None,
    counts: Mapping[str, int],
    now: datetime,
    created: bool,
) -> _Verdict | None:
    limit = deployment["spec"].get("progressDeadlineSeconds", _DEADLINE)
    if limit is None:
        return None
    known = condition(deployment, "Progressing")
    reason = known["reason"] if known else ""
    name = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if deployment["spec"].get("paused"):
        return _Verdict("Unknown", "DeploymentPaused", "Deployment is paused")
    if created and new is not None:
        return _Verdict("True", "NewReplicaSetCreated", f'Created new replica set "{new["metadata"]["name"]}"', True)
    if _is_complete(deployment, new, counts):
        return _Verdict(
            "True", "NewReplicaSetAvailable", f"{name} has successfully progressed.", reason != "NewReplicaSetAvailable"
        )
    if reason == "DeploymentPaused":
        return _Verdict("Unknown", "DeploymentResumed", "Deployment is resumed", True)
    if known is None or (reason == "NewReplicaSetAvailable" and not _was_current(deployment)):
        return _Verdict("True", "ReplicaSetUpdated", f"{name} is progressing.", True)
    if _moved(deployment, counts):
        return _Verdict("True", "ReplicaSetUpdated", f"{name} is progressing.", True)
    since = parse_time(known.get("lastUpdateTime")) or now
    if reason == "NewReplicaSetAvailable":
        # A finished rollout stays finished: pods that fail later are Available's business, not the rollout's.
        return _Verdict(known["status"], reason, known["message"])
    if reason == "ProgressDeadlineExceeded" or now >= since + timedelta(seconds=int(limit)):
        return _Verdict("False", "ProgressDeadlineExceeded", f"{name} has timed out progressing.")
    return _Verdict(known["status"], reason, known["message"])


def _was_current(deployment: Mapping[str, Any]) -> bool:
    observed = (deployment.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= deployment["metadata"].get("generation", 0))


def _is_complete(deployment: Mapping[str, Any], new: Mapping[str, Any] | None, counts: Mapping[str, int]) -> bool:
    target = wanted(deployment)
    return new is not None and all(
        counts[name] == target for name in ("replicas", "updatedReplicas", "availableReplicas")
    )


def _moved(deployment: Mapping[str, Any], counts: Mapping[str, int]) -> bool:
    before = {name: int((deployment.get("status") or {}).get(name) or 0) for name in _COUNTS}
    old_before = before["replicas"] - before["updatedReplicas"]
    old_now = counts["replicas"] - counts["updatedReplicas"]
    grew = any(counts[name] > before[name] for name in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grew or old_now < old_before


def _failure(new: Mapping[str, Any] | None) -> _Verdict | None:
    entry = condition(new, "ReplicaFailure") if new else None
    return _Verdict(entry["status"], entry["reason"], entry["message"]) if entry else None


def _condition(deployment: Mapping[str, Any], kind: str, verdict: _Verdict, now: datetime) -> Object:
    known = condition(deployment, kind)
    stamp = format_time(now)
    entry: Object = {
        "type": kind,
        "status": verdict.status,
        "reason": verdict.reason,
        "message": verdict.message,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
    }
    if known is None:
        return entry
    if known["status"] == verdict.status:
        entry["lastTransitionTime"] = known["lastTransitionTime"]
    if not verdict.fresh and (known["status"], known["reason"]) == (verdict.status, verdict.reason):
        entry["lastUpdateTime"] = known.get("lastUpdateTime", stamp)
    return entry
