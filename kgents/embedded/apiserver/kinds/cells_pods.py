"""The cells of pods: one word for what all their containers do, as k8s.io/kubernetes/pkg/printers finds it."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.age import age, parse_time
from kgents.embedded.apiserver.kinds.cells import NONE
from kgents.embedded.apiserver.kinds.column import at

Object = dict[str, Any]
ENDED = ("Succeeded", "Failed")
CONDITIONS = {
    phase: [{"type": "Completed", "status": "True", "reason": phase, "message": message}]
    for phase, message in (("Succeeded", "The pod has completed successfully."), ("Failed", "The pod failed."))
}
"""What the row of a pod says besides its cells, by phase."""


def _sidecars(obj: Object) -> set[str]:
    return {one["name"] for one in at(obj, "spec.initContainers", ()) if one.get("restartPolicy") == "Always"}


def _runs(status: Object) -> bool:
    return bool(status.get("ready")) and at(status, "state.running") is not None


def ready(obj: Object) -> str:
    """Ready containers of all, sidecars among them, as 1/2."""
    sidecars = _sidecars(obj)
    total = len(at(obj, "spec.containers", ())) + len(sidecars)
    found = [one for one in at(obj, "status.initContainerStatuses", ()) if one["name"] in sidecars]
    number = sum(bool(one.get("ready")) for one in found if one.get("started"))
    if not _initializing(obj):
        number += sum(map(_runs, at(obj, "status.containerStatuses", ())))
    return f"{number}/{total}"


def restarts(obj: Object) -> str:
    """How often containers were restarted, and when last."""
    first = at(obj, "status.initContainerStatuses", [])
    if _initializing(obj):
        counted = first
    else:
        sidecars = _sidecars(obj)
        counted = [one for one in first if one["name"] in sidecars] + at(obj, "status.containerStatuses", [])
    total = sum(int(one.get("restartCount") or 0) for one in counted)
    ends = (parse_time(at(one, "lastState.terminated.finishedAt")) for one in counted)
    moments = [moment for moment in ends if moment is not None]
    return f"{total} ({age(max(moments))} ago)" if total and moments else str(total)


def status(obj: Object) -> str:
    """The phase, or what is more telling: a reason why a container waits or ended."""
    phase = str(at(obj, "status.phase", "Unknown"))
    word = str(at(obj, "status.reason") or phase)
    if any(one.get("reason") == "SchedulingGated" for one in at(obj, "status.conditions", ())):
        word = "SchedulingGated"
    word = _init_word(obj) or word
    if not _initializing(obj):
        word = _main_word(obj, word)
    if not at(obj, "metadata.deletionTimestamp"):
        return word
    if at(obj, "status.reason") == "NodeLost":
        return "Unknown"
    return word if phase in ENDED else "Terminating"


def _condition(obj: Object, kind: str) -> bool:
    return any(one["type"] == kind and one["status"] == "True" for one in at(obj, "status.conditions", ()))


def _initializing(obj: Object) -> bool:
    return bool(_init_word(obj)) and not _condition(obj, "Initialized")


def _init_word(obj: Object) -> str:
    """What the first init container that is not done does; empty when all are."""
    sidecars = _sidecars(obj)
    for index, one in enumerate(at(obj, "status.initContainerStatuses", ())):
        ended, reason = at(one, "state.terminated"), at(one, "state.waiting.reason")
        if (ended is not None and ended.get("exitCode") == 0) or (one["name"] in sidecars and one.get("started")):
            continue
        if ended is not None:
            return f"Init:{_end(ended)}"
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{index}/{len(at(obj, 'spec.initContainers', ()))}"
    return ""


def _main_word(obj: Object, word: str) -> str:
    running = False
    for one in reversed(at(obj, "status.containerStatuses", ())):
        reason, ended = at(one, "state.waiting.reason"), at(one, "state.terminated")
        if reason:
            word = reason
        elif ended is not None:
            word = _end(ended)
        elif _runs(one):
            running = True
    if word == "Completed" and running:
        return "Running" if _condition(obj, "Ready") else "NotReady"
    return word


def _end(ended: Object) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def address(obj: Object) -> str:
    """The pod's address."""
    listed = at(obj, "status.podIPs") or [{"ip": at(obj, "status.podIP")}]
    return str(listed[0].get("ip") or NONE)


def readiness_gates(obj: Object) -> str:
    """Fulfilled gates of all."""
    gates = at(obj, "spec.readinessGates", ())
    return f"{sum(_condition(obj, one['conditionType']) for one in gates)}/{len(gates)}" if gates else NONE
