"""The status that an agent should have: phase, counts and conditions. Pure; what did not change stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgents.api import conditions
from kgents.api.kinds import AGENT_LABEL
from operators.agent import pods as seen
from operators.agent.children import is_suspended
from operators.agent.phase import Blocker, Observed, Verdict
from operators.agent.sidecar import memory_spec

Object = dict[str, Any]


def make(
    observed: Observed,
    verdict: Verdict,
    *,
    now: float,
    suppressed: int = 0,
    refused: int = 0,
    reactions: Sequence[Mapping[str, Any]] = (),
    bad_signals: Sequence[str] = (),
    remembers: bool = True,
) -> Object:
    """The whole status of the Agent. `remembers`: memory sidecars can be run here."""
    agent = observed.agent
    before: Mapping[str, Any] = agent.get("status") or {}
    generation = int(agent["metadata"].get("generation") or 0)
    made: Object = {
        "observedGeneration": generation,
        "phase": verdict.phase,
        "replicas": len(observed.pods),
        "readyReplicas": verdict.ready,
        "restarts": sum(seen.restarts(pod) for pod in observed.pods),
        "cognitiveHealth": before.get("cognitiveHealth", "Unknown"),
        "selector": f"{AGENT_LABEL}={agent['metadata']['name']}",
    }
    if suppressed or before.get("suppressedSignals"):
        made["suppressedSignals"] = suppressed
    if refused or before.get("refusedWrites"):
        made["refusedWrites"] = refused or before["refusedWrites"]
    if reactions:
        made["reactions"] = [dict(reaction) for reaction in reactions]
    listed: list[Any] = [
        condition
        for condition in before.get("conditions") or ()
        if condition.get("type") in ("Ready", "Progressing", "Safemode", "NameConflict", "NotActedOn", "SignalsValid")
    ]
    wanted = _conditions(observed, verdict, bad_signals, remembers)
    listed = [condition for condition in listed if condition["type"] in {type for type, *_ in wanted}]
    for type, holds, reason, message in wanted:
        new = conditions.make(type, holds, reason, message, now=now, generation=generation)
        listed = list(conditions.set_condition(listed, new))
    made["conditions"] = listed
    return made


def is_held(agent: Mapping[str, Any]) -> bool:
    """Whether safemode holds it: its health failed, and its spec is still the one that it failed with."""
    safemode = conditions.find(agent, "Safemode")
    if safemode is None or safemode.get("status") != "True" or is_suspended(agent["spec"]):
        return False
    return bool(safemode.get("observedGeneration") == agent["metadata"].get("generation"))


def not_acted_on(spec: Mapping[str, Any], *, remembers: bool = True) -> list[str]:
    """The fields that are set, accepted and without effect so far."""
    symbionts, health, umwelt = spec.get("symbionts") or {}, spec.get("health") or {}, spec.get("umwelt") or {}
    reconciliation = spec.get("reconciliation") or {}
    fields = [field for field in ("workloadRef", "model", "tools") if spec.get(field)]
    if memory_spec(spec) and not remembers:
        fields.append("symbionts.memory (the operators know no image of the sidecar: give them --memory-image)")
    if (symbionts.get("persona") or {}).get("enabled"):
        fields.append("symbionts.persona")
    if health.get("type") == "Cognitive":
        fields.append("health.type Cognitive")
    fields += [f"umwelt.{field}" for field in ("autonomy", "constraints", "persona") if umwelt.get(field)]
    fields += [f"reconciliation.{field}" for field, value in sorted(reconciliation.items()) if value is False]
    return fields


def _conditions(
    observed: Observed, verdict: Verdict, bad_signals: Sequence[str], remembers: bool
) -> list[tuple[str, bool, str, str]]:
    ready = verdict.phase == "Running"
    made = [
        ("Ready", ready, verdict.reason, verdict.message),
        ("Progressing", verdict.progressing, "RollingOut" if verdict.progressing else "Settled", ""),
    ]
    if verdict.phase == "Safemode":
        made.append(("Safemode", True, verdict.reason, verdict.message))
    made += _conflicts(observed.blockers)
    if fields := not_acted_on(observed.agent["spec"], remembers=remembers):
        made.append(("NotActedOn", True, "NotYet", f"accepted and not acted on yet: {', '.join(fields)}"))
    if observed.agent["spec"].get("signals"):
        said = "; ".join(bad_signals) or "every pattern can be read"
        made.append(("SignalsValid", not bad_signals, "BadPattern" if bad_signals else "Valid", said))
    return made


def _conflicts(blockers: Sequence[Blocker]) -> list[tuple[str, bool, str, str]]:
    taken = [blocker.message for blocker in blockers if blocker.reason == "NameConflict"]
    return [("NameConflict", True, "NameConflict", "; ".join(taken))] if taken else []
