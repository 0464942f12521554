"""A small hive in which something of everything happens, as the objects that its API server would hold at NOW."""

from __future__ import annotations

import math
from typing import Any

from kgents.api import times
from kgents.api.kinds import AGENT, API_VERSION, MEMORY, PHEROMONE, PROPOSAL, UMWELT, Kind

Object = dict[str, Any]
Objects = dict[tuple[str, str, str], Object]
"""By plural, namespace and name."""
NOW_TEXT = "2026-01-02T12:34:56Z"
NOW = times.parse(NOW_TEXT) or 0.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NAMESPACE = "default"

# name, genus, activity, phase, mind, restarts, days of age, what it reacts to
AGENTS: tuple[tuple[str, str, float | None, str, str, int, float, tuple[str, ...]], ...] = (
    ("b-gent", "B", 0.84, "Running", "Healthy", 1, 12.3, ("SCARCITY", "WARNING")),
    ("l-gent", "L", 0.61, "Running", "Healthy", 0, 12.3, ("INTENT",)),
    ("queue-worker", "Q", 0.47, "Running", "Healthy", 0, 3.1, ("WARNING",)),
    ("indexer", "I", 0.22, "Running", "Healthy", 2, 3.1, ("CAPABILITY",)),
    ("m-gent", "M", 0.18, "Degraded", "Degraded", 0, 9.8, ()),
    ("n-gent", "N", 0.09, "Running", "Healthy", 0, 9.8, ("DREAM", "NARRATIVE")),
    ("psi-gent", "PSI", 0.04, "Safemode", "Unresponsive", 4, 1.4, ("METAPHOR",)),
    ("x-gent", "X", 0.0, "Failed", "Unknown", 7, 0.2, ()),
    ("dreamer", "D", None, "Suspended", "Unknown", 0, 30.6, ("DREAM",)),
)
# name, type, source, target, intensity now, seconds of age, half-life, payload
SIGNALS: tuple[tuple[str, str, str, str, float, float, float, str], ...] = (
    ("warning-b1", "WARNING", "b-gent", "", 0.95, 12, 300, "14 errors in 60 s in orders.log"),
    ("dream-d1", "DREAM", "dreamer", "", 0.62, 300, 7200, "what if the queue drained at night?"),
    ("scarcity-l1", "SCARCITY", "l-gent", "b-gent", 0.55, 240, 900, "memory 91 % of 512 Mi"),
    ("intent-i1", "INTENT", "indexer", "", 0.35, 1500, 1800, "rebuild the index of March"),
    ("capability-l1", "CAPABILITY", "l-gent", "", 0.28, 2400, 1800, "query: budget allocation"),
    ("warning-q1", "WARNING", "queue-worker", "b-gent", 0.24, 400, 300, "slower than 5 items a second"),
    ("state-m1", "STATE", "m-gent", "", 0.22, 900, 1800, "forgot 3 of 4 shards"),
    ("memory-m1", "MEMORY", "m-gent", "n-gent", 0.19, 2000, 1800, "orders.2025 is kept"),
    ("narrative-n1", "NARRATIVE", "n-gent", "", 0.16, 3000, 1800, "and so the night shift began"),
    ("metaphor-p1", "METAPHOR", "psi-gent", "", 0.12, 3300, 1800, "a queue is a river"),
    ("opportunity-b1", "OPPORTUNITY", "b-gent", "", 0.11, 2600, 1800, "two idle cores until 13:00"),
    ("test-i1", "TEST", "indexer", "", 0.08, 5000, 1800, "probe 4 of 9"),
    ("chaos-x1", "CHAOS", "x-gent", "", 0.05, 6000, 1800, "exit 1"),
    ("review-t1", "REVIEW_REQUEST", "t-gent", "", 0.04, 7200, 3600, "l-gent-image-p91f waits for a review"),
)
# name, target, phase, risk terms, proposer, reason, seconds of age, diff
PROPOSALS: tuple[tuple[str, str, str, tuple[float, str], str, str, float, str], ...] = (
    ("b-gent-scale-x7k2", "Agent/b-gent", "Pending", (0.10, "replicas change by 1: 0.10"),
     "b-gent", "High load for 6 min", 12, "~ spec.replicas: 2 → 3"),
    ("l-gent-image-p91f", "Agent/l-gent", "Reviewing", (0.50, "another image: 0.50"),
     "l-gent", "New index format", 185, "~ spec.image: hive/l-gent:1.4 → hive/l-gent:1.5"),
    ("m-gent-forget-0c3d", "Memory/m-gent", "Blocked", (0.80, "a deletion: 0.80"),
     "m-gent", "Start afresh", 483, "- Memory/m-gent: deleted"),
    ("indexer-config-77ab", "Agent/indexer", "Merged", (0.28, "config: 0.28"),
     "you", "Throughput", 1261, "~ spec.config.batch: 32 → 64"),
)  # fmt: skip
# seconds ago, kind, who, and the rest of a line of the journal (or a log line)
STORY: tuple[tuple[float, str, str, dict[str, Any]], ...] = (
    (15, "logs", "queue-worker", {"line": "took job 1182 (47 items left)"}),
    (12, "signal", "warning-b1", {"what": "emitted", "type": "WARNING", "source": "b-gent", "intensity": 0.97,
                                  "payload": "14 errors in 60 s in orders.log"}),
    (9, "logs", "l-gent", {"line": "query “budget allocation” → b-gent (0.91)"}),
    (7, "proposal", "l-gent-image-p91f", {"what": "phase", "to": "Reviewing", "reason": "New index format"}),
    (4, "logs", "b-gent", {"line": "Processing invoice batch (47 items)"}),
    (3, "agent", "x-gent", {"what": "phase", "to": "Failed", "reason": "exited with 1, restart in 40 s"}),
    (1, "proposal", "indexer-config-77ab", {"what": "phase", "to": "Merged", "reason": "risk 0.28, below 0.30"}),
    (0, "signal", "dream-d1", {"what": "emitted", "type": "DREAM", "source": "dreamer", "intensity": 0.62,
                               "payload": "what if the queue drained at night?"}),
)  # fmt: skip
_TROUBLE = {
    "Degraded": ("PodsNotReady", "1 of 2 pods is ready"),
    "Safemode": ("CognitiveProbeFailed", "its mind has not answered for 3 probes"),
    "Failed": ("CrashLoop", "exited with 1, restart in 40 s (7 times)"),
    "Suspended": ("Suspended", "it is suspended"),
}


