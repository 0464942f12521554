"""What a pod's status says about the health of the program in it. Pure: Pods and a time in, troubles out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api import times

Object = Mapping[str, Any]

REPEATED_CRASHES = 3
"""So many restarts, the last run short, and the program is not going to come up by itself."""
SHORT_RUN = 60.0
STEADY_MIN, STEADY_MAX = 3.0, 15.0
"""Seconds that a restarted program has to live, as long as its last run but within these, to count as recovered."""
MESSAGE_MAX = 500

_NO_START = """ErrImagePull ImagePullBackOff ErrImageNeverPull InvalidImageName ImageNotFound CommandNotFound
    CreateContainerConfigError CreateContainerError RunContainerError StartError ContainerCannotRun PortInUse
    WorkingDirNotFound NoCommand VolumeUnsupported"""
_CANNOT_START = frozenset(_NO_START.split())


@dataclass(frozen=True, slots=True)
class Trouble:
    """`final`: it will not pass by itself. `until`: when to look again, if it may."""

    kind: Literal["crash", "start", "ill"]
    reason: str
    message: str
    final: bool = False
    until: float | None = None


def statuses(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return list(status.get("containerStatuses") or ())


def all_statuses(pod: Object) -> list[Object]:
    return [*statuses(pod), *((pod.get("status") or {}).get("initContainerStatuses") or ())]


def container_state(pod: Object, name: str) -> Object:
    """The state of one of its containers, init containers among them: waiting, running or terminated; {} if unknown."""
    found = next((status for status in all_statuses(pod) if status.get("name") == name), {})
    return dict(found.get("state") or {})


def restarts(pod: Object) -> int:
    return sum(int(status.get("restartCount") or 0) for status in all_statuses(pod))


def is_leaving(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def condition(pod: Object, type: str) -> Object | None:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == type), None)


def age(pod: Object, now: float) -> float:
    """Seconds since it was made; a pod of unknown age is old."""
    made = times.parse(pod["metadata"].get("creationTimestamp"))
    return math.inf if made is None else now - made


def is_ready(pod: Object) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def troubles(pod: Object, now: float) -> list[Trouble]:
    """What is wrong with it, the worst first."""
    found = [trouble for status in all_statuses(pod) for trouble in _of_container(pod, status, now)]
    found += _of_conditions(pod)
    return sorted(found, key=lambda trouble: not trouble.final)


def _of_container(pod: Object, status: Object, now: float) -> Iterator[Trouble]:
    name = pod["metadata"]["name"]
    state = status.get("state") or {}
    last = (status.get("lastState") or {}).get("terminated")
    count = int(status.get("restartCount") or 0)
    waiting, ended = state.get("waiting"), state.get("terminated")
    if _was_stopped(ended):
        return
    if _was_stopped(last):
        last = None
    if ended and ended.get("exitCode") == 0 and _is_init(pod, status):
        return
    if ended or (waiting and waiting.get("reason") == "CrashLoopBackOff"):
        yield _crash(pod, now, status, ended or last or {}, count, until=None)
    elif waiting and waiting.get("reason") in _CANNOT_START:
        said = str(waiting.get("message") or waiting["reason"])
        yield Trouble("start", waiting["reason"], f"pod {name}: {said[:MESSAGE_MAX]}", final=True)
    elif waiting and last:
        yield _crash(pod, now, status, last, count, until=None)
    elif "running" in state and last and count:
        began = times.parse(state["running"].get("startedAt")) or now
        steady = began + min(max(_lived(last) or 0.0, STEADY_MIN), STEADY_MAX)
        if now < steady:
            yield _crash(pod, now, status, last, count, until=steady)


def _was_stopped(end: Object | None) -> bool:
    """Whether it ended because its node was stopped: that is nobody's crash."""
    return end is not None and end.get("reason") == "NodeShutdown"


def _is_init(pod: Object, status: Object) -> bool:
    return status in ((pod.get("status") or {}).get("initContainerStatuses") or ())


def _crash(pod: Object, now: float, status: Object, ended: Object, count: int, until: float | None) -> Trouble:
    name, lived = pod["metadata"]["name"], _lived(ended)
    if lived is None:
        # Without a start time the mean of its runs has to do.
        lived = (now - (times.parse(pod["metadata"].get("creationTimestamp")) or now)) / max(count, 1)
    final = count >= REPEATED_CRASHES and lived < SHORT_RUN
    how = f"exit code {ended['exitCode']}" if "exitCode" in ended else "it ended"
    if ended.get("signal"):
        how = f"signal {ended['signal']}"
    reason = ended.get("reason") or "Error"
    said = str(ended.get("message") or "").strip()
    message = f"container {status.get('name')} of pod {name}: {reason}, {how}, {count} restart{'s' * (count != 1)}"
    if said:
        message += f": {said[-MESSAGE_MAX:]}"
    if reason in _CANNOT_START:
        return Trouble("start", reason, message, final=True)
    return Trouble("crash", "CrashLoop" if final else "Crashed", message, final, until)


def _lived(ended: Object) -> float | None:
    began, over = times.parse(ended.get("startedAt")), times.parse(ended.get("finishedAt"))
    return None if began is None or over is None else max(0.0, over - began)


def _of_conditions(pod: Object) -> Iterator[Trouble]:
    name = pod["metadata"]["name"]
    taken = condition(pod, "PortInUse")
    if taken is not None and taken.get("status") == "True":
        yield Trouble("start", "PortInUse", f"pod {name}: {str(taken.get('message') or '')[:MESSAGE_MAX]}", final=True)
    placed = condition(pod, "PodScheduled")
    if placed is not None and placed.get("status") == "False":
        said = str(placed.get("message") or placed.get("reason") or "")[:MESSAGE_MAX]
        yield Trouble("start", "Unschedulable", f"pod {name} has no node: {said}")
    if (pod.get("status") or {}).get("phase") == "Failed":
        said = str((pod["status"].get("message") or pod["status"].get("reason")) or "")[:MESSAGE_MAX]
        yield Trouble("start", "PodFailed", f"pod {name} failed: {said}")


def ill_since(pod: Object) -> float | None:
    """Since when it runs without being ready: its program answers wrongly or not at all. None if that is not so."""
    running = [(status.get("state") or {}).get("running") for status in statuses(pod)]
    if is_ready(pod) or not running or not all(running):
        return None
    ready = condition(pod, "Ready") or {}
    began = [times.parse(state.get("startedAt")) for state in running if state]
    return max((moment for moment in [times.parse(ready.get("lastTransitionTime")), *began] if moment), default=None)
