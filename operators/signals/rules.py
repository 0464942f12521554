"""Signal rules: which lines become pheromones, and what those say. Pure, and linear in the length of a line (RE2).

The least interval is measured between the times of the lines, not of their reading: after a restart the same lines
give the same pheromones, under the same names, so nothing is said twice.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgents.api import duration, pheromone, redact, times
from kgents.api.kinds import AGENT_LABEL, PHEROMONE

Object = dict[str, Any]

LINE_MAX = 8192
"""Characters of a line that are looked at."""
PAYLOAD_MAX = 4096
SNAPSHOT_MAX = 1024
PATTERN_MEMORY = 1 << 20
USUAL_INTERVAL = 10.0
SUPPRESSED_ANNOTATION = "kgents.io/suppressed"
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9]{1,2})\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One of an agent's `signals`, ready for use. Times in seconds."""

    id: str
    type: str
    pattern: Any
    payload: str | None
    half_life: str | None
    half_life_seconds: float
    min_interval: float
    allowed: bool = True
    """Whether the umwelt lets it emit that type. What it does not is counted, and not said."""


@dataclass
class Memory:
    """What is remembered of a rule: the time of the line that last became a pheromone, and the matches since."""

    at: float | None = None
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line stands."""

    agent: str
    agent_uid: str
    namespace: str
    pod: str
    pod_uid: str


@dataclass
class RuleSet:
    """The rules of one agent, and what is remembered of each."""

    rules: list[Rule]
    memory: dict[str, Memory] = field(default_factory=dict)
    suppressed: int = 0
    """All matches that became nothing, since the agent began."""

    def match(self, source: Source, at: float, line: str, now: float) -> list[tuple[Rule, Object]]:
        """The pheromones that the line, written `at`, gives at `now`. Call `said` for each that stands."""
        line = line[:LINE_MAX]
        found = []
        for rule in self.rules:
            hit = rule.pattern.search(line)
            if hit is None:
                continue
            if not rule.allowed:
                self.suppressed += 1
                continue
            remembered = self.memory.setdefault(rule.id, Memory())
            if remembered.at is not None and at < remembered.at + rule.min_interval:
                if at > remembered.at:
                    remembered.suppressed += 1
                    self.suppressed += 1
                continue
            # An old line would only be a pheromone that has evaporated already.
            if pheromone.intensity(1.0, rule.half_life_seconds, now - at) >= pheromone.EVAPORATED:
                found.append((rule, _pheromone(rule, source, at, line, hit, remembered.suppressed)))
        return found

    def said(self, rule: Rule, at: float) -> None:
        """The rule's pheromone for the line of `at` stands."""
        self.memory[rule.id] = Memory(at)


def compile_rules(spec: Mapping[str, Any]) -> list[Rule]:
    """The rules that can be read."""
    allowed = (spec.get("umwelt") or {}).get("senses", {}).get("emit")
    rules = []
    for entry in spec.get("signals") or ():
        pattern, _ = _compile(str(entry.get("match", "")))
        if pattern is None:
            continue
        identity = json.dumps([entry["match"], entry["type"]])
        rules.append(
            Rule(
                id=hashlib.sha256(identity.encode()).hexdigest()[:12],
                type=entry["type"],
                pattern=pattern,
                payload=entry.get("payload"),
                half_life=entry.get("halfLife"),
                half_life_seconds=duration.parse_or(entry.get("halfLife"), pheromone.default_half_life(entry["type"])),
                min_interval=duration.parse_or(
                    entry.get("minInterval"), 0.0 if entry.get("minInterval") else USUAL_INTERVAL
                ),
                allowed=allowed is None or entry["type"] in allowed,
            )
        )
    return rules


def problems(spec: Mapping[str, Any]) -> list[str]:
    """A sentence for each rule that says nothing, and why."""
    allowed = (spec.get("umwelt") or {}).get("senses", {}).get("emit")
    found = []
    for place, entry in enumerate(spec.get("signals") or ()):
        _, error = _compile(str(entry.get("match", "")))
        if error:
            found.append(f"signals[{place}].match: {error}")
        elif allowed is not None and entry["type"] not in allowed:
            found.append(f"signals[{place}].type: its umwelt does not let it emit {entry['type']}")
    return found


@functools.lru_cache(maxsize=256)
def _compile(match: str) -> tuple[Any, str]:
    import re2  # 1.5 MB, for agents that have rules

    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.log_errors = False
    try:
        return re2.compile(match, options), ""
    except re2.error as error:
        reason = error.args[0] if error.args else "it cannot be read"
        return None, (reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason))[:300]


def _pheromone(rule: Rule, source: Source, at: float, line: str, hit: Any, suppressed: int) -> Object:
    seed = json.dumps([source.agent_uid, rule.id, source.pod_uid, times.to_micro_text(at), line])
    digest = hashlib.sha256(seed.encode()).hexdigest()[:12]
    clean = redact.redact_text(line[:SNAPSHOT_MAX])
    spec: Object = {
        "type": rule.type,
        "source": source.agent,
        "initialIntensity": 1.0,
        "emittedAt": times.to_micro_text(at),
        "payload": redact.redact_text(_payload(rule.payload, line, hit))[:PAYLOAD_MAX],
        "causedBy": [
            {
                "object": {"apiVersion": "v1", "kind": "Pod", "namespace": source.namespace, "name": source.pod},
                "uid": source.pod_uid,
                "snapshot": {"line": clean},
            }
        ],
    }
    if rule.half_life:
        spec["halfLife"] = rule.half_life
    return {
        "apiVersion": PHEROMONE.api_version,
        "kind": PHEROMONE.kind,
        "metadata": {
            "name": f"{source.agent}-{digest}",
            "namespace": source.namespace,
            "labels": {AGENT_LABEL: source.agent},
            "annotations": {SUPPRESSED_ANNOTATION: str(suppressed)},
        },
        "spec": spec,
    }


def _payload(template: str | None, line: str, hit: Any) -> str:
    if template is None:
        return line
    named = hit.groupdict()
    numbered = [hit.group(0), *hit.groups()]

    def fill(slot: re.Match[str]) -> str:
        key = slot.group(1)
        if key.isdigit():
            return (numbered[int(key)] or "") if int(key) < len(numbered) else slot.group(0)
        return (named[key] or "") if key in named else slot.group(0)

    return _SLOT.sub(fill, template)