def objects() -> Objects:
    """All of them, each anew."""
    made = (
        [_agent(*one) for one in AGENTS] + [_signal(*one) for one in SIGNALS] + [_proposal(*one) for one in PROPOSALS]
    )
    made += [_memory("b-gent", 151_000_000, "256Mi"), _memory("m-gent", 530_000_000, "512Mi"), _umwelt("b-gent")]
    return by_key(made)


def by_key(made: list[Object]) -> Objects:
    plurals = {kind.kind: kind.plural for kind in (AGENT, PHEROMONE, PROPOSAL, MEMORY, UMWELT)}
    return {(plurals[one["kind"]], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in made}


def many(count: int) -> Objects:
    """So many agents, and a tenth of them that said something."""
    phases = ("Running", "Running", "Running", "Running", "Degraded", "Running", "Suspended", "Running", "Failed")
    made = []
    for nth in range(count):
        namespace = f"team-{nth % 7}"
        one = _agent(f"agent-{nth:05d}", "A", None, phases[nth % len(phases)], "Healthy", nth % 3, 1 + nth % 40, ())
        one["metadata"]["namespace"] = namespace
        made.append(one)
        if nth % 10 == 0:
            signal = _signal(
                f"signal-{nth:05d}", SIGNALS[nth // 10 % len(SIGNALS)][1], f"agent-{nth:05d}", "",
                0.1 + nth % 80 / 100, 60, 7200, "",
            )  # fmt: skip
            signal["metadata"]["namespace"] = namespace
            made.append(signal)
    return by_key(made)


def activity(name: str, nth: int = 0) -> float | None:
    """The measured activity of an agent now, 0 to 1."""
    named = {one[0]: one[2] for one in AGENTS}
    return named[name] if name in named else round(0.5 + 0.5 * math.sin(nth * 0.7), 3)


def history(now: float | None, seed: int) -> list[float | None]:
    """Its activity over the last minute, every five seconds, ending at `now`."""
    if now is None:
        return [None] * 12
    waves = [now * (0.75 + 0.35 * math.sin(seed * 1.7 + step * 1.3)) for step in range(11)]
    return [round(min(max(value, 0.0), 1.0), 3) for value in waves] + [now]


def _object(kind: Kind, name: str, age: float, spec: Object, status: Object) -> Object:
    uid = f"{kind.kind.lower()}-{name}"
    metadata = {"name": name, "namespace": NAMESPACE, "uid": uid, "creationTimestamp": times.to_text(NOW - age)}
    return {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": metadata, "spec": spec, "status": status}


def _agent(
    name: str,
    genus: str,
    activity: float | None,
    phase: str,
    mind: str,
    restarts: int,
    days: float,
    reacts: tuple[str, ...],
) -> Object:
    replicas = 2 if name in ("b-gent", "m-gent") else 1
    spec: Object = {
        "genus": genus,
        "image": f"hive/{name}:1.4",
        "command": ["python3", f"/app/{name}.py"],
        "replicas": replicas,
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "health": {"type": "Cognitive", "period": "10s"},
    }
    if reacts:
        spec["reactions"] = [{"type": type, "minIntensity": 0.5, "then": {"file": type}} for type in reacts]
    if name == "b-gent":
        spec |= {
            "model": {"provider": "local", "name": "small-7b"},
            "ports": [{"name": "http", "containerPort": 8080}],
            "config": {"batch": "64", "region": "north"},
            "symbionts": {"memory": {"enabled": True, "type": "KeyValue", "size": "256Mi"}},
            "signals": [{"match": "^ERROR", "type": "WARNING", "payload": "{count} errors"}],
        }
    if phase == "Suspended":
        spec["suspend"] = True
    ready = {"Degraded": replicas - 1, "Failed": 0, "Suspended": 0}.get(phase, replicas)
    reason, message = _TROUBLE.get(phase, ("PodsReady", f"{ready} of {replicas} pods are ready"))
    well = "True" if phase == "Running" else "False"
    conditions = [
        _condition("Ready", well, reason, message, 2 * HOUR if phase == "Running" else 260.0),
        _condition("Available", "True" if ready else "False", "PodsAvailable", f"{ready} of {replicas} pods", 3 * DAY),
        _condition("NameConflict", "False", "NameIsFree", "nothing else bears its name", days * DAY),
    ]
    status: Object = {
        "phase": phase,
        "replicas": replicas,
        "readyReplicas": ready,
        "restarts": restarts,
        "cognitiveHealth": mind,
        "lastProbeTime": times.to_text(NOW - 4),
        "conditions": conditions,
        "reactions": [
            {"type": type, "minIntensity": 0.5, "active": type == "SCARCITY", "since": times.to_text(NOW - 240)}
            for type in reacts
        ],
    }
    if name == "b-gent":
        status |= {"refusedWrites": 3, "suppressedSignals": 41}
    return _object(AGENT, name, days * DAY, spec, status)


def _condition(type: str, state: str, reason: str, message: str, age: float) -> Object:
    return {
        "type": type,
        "status": state,
        "reason": reason,
        "message": message,
        "lastTransitionTime": times.to_text(NOW - age),
    }


def _signal(
    name: str, type: str, source: str, target: str, now: float, age: float, half_life: float, payload: str
) -> Object:
    spec: Object = {
        "type": type,
        "source": source,
        "initialIntensity": min(1.0, now * 2 ** (age / half_life)),
        "halfLife": f"{half_life:.0f}s",
        "emittedAt": times.to_text(NOW - age),
        "payload": payload,
    }
    if target:
        spec["target"] = target
    if name == "warning-b1":
        line = "ERROR could not reach ledger-3: timed out after 5 s"
        spec["causedBy"] = [
            {"object": {"kind": "Pod", "name": "b-gent-0"}, "snapshot": {"line": line}},
            {
                "object": {"kind": "Pheromone", "name": "scarcity-l1"},
                "uid": "pheromone-scarcity-l1",
                "snapshot": {"type": "SCARCITY", "intensity": 0.8},
            },
        ]
    status: Object = {}
    if name == "intent-i1":
        spec["claimable"] = True
        status = {"claimedBy": "l-gent", "claimedUntil": times.to_text(NOW + 90)}
    return _object(PHEROMONE, name, age, spec, status)


def _proposal(
    name: str,
    target: str,
    phase: str,
    risk: tuple[float, str],
    proposer: str,
    reason: str,
    age: float,
    diff: str,
) -> Object:
    kind, _, of = target.partition("/")
    total, why = risk
    level = "High" if total >= 0.7 else "Medium" if total >= 0.3 else "Low"
    spec: Object = {
        "target": {"apiVersion": API_VERSION, "kind": kind, "name": of},
        "reason": reason,
        "proposer": proposer,
        "ttl": "24h",
    }
    if phase == "Blocked":
        spec["delete"] = True
    else:
        path, _, change = diff.removeprefix("~ spec.").partition(": ")
        spec["patch"] = {"type": "Merge", "content": {"spec": {path: change.rpartition(" → ")[2]}}}
    if name == "b-gent-scale-x7k2":
        spec["causedBy"] = [
            {
                "object": {"kind": "Pheromone", "name": "scarcity-l1"},
                "uid": "pheromone-scarcity-l1",
                "snapshot": {"type": "SCARCITY", "intensity": 0.55},
            }
        ]
    status: Object = {
        "phase": phase,
        "risk": {"base": total, "velocity": 0.0, "cumulative": 0.0, "total": total, "level": level, "reasons": [why]},
        "diff": diff,
        "diffDigest": f"sha256:{name}",
        "evidence": [{"source": "risk", "message": why, "time": times.to_text(NOW - age)}],
        "conditions": [_condition("Scored", "True", "Scored", f"risk {total:.2f}", age)],
    }
    if phase == "Merged":
        status |= {"mergedAt": times.to_text(NOW - age + 30), "decidedBy": "policy"}
    return _object(PROPOSAL, name, age, spec, status)


def _memory(owner: str, used: int, size: str) -> Object:
    spec = {"owner": owner, "type": "KeyValue", "size": size, "retentionPolicy": "Retain"}
    status = {
        "phase": "Bound",
        "claimName": f"{owner}-memory",
        "usedBytes": used,
        "entries": 1287,
        "lastAccess": times.to_text(NOW - 30),
        "conditions": [_condition("Ready", "True", "Bound", f"{owner}-memory holds it", 9 * DAY)],
    }
    return _object(MEMORY, owner, 9 * DAY, spec, status)


def _umwelt(agent: str) -> Object:
    spec = {
        "agent": agent,
        "affordances": ["world.cluster.agents.*.manifest", "void.pheromone.**"],
        "autonomy": {
            "replicas": {"min": 1, "max": 3},
            "resources": {"max": {"cpu": "500m", "memory": "512Mi"}},
            "images": ["hive/*"],
            "configKeys": ["batch"],
        },
        "constraints": {"tokenBudget": 200_000, "ratePerMinute": 30, "maxConcurrency": 2},
        "persona": {"warmth": 0.4, "directness": 0.8},
        "senses": {"sense": ["WARNING", "SCARCITY"], "emit": ["WARNING"]},
    }
    return _object(UMWELT, agent, 9 * DAY, spec, {"role": agent, "activePods": 2})
