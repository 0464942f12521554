"""What a DaemonSet decides: on which nodes a pod is to run, which to make and which to end. Nothing is written here."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kgents.api.kinds import DAEMON_SET
from kgents.embedded.controllers.objects import Object, created, is_deleting, labels_of, selects
from kgents.embedded.controllers.pod_control import from_template
from kgents.embedded.controllers.replicas import available_in, is_finished, is_ready
from kgents.embedded.controllers.revisions import POD_HASH
from kgents.embedded.controllers.stateful_plan import portion

_TOLERATED = (
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
)
_AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(slots=True)
class Steps:
    """Nodes that need a pod, and pods that are to go."""

    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


def plan(
    daemon: Mapping[str, Any], pods: Sequence[Object], nodes: Sequence[Object], update: str, now: datetime
) -> Steps:
    """The next step. `update` is the hash of the newest template."""
    wanted = {node["metadata"]["name"] for node in nodes if fits(daemon, node)}
    steps = Steps()
    placed = by_node(pods)
    for name, members in placed.items():
        over = [pod for pod in members if is_finished(pod)]
        useful = sorted((pod for pod in members if not is_finished(pod) and not is_deleting(pod)), key=created)
        steps.delete += over + (useful[1:] if name in wanted else useful)
    steps.create = sorted(name for name in wanted if not placed.get(name))
    if not steps.create and not steps.delete:
        steps.delete = _outdated(daemon, placed, wanted, update, now)
    return steps


def _outdated(
    daemon: Mapping[str, Any], placed: Mapping[str, Sequence[Object]], wanted: set[str], update: str, now: datetime
) -> list[Object]:
    strategy = daemon["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return []
    most = max(1, portion((strategy.get("rollingUpdate") or {}).get("maxUnavailable"), len(wanted)))
    broken: list[Object] = []
    working: list[Object] = []
    away = 0
    for name in sorted(wanted):
        pod = next((one for one in placed.get(name, ()) if not is_deleting(one)), None)
        up = pod is not None and is_available(daemon, pod, now)
        away += not up
        if pod is not None and labels_of(pod).get(POD_HASH) != update:
            (working if up else broken).append(pod)
    return [*broken, *working[: max(0, most - away)]]


def by_node(pods: Sequence[Object]) -> dict[str, list[Object]]:
    """Pods by the node that they run on or are meant for."""
    found: dict[str, list[Object]] = {}
    for pod in pods:
        found.setdefault(_node_of(pod), []).append(pod)
    return found


def _node_of(pod: Mapping[str, Any]) -> str:
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    for term in _terms(spec):
        for wish in term.get("matchFields") or ():
            if wish.get("key") == "metadata.name" and wish.get("values"):
                return str(wish["values"][0])
    return ""


def _terms(spec: Mapping[str, Any]) -> list[Object]:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return list((affinity.get(_AFFINITY) or {}).get("nodeSelectorTerms") or ())


def fits(daemon: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether the node's labels and taints let the pods run there."""
    spec = (daemon["spec"].get("template") or {}).get("spec") or {}
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    terms = [term["matchExpressions"] for term in _terms(spec) if term.get("matchExpressions")]
    if terms and not any(selects({"matchExpressions": term}, labels) for term in terms):
        return False
    tolerations = [*(spec.get("tolerations") or ()), *_tolerations()]
    taints = (node.get("spec") or {}).get("taints") or ()
    return all(
        taint.get("effect") == "PreferNoSchedule" or any(_tolerates(one, taint) for one in tolerations)
        for taint in taints
    )


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _tolerations() -> list[Object]:
    return [{"key": f"node.kubernetes.io/{k}", "operator": "Exists", "effect": effect} for k, effect in _TOLERATED]


def new_pod(daemon: Mapping[str, Any], node: str, update: str) -> Object:
    """A pod for one node, tied to it as Kubernetes' own controller does it: by affinity."""
    made = from_template(daemon["spec"]["template"], DAEMON_SET, daemon)
    made["metadata"]["labels"] |= {
        POD_HASH: update,
        "pod-template-generation": str(daemon["metadata"].get("generation", 1)),
    }
    spec = made["spec"] = copy.deepcopy(made["spec"])
    wish = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    affinity[_AFFINITY] = {"nodeSelectorTerms": [wish]}
    spec["tolerations"] = [*(spec.get("tolerations") or ()), *_tolerations()]
    return made


def is_available(daemon: Mapping[str, Any], pod: Object, now: datetime) -> bool:
    """Whether a pod has been ready for long enough."""
    return available_in(pod, int(daemon["spec"].get("minReadySeconds") or 0), now) == timedelta()


def status(
    daemon: Mapping[str, Any], pods: Sequence[Object], nodes: Sequence[Object], update: str, now: datetime
) -> Object:
    """What to report: one pod counts for each node."""
    wanted = {node["metadata"]["name"] for node in nodes if fits(daemon, node)}
    placed = {
        name: min(members, key=lambda pod: (is_deleting(pod), created(pod))) for name, members in by_node(pods).items()
    }
    mine = [pod for name, pod in placed.items() if name in wanted]
    available = sum(is_available(daemon, pod, now) for pod in mine)
    report = {
        "currentNumberScheduled": len(mine),
        "desiredNumberScheduled": len(wanted),
        "numberMisscheduled": sum(name not in wanted for name in placed),
        "numberReady": sum(is_ready(pod) for pod in mine),
        "observedGeneration": daemon["metadata"].get("generation", 0),
        "updatedNumberScheduled": sum(labels_of(pod).get(POD_HASH) == update for pod in mine),
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
    }
    optional = ("updatedNumberScheduled", "numberAvailable", "numberUnavailable")
    return {key: value for key, value in report.items() if value or key not in optional}
