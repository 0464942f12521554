"""Objects as rows: what tables, `-o json` and the ghost show of each kind, whichever layer answered.

Pure, and robust: an object may be half-written, by an older kgents or by hand. What is not known is None (`Unknown`
where the API has that word), never invented and never an exception. `now` is in seconds since 1970.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from kgents.api import pheromone, redact, times
from kgents.api.wording import cause_text, change_text

Row = dict[str, Any]
Object = Mapping[str, Any]
UNKNOWN = "Unknown"
CAUSE_MAX = 200
CHANGE_MAX = 200
"""Characters of one cause, and of a change, that a row shows."""
_CONDITION = ("type", "status", "reason", "message", "lastTransitionTime", "observedGeneration")


def agent_row(agent: Object, now: float, activity: float | None = None) -> Row:
    """A row of `status`. `activity` (0-1) is measured elsewhere; None is shown as unknown."""
    spec, status = _part(agent, "spec"), _part(agent, "status")
    replicas = _wanted(agent)
    return {
        **_identity(agent),
        "genus": _text(spec, "genus"),
        "phase": agent_phase(agent),
        "replicas": 1 if replicas is None else replicas,
        "readyReplicas": _integer(status, "readyReplicas") or 0,
        "restarts": _integer(status, "restarts") or 0,
        "activity": None if activity is None or math.isnan(activity) else min(max(activity, 0.0), 1.0),
        "cognitiveHealth": _text(status, "cognitiveHealth") or UNKNOWN,
        "ageSeconds": _age(agent, now),
        "suspended": is_suspended(agent),
        "image": _text(spec, "image"),
        "reactsTo": _reacts_to(spec),
        "reason": _trouble(agent),
    }


def agent_detail(agent: Object, now: float, activity: float | None = None) -> Row:
    """All that one Agent says of itself, without what is secret: its row, spec, conditions and reactions."""
    status = _part(agent, "status")
    detail = {
        **agent_row(agent, now, activity),
        "generation": _integer(_part(agent, "metadata"), "generation"),
        "adopts": _adopts(_part(agent, "spec")),
        "labels": dict(_part(_part(agent, "metadata"), "labels")),
        "spec": dict(_part(agent, "spec")),
        "conditions": _conditions(agent),
        "reactions": status.get("reactions") or [],
        "suppressedSignals": _integer(status, "suppressedSignals") or 0,
        "refusedWrites": _integer(status, "refusedWrites") or 0,
    }
    return cast(Row, redact.redact(detail))


def agent_phase(agent: Object) -> str:
    """The phase to show. What was asked for since the operator last looked counts: deletion, suspension, resumption."""
    if _part(agent, "metadata").get("deletionTimestamp"):
        return "Terminating"
    if is_suspended(agent):
        return "Suspended"
    phase = _text(_part(agent, "status"), "phase")
    return "Pending" if phase == "Suspended" else phase or UNKNOWN


def is_suspended(agent: Object) -> bool:
    """Whether its spec says that it should not run; of one that adopts a workload, or its workload's."""
    return _part(agent, "spec").get("suspend") is True or _wanted(agent) == 0


def _wanted(agent: Object) -> int | None:
    """How many pods are asked for: by its spec, or by the owner of the workload that it adopts."""
    spec = _part(agent, "spec")
    if not _part(spec, "workloadRef"):
        return _integer(spec, "replicas")
    return _integer(_part(_part(agent, "status"), "workload"), "replicas")


def _adopts(spec: Object) -> str | None:
    ref = _part(spec, "workloadRef")
    return f"{_text(ref, 'kind') or UNKNOWN}/{_text(ref, 'name') or UNKNOWN}" if ref else None


def pheromone_row(signal: Object, now: float) -> Row:
    """A row of `observe`. `intensity` is that of `now`, 0 once it has evaporated."""
    spec, status = _part(signal, "spec"), _part(signal, "status")
    decay = pheromone.decay_of(signal)
    return {
        **_identity(signal),
        "type": _text(spec, "type") or UNKNOWN,
        "source": _text(spec, "source"),
        "target": _text(spec, "target"),
        "intensity": round(decay.at(now), 6),
        "initialIntensity": decay.initial,
        "halfLifeSeconds": decay.half_life,
        "emittedAt": times.to_text(decay.emitted),
        "evaporatesAt": times.to_text(math.ceil(decay.evaporates)),
        "payload": _text(spec, "payload"),
        "claimable": spec.get("claimable") is True,
        "claimedBy": _text(status, "claimedBy"),
        "claimedUntil": _text(status, "claimedUntil"),
        "position": _position(spec),
        "causedBy": [cause_text(cause)[:CAUSE_MAX] for cause in _parts(spec, "causedBy")],
        "ageSeconds": round(max(0.0, now - decay.emitted), 3),
    }


