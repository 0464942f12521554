"""The status that an agent should have: phase, counts and conditions. Pure; what did not change stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgents.api import conditions
from kgents.api.kinds import AGENT_LABEL
from operators.agent import adopted
from operators.agent import pods as seen
from operators.agent.adoption import Body
from operators.agent.children import is_suspended
from operators.agent.phase import Blocker, Observed, Verdict
from operators.agent.sidecar import memory_spec

Object = dict[str, Any]
_OWN_TYPES = ("Ready", "Progressing", "Safemode", "NameConflict", "NotActedOn", "SignalsValid")
_TYPES = frozenset({*_OWN_TYPES, "Adopted", "ForeignPods", "ReactionsReach"})


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
    body: Body | None = None,
) -> Object:
    """The whole status of the Agent. `remembers`: memory sidecars can be run here. `body`: what it adopts."""
    agent = observed.agent
    before: Mapping[str, Any] = agent.get("status") or {}
    generation = int(agent["metadata"].get("generation") or 0)
    name = str(agent["metadata"]["name"])
    made: Object = {
        "observedGeneration": generation,
        "phase": verdict.phase,
        "replicas": len(observed.pods),
        "readyReplicas": verdict.ready,
        "restarts": sum(seen.restarts(pod) for pod in observed.pods),
        "cognitiveHealth": before.get("cognitiveHealth", "Unknown"),
        "selector": adopted.selector_of(name, body) if body else f"{AGENT_LABEL}={name}",
    }
    if body and (workload := adopted.status_of(body)):
        made["workload"] = workload
    if suppressed or before.get("suppressedSignals"):
        made["suppressedSignals"] = suppressed
    if refused or before.get("refusedWrites"):
        made["refusedWrites"] = refused or before["refusedWrites"]
    if reactions:
        made["reactions"] = [dict(reaction) for reaction in reactions]
    listed: list[Any] = [condition for condition in before.get("conditions") or () if condition.get("type") in _TYPES]
    wanted = _conditions(observed, verdict, bad_signals, remembers)
    wanted += adopted.conditions(agent, body) if body else ()
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
    fields = [field for field in ("model", "tools") if spec.get(field)]
    if spec.get("workloadRef"):
        return fields
    if memory_spec(spec) and not remembers:
        fields.append("symbionts.memory (the operators know no image of the sidecar: give them --memory-image)")
    if (symbionts.get("persona") or {}).get("enabled"):
        fields.append("symbionts.persona")
    if health.get("type") == "Cognitive":
        fields.append("health.type Cognitive")
    fields += ["umwelt.constraints.tokenBudget"] if "tokenBudget" in (umwelt.get("constraints") or {}) else []
    fields += ["umwelt.persona"] if umwelt.get("persona") else []
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
    spec = observed.agent["spec"]
    if spec.get("workloadRef") and (useless := adopted.useless(spec)):
        why = "its workload would have to be changed, which is its owner's to do: propose the change of the workload"
        made.append(("NotActedOn", True, "WorkloadUnchanged", f"{', '.join(useless)}: {why}"))
    elif fields := not_acted_on(observed.agent["spec"], remembers=remembers):
        made.append(("NotActedOn", True, "NotYet", f"accepted and not acted on yet: {', '.join(fields)}"))
    if observed.agent["spec"].get("signals"):
        said = "; ".join(bad_signals) or "every pattern can be read"
        made.append(("SignalsValid", not bad_signals, "BadPattern" if bad_signals else "Valid", said))
    return made


def _conflicts(blockers: Sequence[Blocker]) -> list[tuple[str, bool, str, str]]:
    taken = [blocker.message for blocker in blockers if blocker.reason == "NameConflict"]
    return [("NameConflict", True, "NameConflict", "; ".join(taken))] if taken else []
