"""The phase of an agent, derived from what is observed and from nothing else.

Terminating  it is being deleted
Suspended    it is stopped on purpose
Safemode     its health failed and it is held back until somebody changes it, or pauses and resumes it
Failed       no pod is ready, and what keeps them from it will not pass by itself
Degraded     it has been ready, and now is not, or not all of it; or a pod of it crashes
Running      all pods are ready
Pending      it has not been ready yet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgents.api import adopting
from kgents.api.kinds import POD
from operators.agent import pods as seen
from operators.agent.children import is_suspended, wanted_replicas
from operators.agent.pod import health_period, health_threshold
from operators.agent.pods import Trouble

STARTING_GRACE = 30.0
HAS_BEEN_READY = frozenset({"Running", "Degraded", "Failed"})


@dataclass(frozen=True, slots=True)
class Blocker:
    """What keeps the agent's children from being made: a name that is taken, a template that is refused."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Observed:
    """All that the phase depends on. `pods` are those that are not on their way out."""

    agent: Mapping[str, Any]
    deployment: Mapping[str, Any] | None
    pods: Sequence[Mapping[str, Any]]
    blockers: Sequence[Blocker] = ()
    held: bool = False
    paused: str = ""
    """By whom it was paused, and why."""
    workload: Mapping[str, Any] | None = None
    """What it adopts, with its kind. Its replicas are what is wanted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`safemode`: hold it back from now on. `again`: seconds until time alone may change the answer."""

    phase: str
    reason: str
    message: str
    ready: int
    progressing: bool = False
    safemode: bool = False
    again: float | None = None


def judge(observed: Observed, now: float) -> Verdict:
    """The phase and why, at `now` (seconds since 1970)."""
    agent, spec = observed.agent, observed.agent["spec"]
    ready = sum(seen.is_ready(pod) for pod in observed.pods)
    if agent["metadata"].get("deletionTimestamp"):
        return Verdict("Terminating", "Deleted", "it is being deleted", ready)
    if observed.blockers:
        blocker = observed.blockers[0]
        phase = "Degraded" if ready else "Failed"
        return Verdict(phase, blocker.reason, blocker.message, ready)
    if spec.get("workloadRef"):
        return _of_adopted(observed, ready, now)
    if is_suspended(spec):
        stopped = f"paused {observed.paused}" if observed.paused else "it is stopped on purpose"
        why = f"{stopped}; {len(observed.pods)} pods are ending" if observed.pods else stopped
        return Verdict("Suspended", "Suspended", why, ready, progressing=bool(observed.pods))
    if observed.held:
        return Verdict("Safemode", "HealthFailed", _HELD, ready)
    return _of_own(observed, ready, now)


_HELD = "its health check failed, so it is held back; change its spec, or pause and resume it, to let it try again"


def _of_adopted(observed: Observed, ready: int, now: float) -> Verdict:
    workload = observed.workload
    if workload is None:
        return Verdict("Pending", "NotSeenYet", "its workload has not been seen yet", ready)
    if observed.agent["spec"].get("suspend"):
        stopped = f"paused {observed.paused}" if observed.paused else "it is paused"
        why = f"{stopped}; its {ready} ready pods run on, for they are not kgents' to stop"
        return Verdict("Suspended", "Suspended", why, ready)
    wanted = adopting.wanted_replicas(workload)
    if wanted == 0:
        why = f"its {workload['kind']} is scaled to 0"
        return Verdict("Suspended", "ScaledToZero", why, ready, progressing=bool(observed.pods))
    settled = workload["kind"] == POD.kind
    return _of_pods(observed, ready, now, wanted, progressing=not settled and _is_progressing(workload, wanted))


def _of_own(observed: Observed, ready: int, now: float) -> Verdict:
    wanted = wanted_replicas(observed.agent["spec"])
    return _of_pods(observed, ready, now, wanted, _is_progressing(observed.deployment, wanted))


def _of_pods(observed: Observed, ready: int, now: float, wanted: int, progressing: bool) -> Verdict:
    before = (observed.agent.get("status") or {}).get("phase")
    ill, again = _illness(observed, before, now)
    if ill:
        return Verdict("Safemode", "HealthFailed", _HELD, ready, safemode=True)
    troubles = [trouble for pod in observed.pods for trouble in seen.troubles(pod, now)]
    if troubles:
        return _troubled(troubles, ready, wanted, before, progressing, now, again)
    if ready >= wanted and not progressing:
        return Verdict("Running", "AllReady", f"{ready} of {wanted} pods are ready", ready, again=again)
    why = f"{ready} of {wanted} pods are ready"
    if ready >= wanted:
        return Verdict("Running", "RollingOut", "a change is being rolled out", ready, True, again=again)
    if before in HAS_BEEN_READY:
        grace = _still_starting(observed.pods, ready, wanted, now)
        if before == "Running" and ready and (progressing or grace):
            looks = [moment for moment in (grace, again) if moment]
            return Verdict("Running", "RollingOut", why, ready, True, again=min(looks, default=None))
        return Verdict("Degraded", "NotAllReady", why, ready, progressing, again=again)
    return Verdict("Pending", "Starting", why, ready, True, again=again)


def _still_starting(pods: Sequence[Mapping[str, Any]], ready: int, wanted: int, now: float) -> float:
    """Seconds for which the pods that are missing may still be starting: more were asked for, nothing has sickened."""
    ages = [seen.age(pod, now) for pod in pods if not seen.is_ready(pod)]
    left = sorted((STARTING_GRACE - age for age in ages if age < STARTING_GRACE), reverse=True)
    return left[wanted - ready - 1] if ready + len(left) >= wanted else 0.0


def _troubled(
    troubles: list[Trouble],
    ready: int,
    wanted: int,
    before: str | None,
    progressing: bool,
    now: float,
    again: float | None,
) -> Verdict:
    worst = min(troubles, key=lambda trouble: not trouble.final)
    looks = [trouble.until - now for trouble in troubles if trouble.until is not None]
    looks += [again] if again is not None else []
    next_look = max(0.05, min(looks)) if looks else None
    running_again = all(trouble.until is not None for trouble in troubles)
    if worst.final and (ready == 0 or (running_again and ready <= len(troubles) and before == "Failed")):
        # A crash loop is up for a moment between two crashes: that is no recovery.
        phase = "Failed"
    elif worst.kind == "crash" or before in HAS_BEEN_READY or ready:
        phase = "Degraded"
    else:
        phase = "Pending"
    return Verdict(phase, worst.reason, worst.message, ready, progressing, again=next_look)


def _is_progressing(deployment: Mapping[str, Any] | None, wanted: int) -> bool:
    if deployment is None:
        return True
    status = deployment.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(deployment["metadata"].get("generation") or 0):
        return True
    updated, total = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    return updated < wanted or total > updated


def _illness(observed: Observed, before: str | None, now: float) -> tuple[bool, float | None]:
    """Whether its health demands safemode now, and else in how many seconds that is to be asked again."""
    health = observed.agent["spec"].get("health") or {}
    if observed.workload is not None:
        return False, None  # its pods are not kgents' to hold back
    if health.get("type") != "HTTP" or health.get("onFailure") != "Safemode":
        return False, None
    spec = observed.agent["spec"]
    # Once it has been ready, unready means that the probe has failed often enough already.
    patience = 0.0 if before == "Running" else health_period(spec) * health_threshold(spec) + STARTING_GRACE
    since = [moment for moment in map(seen.ill_since, observed.pods) if moment is not None]
    if not since:
        return False, None
    left = min(since) + patience - now
    return left <= 0, max(0.05, left)
