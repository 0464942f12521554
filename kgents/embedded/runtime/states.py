"""A pod's status, worked out from what its containers' folders and probes say. Pure: nothing is asked or changed here.

Reasons are Kubernetes' own where it has one; CommandNotFound, WorkingDirNotFound and NoCommand are the hive's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgents.api import times
from kgents.embedded.runtime.attempts import Attempt
from kgents.embedded.runtime.probes import Health

Object = Mapping[str, Any]
_TROUBLE = {
    "command": "CommandNotFound",
    "permission": "ContainerCannotRun",
    "workingDir": "WorkingDirNotFound",
    "mount": "MountRefused",
    "start": "RunContainerError",
}


@dataclass(frozen=True, slots=True)
class View:
    """One container as it is now. `waiting` is (reason, message) when something keeps it from starting."""

    spec: Object
    attempt: Attempt
    health: Health = field(default_factory=Health)
    waiting: tuple[str, str] | None = None
    pause: float = 0.0
    before: Attempt | None = None
    after_inits: bool = False
    """Whether its pod has init containers."""
    words: str = ""
    """What it said last, where that is to be its termination message."""

    @property
    def ready(self) -> bool:
        return self.attempt.runs and self.health.ready

    @property
    def started(self) -> bool:
        return self.attempt.runs and self.health.started

    @property
    def initialized(self) -> bool:
        """Of an init container: whether the next one may start."""
        end = self.attempt.end
        return self.started if is_sidecar(self.spec) else bool(end and not end["exitCode"])

    @property
    def in_trouble(self) -> bool:
        """Whether it failed or is not ready."""
        end = self.attempt.end
        return bool(end["exitCode"]) if end else self.attempt.runs and not self.ready


def restarts(policy: str, attempt: Attempt) -> bool:
    """Whether an ended container is to run again."""
    failed = bool(attempt.end and attempt.end.get("exitCode"))
    return policy == "Always" or (policy == "OnFailure" and failed)


def is_sidecar(container: Object) -> bool:
    """Whether an init container is to run beside the main ones."""
    return container.get("restartPolicy") == "Always"


def phase(policy: str, inits: Iterable[View], mains: Iterable[View]) -> str:
    mains, inits = list(mains), list(inits)
    if any(is_given_up(policy, view) for view in inits):
        return "Failed"
    if not any(view.attempt.number >= 0 for view in mains):
        return "Pending"
    over = [view.attempt.end for view in mains if view.attempt.end and not restarts(policy, view.attempt)]
    if len(over) < len(mains) or any(view.attempt.runs for view in inits):
        return "Running"
    return "Failed" if any(end["exitCode"] for end in over) else "Succeeded"


def is_given_up(policy: str, view: View) -> bool:
    """Of an init container: whether it failed for good, so that the main ones never start."""
    end = view.attempt.end
    return policy == "Never" and end is not None and bool(end["exitCode"]) and not is_sidecar(view.spec)


def container_status(view: View, policy: str, *, init: bool = False, over: bool = False) -> dict[str, Any]:
    """A containerStatus: waiting, running or terminated, and what was before. `over`: nothing is restarted any more."""
    attempt = view.attempt
    if is_sidecar(view.spec):
        policy, init = "Always", False
    if over:
        policy = "Never"
    return {
        "name": view.spec["name"],
        "image": view.spec.get("image", ""),
        "imageID": "",
        "ready": attempt.end is not None and not attempt.end["exitCode"] if init else view.ready,
        "started": view.started,
        "restartCount": max(0, attempt.number),
        "state": _state(view, policy, init=init),
        "lastState": _last_state(view, policy, init=init),
        **({"containerID": f"process://{attempt.state['pid']}"} if attempt.runs else {}),
    }


def _state(view: View, policy: str, *, init: bool) -> dict[str, Any]:
    attempt = view.attempt
    if attempt.runs:
        return {"running": {"startedAt": times.to_text(attempt.state["startedAt"])}}
    if view.waiting:
        return {"waiting": _without_empty({"reason": view.waiting[0], "message": view.waiting[1]})}
    if attempt.end is None:
        return {"waiting": {"reason": "PodInitializing" if view.after_inits else "ContainerCreating"}}
    done = init and not attempt.end["exitCode"]
    if done or not restarts(policy, attempt):
        return {"terminated": terminated(attempt.end, view.words)}
    trouble = attempt.end.get("trouble")
    if trouble:
        return {"waiting": {"reason": _TROUBLE.get(trouble[0], "RunContainerError"), "message": trouble[1]}}
    if view.pause:
        message = f"back-off {view.pause:.0f}s restarting failed container={view.spec['name']}"
        return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    return {"terminated": terminated(attempt.end, view.words)}


def _last_state(view: View, policy: str, *, init: bool) -> dict[str, Any]:
    end = view.attempt.end
    if end is not None and "waiting" in _state(view, policy, init=init):
        return {"terminated": terminated(end, view.words)}
    earlier = view.before.end if view.before else None
    return {"terminated": terminated(earlier, view.words)} if earlier else {}


def terminated(end: Object, words: str = "") -> dict[str, Any]:
    """The state of an ended container; `words` are its termination message."""
    code = int(end["exitCode"])
    state: dict[str, Any] = {"exitCode": code, "reason": "Error" if code else "Completed"}
    if end.get("signal"):
        state["signal"] = end["signal"]
    if end.get("stopped"):
        state["reason"] = "NodeShutdown"
    if words:
        state["message"] = words
    if end.get("trouble"):
        state |= {"reason": "StartError", "message": ": ".join(end["trouble"])}
    for key in ("startedAt", "finishedAt"):
        if end.get(key):
            state[key] = times.to_text(end[key])
    return state


def conditions(pod: Object, truths: Mapping[str, tuple[bool, str, str]], now: float) -> list[dict[str, Any]]:
    """Conditions by type: (true?, reason, message). The time of one that did not change is kept; others' stay."""
    old = {c["type"]: c for c in (pod.get("status") or {}).get("conditions") or []}
    generation = (pod.get("metadata") or {}).get("generation")
    made: dict[str, dict[str, Any]] = {key: dict(value) for key, value in old.items()}
    for kind, (true, reason, message) in truths.items():
        word = "True" if true else "False"
        same = old.get(kind, {}).get("status") == word
        since = old[kind].get("lastTransitionTime") if same else times.to_text(now)
        made[kind] = _without_empty(
            {
                "type": kind,
                "observedGeneration": generation,
                "status": word,
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }
        )
    return list(made.values())


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in ("", None)}