def proposal_row(proposal: Object, now: float) -> Row:
    """A row of `proposals`. One that nobody has looked at yet is Pending: that is what the word means."""
    spec, status = _part(proposal, "spec"), _part(proposal, "status")
    target, risk, decision = _part(spec, "target"), _part(status, "risk"), _part(spec, "decision")
    return {
        **_identity(proposal),
        "phase": _text(status, "phase") or "Pending",
        "proposer": _text(spec, "proposer"),
        "via": _text(spec, "via"),
        "target": f"{_text(target, 'kind') or UNKNOWN}/{_text(target, 'name') or UNKNOWN}",
        "targetNamespace": _text(target, "namespace") or _identity(proposal)["namespace"],
        "risk": _number(risk, "total"),
        "level": _text(risk, "level") or UNKNOWN,
        "reason": _text(spec, "reason"),
        "approved": decision.get("approved") if isinstance(decision.get("approved"), bool) else None,
        "diffDigest": _text(status, "diffDigest"),
        "change": change_text(_text(status, "diff") or "")[:CHANGE_MAX] or None,
        "ageSeconds": _age(proposal, now),
    }


def proposal_detail(proposal: Object, now: float) -> Row:
    """One Proposal whole, without what is secret: its row, what it would change, its risk, and who said what of it."""
    status = _part(proposal, "status")
    detail = {
        **proposal_row(proposal, now),
        "spec": dict(_part(proposal, "spec")),
        "diff": _text(status, "diff"),
        "riskReasons": _texts(_part(status, "risk"), "reasons") or [],
        "evidence": [dict(one) for one in _parts(status, "evidence")],
        "decidedBy": _text(status, "decidedBy"),
        "mergedAt": _text(status, "mergedAt"),
        "conditions": _conditions(proposal),
    }
    return cast(Row, redact.redact(detail))


def _conditions(obj: Object) -> list[Row]:
    found = _parts(_part(obj, "status"), "conditions")
    return [{key: one[key] for key in _CONDITION if key in one} for one in found]


def memory_row(memory: Object, now: float) -> Row:
    """A row for a Memory."""
    spec, status = _part(memory, "spec"), _part(memory, "status")
    size = spec.get("size")
    return {
        **_identity(memory),
        "owner": _text(spec, "owner"),
        "type": _text(spec, "type") or UNKNOWN,
        "size": None if size is None else str(size),
        "retentionPolicy": _text(spec, "retentionPolicy") or UNKNOWN,
        "phase": _text(status, "phase") or UNKNOWN,
        "usedBytes": _integer(status, "usedBytes"),
        "ageSeconds": _age(memory, now),
    }


def umwelt_row(umwelt: Object, now: float) -> Row:
    """A row for an Umwelt. `sense` and `emit` are None where nothing is narrowed, [] where nothing is left."""
    spec = _part(umwelt, "spec")
    constraints, senses = _part(spec, "constraints"), _part(spec, "senses")
    return {
        **_identity(umwelt),
        "agent": _text(spec, "agent"),
        "affordances": _texts(spec, "affordances") or [],
        "tokenBudget": _integer(constraints, "tokenBudget"),
        "ratePerMinute": _integer(constraints, "ratePerMinute"),
        "sense": _texts(senses, "sense"),
        "emit": _texts(senses, "emit"),
        "ageSeconds": _age(umwelt, now),
    }


def _identity(obj: Object) -> Row:
    metadata = _part(obj, "metadata")
    return {"name": _text(metadata, "name") or UNKNOWN, "namespace": _text(metadata, "namespace") or ""}


def _reacts_to(spec: Object) -> list[str]:
    """The types of signals that an agent reacts to, by name."""
    return sorted({kind for one in _parts(spec, "reactions") if (kind := _text(one, "type")) is not None})


def _position(spec: Object) -> dict[str, float] | None:
    """Where a signal lies, by coordinate; None where that is not said."""
    given = _part(spec, "position")
    found = {str(axis): value for axis in given if (value := _number(given, axis)) is not None}
    return found or None


def _trouble(agent: Object) -> str | None:
    """In a sentence, why an agent is not as it should be: the message of what is wrong, NameConflict before Ready."""
    wrong = {}
    for condition in _parts(_part(agent, "status"), "conditions"):
        kind, state, message = condition.get("type"), condition.get("status"), condition.get("message")
        rank = _TROUBLE.get((str(kind), str(state)))
        if rank is not None and isinstance(message, str) and message:
            wrong[rank] = message
    return wrong[min(wrong)] if wrong else None


_TROUBLE = {
    ("NameConflict", "True"): 0,
    ("Available", "False"): 1,
    ("Ready", "False"): 2,
    ("Ready", "Unknown"): 3,
}


def _part(obj: Object, key: str) -> Object:
    value = obj.get(key)
    return value if isinstance(value, Mapping) else {}


def _parts(obj: Object, key: str) -> list[Object]:
    value = obj.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(part: Object, key: str) -> str | None:
    value = part.get(key)
    return value if isinstance(value, str) and value else None


def _texts(part: Object, key: str) -> list[str] | None:
    value = part.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None


def _number(part: Object, key: str) -> float | None:
    value = part.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _integer(part: Object, key: str) -> int | None:
    value = _number(part, key)
    return None if value is None else int(value)


def _age(obj: Object, now: float) -> float | None:
    created = times.parse(_part(obj, "metadata").get("creationTimestamp"))
    return None if created is None else round(max(0.0, now - created), 3)
