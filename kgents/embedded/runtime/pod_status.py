"""A pod's whole status, from the views of its containers. Pure: nothing is asked or changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgents.api import times
from kgents.embedded.runtime import security, states
from kgents.embedded.runtime.states import View

Object = Mapping[str, Any]
Truth = tuple[bool, str, str]
"""A condition: whether it holds, the reason and the message."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to tell. `failure` is (reason, message) of a pod that was ended as a whole."""

    inits: Sequence[View]
    mains: Sequence[View]
    address: str
    host: str
    conflict: str | None = None
    failure: tuple[str, str] | None = None
    is_final: bool = False
    """Whether nothing will be started again: the pod is going."""


def build(pod: Object, facts: Facts, now: float) -> dict[str, Any]:
    """The status as it is to be written."""
    ends = facts.is_final or facts.failure is not None
    policy = "Never" if ends else pod["spec"].get("restartPolicy", "Always")
    phase = states.phase(policy, facts.inits, facts.mains)
    if ends and not any(view.attempt.runs for view in (*facts.inits, *facts.mains)):
        phase = "Succeeded" if phase == "Succeeded" and facts.failure is None else "Failed"
    over = ends or phase in ("Succeeded", "Failed")
    status = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "hostIP": facts.host,
        "hostIPs": [{"ip": facts.host}],
        "podIP": facts.address,
        "podIPs": [{"ip": facts.address}],
        "startTime": (pod.get("status") or {}).get("startTime") or times.to_text(now),
        "conditions": states.conditions(pod, _truths(pod, facts, phase), now),
        "containerStatuses": [states.container_status(view, policy, over=over) for view in facts.mains],
    }
    if facts.failure is not None:
        status["reason"], status["message"] = facts.failure
    if facts.inits:
        status["initContainerStatuses"] = [
            states.container_status(view, policy, init=True, over=over) for view in facts.inits
        ]
    return status


def _truths(pod: Object, facts: Facts, phase: str) -> dict[str, Truth]:
    waiting = [view.spec["name"] for view in facts.inits if not view.initialized]
    unready = [view.spec["name"] for view in _serving(facts) if not view.ready]
    over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "")
    initialized: Truth = (True, over if phase == "Succeeded" else "", "")
    if waiting and phase != "Succeeded":
        names = " ".join(waiting)
        initialized = (False, "ContainersNotInitialized", f"containers with incomplete status: [{names}]")
    containers: Truth = (True, "", "")
    if over:
        containers = (False, over, "")
    elif unready:
        containers = (False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    truths = {
        "PodReadyToStartContainers": (not over, "", ""),
        "Initialized": initialized,
        "Ready": _gated(pod) if containers[0] else containers,
        "ContainersReady": containers,
        "PodScheduled": (True, "", ""),
    }
    truths |= security.restrictions(pod, facts.mains)
    refused = next((str(view.attempt.state["mountsRefused"]) for view in facts.mains if _refused(view)), "")
    if refused or _has_condition(pod, "MountsAtTheirPaths"):
        message = f"mounts are refused ({refused}): volumes stand below $KGENTS_POD_ROOT, and none is read-only"
        truths["MountsAtTheirPaths"] = (False, "MountRefused", message) if refused else (True, "", "")
    if facts.conflict or _has_condition(pod, "PortInUse"):
        truths["PortInUse"] = (bool(facts.conflict), "PortInUse" if facts.conflict else "", facts.conflict or "")
    return truths


def _serving(facts: Facts) -> list[View]:
    return [*(view for view in facts.inits if states.is_sidecar(view.spec)), *facts.mains]


def _gated(pod: Object) -> Truth:
    """Ready, as far as others have a say in it. https://kep.k8s.io/580"""
    found = {one["type"]: one.get("status") for one in (pod.get("status") or {}).get("conditions") or ()}
    trouble = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in found:
            trouble.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif found[kind] != "True":
            trouble.append(f'the status of pod readiness gate "{kind}" is not "True", but {found[kind]}')
    return (False, "ReadinessGatesNotReady", ", ".join(trouble)) if trouble else (True, "", "")


def _refused(view: View) -> bool:
    return bool(view.attempt.state.get("mountsRefused"))


def _has_condition(pod: Object, kind: str) -> bool:
    return any(one["type"] == kind for one in (pod.get("status") or {}).get("conditions") or [])
