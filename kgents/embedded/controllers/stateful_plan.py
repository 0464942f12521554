"""What a StatefulSet decides: which pod to make or end next, in the order of their numbers. Nothing is written here.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kgents.api.kinds import STATEFUL_SET
from kgents.embedded.controllers.objects import Object, is_deleting, labels_of
from kgents.embedded.controllers.pod_control import from_template
from kgents.embedded.controllers.replicas import available_in, is_finished, is_ready, wanted
from kgents.embedded.controllers.revisions import POD_HASH

POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"
_ORDINAL = re.compile(r"(.*)-([0-9]+)")


@dataclass(slots=True)
class Steps:
    """The next step. `create` are (ordinal, whether of the new revision)."""

    create: list[tuple[int, bool]] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


def ordinal_of(pod: Mapping[str, Any], name: str) -> int | None:
    """A pod's number; None for a name that is none of this set's."""
    found = _ORDINAL.fullmatch(pod["metadata"]["name"])
    return int(found[2]) if found and found[1] == name else None


def plan(workload: Mapping[str, Any], pods: Sequence[Object], update: str, now: datetime) -> Steps:
    """The next step for these pods. `update` is the name of the newest revision."""
    first, number = first_ordinal(workload), wanted(workload)
    in_order = workload["spec"].get("podManagementPolicy") != "Parallel"
    by_ordinal = {ordinal_of(pod, workload["metadata"]["name"]): pod for pod in pods}
    steps = Steps()
    for ordinal in range(first, first + number):
        pod = by_ordinal.get(ordinal)
        if pod is None:
            steps.create.append((ordinal, not _stays_current(workload, ordinal)))
        elif is_finished(pod) and not is_deleting(pod):
            steps.delete.append(pod)
        elif is_healthy(workload, pod, now) or not in_order:
            continue
        else:
            return steps  # The next ones wait for this one.
        if in_order:
            return steps
    condemned = sorted(
        ((ordinal, pod) for ordinal, pod in by_ordinal.items() if ordinal is not None and is_out(workload, ordinal)),
        key=lambda pair: -pair[0],
    )
    for _, pod in condemned:
        if not is_deleting(pod):
            steps.delete.append(pod)
        if in_order:
            return steps
    if not steps.create and not steps.delete:
        steps.delete += _outdated(workload, by_ordinal, update, now)
    return steps


def _outdated(
    workload: Mapping[str, Any], by_ordinal: Mapping[int | None, Object], update: str, now: datetime
) -> list[Object]:
    """The pods that are to give way to the new revision now: from the last number to the partition."""
    strategy = workload["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return []
    rolling = strategy.get("rollingUpdate") or {}
    first, number = first_ordinal(workload), wanted(workload)
    at_once = max(1, portion(rolling.get("maxUnavailable"), number))
    away = sum(
        not (ordinal in by_ordinal and is_healthy(workload, by_ordinal[ordinal], now))
        for ordinal in range(first, first + number)
    )
    found: list[Object] = []
    for ordinal in range(first + number - 1, first + int(rolling.get("partition") or 0) - 1, -1):
        pod = by_ordinal.get(ordinal)
        if away + len(found) >= at_once and not (pod and _is_stuck(workload, pod, update, now)):
            return found
        if pod is not None and labels_of(pod).get(POD_HASH) != update and not is_deleting(pod):
            found.append(pod)
            if not is_healthy(workload, pod, now):
                away -= 1
    return found


def _is_stuck(workload: Mapping[str, Any], pod: Object, update: str, now: datetime) -> bool:
    """One of the old revision that does not work anyway."""
    return labels_of(pod).get(POD_HASH) != update and not is_healthy(workload, pod, now) and not is_deleting(pod)


def portion(value: Any, total: int) -> int:
    """A number or a percentage of `total`, rounded up; 1 where nothing is said."""
    if isinstance(value, str) and value.endswith("%"):
        return -(-int(value.removesuffix("%")) * total // 100)
    return 1 if value is None else int(value)


def is_healthy(workload: Mapping[str, Any], pod: Object, now: datetime) -> bool:
    """Whether the next one may follow: running, ready for long enough, not on its way out."""
    left = available_in(pod, int(workload["spec"].get("minReadySeconds") or 0), now)
    return left == timedelta() and not is_deleting(pod) and not is_finished(pod)


def first_ordinal(workload: Mapping[str, Any]) -> int:
    """The number of the first pod."""
    return int((workload["spec"].get("ordinals") or {}).get("start") or 0)


def is_out(workload: Mapping[str, Any], ordinal: int) -> bool:
    """Whether a number is none of the wanted ones."""
    first = first_ordinal(workload)
    return not first <= ordinal < first + wanted(workload)


def _stays_current(workload: Mapping[str, Any], ordinal: int) -> bool:
    """Whether a new pod of that number is still of the old revision."""
    strategy = workload["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return False
    rolling, first = strategy.get("rollingUpdate"), first_ordinal(workload)
    if rolling and rolling.get("partition") is not None:
        return bool(ordinal < first + int(rolling["partition"]))
    return bool(ordinal < first + int((workload.get("status") or {}).get("currentReplicas") or 0))


def new_pod(workload: Mapping[str, Any], template: Mapping[str, Any], revision: str, ordinal: int) -> Object:
    """A pod with its number, its name and its own claims."""
    name = f"{workload['metadata']['name']}-{ordinal}"
    made = from_template(template, STATEFUL_SET, workload)
    metadata = made["metadata"]
    metadata.pop("generateName")
    metadata["name"] = name
    metadata["labels"] |= {POD_NAME: name, POD_INDEX: str(ordinal), POD_HASH: revision}
    claims = {one["metadata"]["name"]: claim_name(workload, one, ordinal) for one in claim_templates(workload)}
    others = [one for one in made["spec"].get("volumes") or () if one["name"] not in claims]
    mine = [{"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()]
    made["spec"] |= {"hostname": name, "volumes": [*others, *mine]}
    if workload["spec"].get("serviceName"):
        made["spec"]["subdomain"] = workload["spec"]["serviceName"]
    return made


def claim_templates(workload: Mapping[str, Any]) -> list[Object]:
    """The claims that each pod has for itself."""
    return list(workload["spec"].get("volumeClaimTemplates") or ())


def claim_name(workload: Mapping[str, Any], template: Mapping[str, Any], ordinal: int) -> str:
    """The name of one pod's claim."""
    return f"{template['metadata']['name']}-{workload['metadata']['name']}-{ordinal}"


def status(workload: Mapping[str, Any], pods: Sequence[Object], current: str, update: str, now: datetime) -> Object:
    """What to report. `current` is the revision that the set is rolling from."""
    alive = [pod for pod in pods if not is_finished(pod)]
    report = {
        "observedGeneration": workload["metadata"].get("generation", 0),
        "replicas": len(alive),
        "readyReplicas": sum(is_ready(pod) for pod in alive),
        "availableReplicas": sum(is_healthy(workload, pod, now) for pod in alive),
        "currentReplicas": _of(alive, current),
        "updatedReplicas": _of(alive, update),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": 0,
    }
    total = wanted(workload)
    strategy = (workload["spec"].get("updateStrategy") or {}).get("type")
    if strategy != "OnDelete" and total == report["updatedReplicas"] == report["readyReplicas"] == report["replicas"]:
        report |= {"currentRevision": update, "currentReplicas": report["updatedReplicas"]}
    kept = ("replicas", "availableReplicas", "collisionCount")
    return {key: value for key, value in report.items() if value or key in kept}


def _of(pods: Sequence[Object], revision: str) -> int:
    return sum(labels_of(pod).get(POD_HASH) == revision and not is_deleting(pod) for pod in pods)
