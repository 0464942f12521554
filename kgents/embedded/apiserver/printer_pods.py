"""A pod's row: its one-word status is worked out from its containers, as kubectl users know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Object = Mapping[str, Any]
Age = Callable[[Any, datetime], str]


def pod_cells(pod: Object, now: datetime, age: Age) -> list[Any]:
    """Name, ready, status, restarts, age, and the wide ones: IP, node, nominated node, readiness gates."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    ready = sum(bool(container.get("ready")) for container in containers)
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec.get('containers') or [])}",
        pod_status(pod),
        _restarts(containers, now, age),
        age(pod["metadata"].get("creationTimestamp"), now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        "<none>",
    ]


def pod_status(pod: Object) -> str:
    """Running, CrashLoopBackOff, Init:0/1, Terminating …: what the STATUS column says."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    starting = _init_status(spec.get("initContainers") or [], status.get("initContainerStatuses") or [])
    if starting:
        return starting
    reason = str(status.get("reason") or status.get("phase") or "Pending")
    running = False
    for container in reversed(status.get("containerStatuses") or []):
        state = container.get("state") or {}
        running = running or (bool(container.get("ready")) and "running" in state)
        reason = _state_reason(state) or reason
    if reason == "Completed" and running:
        return "Running" if _condition(status, "Ready") else "NotReady"
    return reason


def _state_reason(state: Object) -> str:
    waiting, ended = state.get("waiting") or {}, state.get("terminated")
    if waiting.get("reason"):
        return str(waiting["reason"])
    if ended is None:
        return ""
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _init_status(containers: list[Object], statuses: list[Object]) -> str:
    for number, status in enumerate(statuses):
        state = status.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode", 0) == 0:
            continue
        if ended is not None:
            return "Init:" + _state_reason(state)
        reason = (state.get("waiting") or {}).get("reason")
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{number}/{len(containers)}"
    return ""


def _restarts(containers: list[Object], now: datetime, age: Age) -> str:
    count = sum(int(container.get("restartCount", 0)) for container in containers)
    ends = [((c.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for c in containers]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _condition(status: Object, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in status.get("conditions") or [])
