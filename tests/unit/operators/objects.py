"""Objects as the API server would give them, for tests of pure functions."""

from __future__ import annotations

from typing import Any

from kgents.api import times

NOW = 1_800_000_000.0


def agent(name: str = "ant", status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "hill", "uid": "u1", "generation": 1, "resourceVersion": "1"}
    made = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": metadata}
    return {**made, "spec": {"command": ["true"], "replicas": 1, **spec}, "status": status or {}}


def deployment(replicas: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": "ant", "generation": 1},
        "status": {"observedGeneration": 1, "updatedReplicas": replicas, "replicas": replicas},
    }


def running(ago: float = 100.0, restarts: int = 0, last: dict[str, Any] | None = None) -> dict[str, Any]:
    state = {"running": {"startedAt": times.to_text(NOW - ago)}}
    status = {"name": "agent", "state": state, "restartCount": restarts}
    return {**status, "lastState": {"terminated": last}} if last else status


def waiting(reason: str, restarts: int = 0, message: str = "", lived: float | None = None) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": "agent",
        "state": {"waiting": {"reason": reason, "message": message}},
        "restartCount": restarts,
    }
    return status if lived is None else {**status, "lastState": {"terminated": ended(lived)}}


def ended(lived: float, code: int = 1, message: str = "") -> dict[str, Any]:
    began, over = times.to_text(NOW - lived - 1), times.to_text(NOW - 1)
    return {"exitCode": code, "reason": "Error", "message": message, "startedAt": began, "finishedAt": over}


def pod(container: dict[str, Any], *, ready: bool, since: float = 50.0) -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": times.to_text(NOW - since)}
    return {
        "metadata": {"name": "ant-1", "namespace": "hill", "uid": "p1"},
        "status": {"containerStatuses": [container], "conditions": [condition]},
    }
