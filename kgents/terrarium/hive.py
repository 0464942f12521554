"""What Terrarium knows of a hive: rows by name, changed in place as they are heard. Pure; the time is an argument.

Nothing is computed for what is not shown: orders are made when somebody asks for them, and kept until something moved.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson

from kgents.api import pheromone, times
from kgents.api.pheromone import Decay
from kgents.api.selecting import FOLDED, folded
from kgents.glass.answer import Source
from kgents.glass.stream import Heard

Row = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

HISTORY: Final = 60
"""Values of activity that are kept of an agent: five minutes."""
SAMPLE: Final = 5.0
"""Seconds between two of them."""
SLICE: Final = 1000
"""Agents that are gone through at a time: all of ten thousand at once would be felt."""
BUSY: Final = 0.25
"""An agent is busy from this activity on; pressure is the share of the agents that are."""
THOUGHTS: Final = 5000
_UNTOLD: Final = Source("ghost", 0.0, "old")
ENDED: Final = frozenset({"Merged", "Rejected", "Expired", "Superseded", "Failed", "RolledBack"})


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as it was told, and how it fades."""

    row: Row
    decay: Decay
    evaporates: float = field(init=False)
    """When it does: reckoned once, for thousands are asked each second."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "evaporates", self.decay.evaporates)

    def at(self, now: float) -> float:
        """Its intensity; 0 once it has evaporated."""
        decay = self.decay
        return (
            pheromone.intensity(decay.initial, decay.half_life, now - decay.emitted) if now < self.evaporates else 0.0
        )


class Thought(NamedTuple):
    """One line of the thought stream. `kind` log, signal, proposal, agent, event or hive; `level` info, warning, error.

    `about`: the key of what it is about, for opening it.
    """

    at: float
    kind: str
    level: str
    who: str
    text: str
    about: Key
    type: str = ""

    def to_row(self) -> Row:
        """As selectors see it."""
        return {"name": self.who, "kind": self.kind, "level": self.level, "text": self.text, "type": self.type}


@dataclass(slots=True)
class Hive:
    """All of it. `heard_at` is when the source last said that this is so."""

    agents: dict[Key, Row] = field(default_factory=dict)
    signals: dict[Key, Signal] = field(default_factory=dict)
    proposals: dict[Key, Row] = field(default_factory=dict)
    thoughts: deque[Thought] = field(default_factory=lambda: deque(maxlen=THOUGHTS))
    thought: int = 0
    """How many thoughts there have been: the number of the newest."""
    source: Source = _UNTOLD
    heard_at: float = 0.0
    synced: bool = False
    tried: list[tuple[str, str]] = field(default_factory=list)
    frozen: dict[str, str] | None = None
    moved: set[Key] = field(default_factory=set)
    """Agents that are new, other or gone since whoever orders them has last cleared this."""
    unfollowed: int = 0
    """Agents whose logs are not in the stream, for there are too many."""
    _known: int = 0
    """Agents whose activity is known, and of them those that are busy: asked for whenever a screen is drawn."""
    _busy: int = 0
    _reacting: dict[str, dict[Key, None]] = field(default_factory=dict)
    _fresh: list[Thought] = field(default_factory=list)
    _history: dict[Key, deque[float | None]] = field(default_factory=dict)
    _pressures: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    _sampled: float = 0.0
    _unsampled: list[Key] = field(default_factory=list)
    """Whose activity is not noted yet, of those that were there at `_sampled`."""

    @property
    def live(self) -> bool:
        """Whether what is shown is what is."""
        return self.synced and self.source.layer != "ghost"

    def age(self, now: float) -> float:
        """Seconds since what is shown was known to be so."""
        return self.source.age + max(0.0, now - self.heard_at) if self.heard_at else 0.0

    def apply(self, heard: Iterable[Heard], now: float) -> set[str]:
        """Take changes in. Returns what changed: agents, signals, proposals, thoughts, source."""
        changed: set[str] = set()
        for one in heard:
            changed |= self._take(one, now)
        # Many speak at once: each in order, but not together.
        self._fresh.sort(key=lambda thought: thought.at)
        self.thoughts.extend(self._fresh)
        self.thought += len(self._fresh)
        self._fresh.clear()
        if self.synced:
            self._sample(now)
        return changed

    def history(self, key: Key) -> list[float | None]:
        """The activity of the last minutes, the newest last."""
        return list(self._history.get(key, ()))

    def pressure(self) -> float | None:
        """The share of the agents that are busy, of those whose activity is known."""
        return self._busy / self._known if self._known else None

    def pressures(self) -> list[float]:
        return list(self._pressures)

    def waiting(self) -> int:
        """Proposals that wait for a person."""
        return sum(1 for row in self.proposals.values() if row.get("phase") in ("Reviewing", "Blocked"))

    def strongest(self, now: float, limit: int | None = None) -> list[tuple[float, Signal]]:
        """(intensity now, signal), the strongest first; what has evaporated is forgotten."""
        found = [(signal.at(now), signal) for signal in self.signals.values()]
        found.sort(key=itemgetter(0), reverse=True)
        while found and found[-1][0] <= 0.0:
            del self.signals[_key(found.pop()[1].row)]
        return found if limit is None else found[:limit]

    def reactors(self) -> dict[str, list[str]]:
        """The names of those who react to a type of signal."""
        return {type: [name for _, name in keys] for type, keys in self._reacting.items() if keys}

    def recent(self, count: int) -> list[Thought]:
        """The newest thoughts, oldest first."""
        return list(islice(reversed(self.thoughts), count))[::-1]

    def _take(self, heard: Heard, now: float) -> set[str]:
        match heard.type:
            case "SYNCED":
                moved = not self.synced or heard.source.layer != self.source.layer
                self.synced, self.source, self.heard_at = True, heard.source, now
                return {"source"} if moved else set()
            case "LAYER":
                self.tried = [(str(layer), str(why)) for layer, why in orjson.loads(heard.item).get("tried", ())]
                if self.tried and self.source.layer == "cortex":  # what stands here is remembered from now on
                    self.source, self.heard_at = Source("ghost", self.age(now), "fresh"), now
                return {"source"}
            case "BRAKES":
                self.frozen = orjson.loads(heard.item)
                return {"source"}
        match heard.resource:
            case "agents":
                return self._agent(heard, now)
            case "pheromones":
                return self._signal(heard, now)
            case "proposals":
                return self._proposal(heard, now)
            case "witness":
                return self._fact(orjson.loads(heard.item))
            case "logs":
                return self._line(orjson.loads(heard.item), now)
            case "activity":
                row = orjson.loads(heard.item)
                values = [value if isinstance(value, (int, float)) else None for value in _list(row.get("values"))]
                self._history[_key(row)] = deque(values, maxlen=HISTORY)
                return {"agents"}
        return set()

    def _agent(self, heard: Heard, now: float) -> set[str]:
        row = orjson.loads(heard.item)
        key = _key(row)
        before = self.agents.get(key)
        gone = heard.type == "DELETED"
        self.moved.add(key)
        self._weigh(before, -1)
        self._weigh(None if gone else row, 1)
        self._react(key, _list((before or {}).get("reactsTo")), [] if gone else _list(row.get("reactsTo")))
        if gone:
            self.agents.pop(key, None)
            self._history.pop(key, None)
        else:
            row["_heard"] = now
            self.agents[key] = row
        return {"agents"} | self._told(heard, "agent", row, before, now)

    def _weigh(self, row: Row | None, by: int) -> None:
        activity = (row or {}).get("activity")
        if isinstance(activity, (int, float)):
            self._known += by
            self._busy += by * (activity >= BUSY)

    def _react(self, key: Key, before: list[Any], now: list[Any]) -> None:
        """Who reacts to what is noted as it changes: asking ten thousand rows each second would be felt."""
        if before == now:
            return
        for type in before:
            self._reacting.get(str(type), {}).pop(key, None)
        for type in now:
            self._reacting.setdefault(str(type), {})[key] = None

    def _signal(self, heard: Heard, now: float) -> set[str]:
        row = orjson.loads(heard.item)
        key = _key(row)
        if heard.type == "DELETED":
            self.signals.pop(key, None)
            return {"signals"}
        new = key not in self.signals
        self.signals[key] = Signal(row, _decay(row, now))
        if new and self._tells(heard):
            return {"signals"} | self._think(_of_signal(row, now))
        return {"signals"}

    def _proposal(self, heard: Heard, now: float) -> set[str]:
        row = orjson.loads(heard.item)
        key = _key(row)
        before = self.proposals.get(key)
        if heard.type == "DELETED":
            self.proposals.pop(key, None)
        else:
            row["_heard"] = now
            self.proposals[key] = row
        return {"proposals"} | self._told(heard, "proposal", row, before, now)

    def _told(self, heard: Heard, kind: str, row: Row, before: Row | None, now: float) -> set[str]:
        """A transition, where nobody else tells of it: only Cortex has a witness."""
        if not self._tells(heard):
            return set()
        if heard.type == "DELETED":
            fact = {"kind": kind, "what": "deleted", "phase": row.get("phase")}
        elif before is None or before.get("phase") == row.get("phase"):
            return set()
        else:
            fact = {"kind": kind, "what": "phase", "to": row.get("phase"), "reason": row.get("reason")}
        return self._fact({**fact, "namespace": row.get("namespace"), "name": row.get("name"), "at": now})

    def _tells(self, heard: Heard) -> bool:
        return self.synced and heard.source.layer == "kubectl"

    def _fact(self, fact: Row) -> set[str]:
        return self._think(_of_fact(fact))

    def _line(self, row: Row, now: float) -> set[str]:
        if isinstance(row.get("skipped"), int):
            self.unfollowed = row["skipped"]
            return {"thoughts"}
        text = str(row.get("line", ""))
        at = times.parse(row.get("at")) or now
        about = (str(row.get("namespace") or ""), str(row.get("agent") or ""))
        return self._think(Thought(at, "log", level_of(text), about[1], text, about))

    def _think(self, thought: Thought) -> set[str]:
        self._fresh.append(thought)
        return {"thoughts"}

    def _sample(self, now: float) -> None:
        if now - self._sampled >= SAMPLE:
            self._sampled, self._unsampled = now, list(self.agents)
            pressure = self.pressure()
            if pressure is not None:
                self._pressures.append(pressure)
        for key in self._unsampled[-SLICE:]:
            row = self.agents.get(key)
            if row is not None:
                self._history.setdefault(key, deque(maxlen=HISTORY)).append(row.get("activity"))
                if FOLDED not in row:
                    row[FOLDED] = folded(row)
        del self._unsampled[-SLICE:]


def age_of(row: Mapping[str, Any], now: float) -> float | None:
    """Seconds that something has been there: as it was told, and since."""
    told = row.get("ageSeconds")
    if not isinstance(told, (int, float)):
        return None
    return float(told) + max(0.0, now - float(row.get("_heard") or now))


def _key(row: Mapping[str, Any]) -> Key:
    return str(row.get("namespace") or ""), str(row.get("name") or "")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _decay(row: Mapping[str, Any], now: float) -> Decay:
    """From the row alone, so that a remembered one fades as a live one does."""
    initial = row.get("initialIntensity")
    half_life = row.get("halfLifeSeconds")
    emitted = times.parse(row.get("emittedAt"))
    ends = times.parse(row.get("evaporatesAt"))
    emitted = now if emitted is None else emitted
    return Decay(
        min(max(float(initial), 0.0), 1.0) if isinstance(initial, (int, float)) else 0.0,
        float(half_life) if isinstance(half_life, (int, float)) and half_life > 0 else pheromone.USUAL_HALF_LIFE,
        emitted,
        None if ends is None else max(ends - emitted, 0.0),
    )


def _of_signal(row: Row, now: float) -> Thought:
    fact = {**row, "kind": "signal", "what": "emitted", "at": now}
    return _of_fact(fact)


def _of_fact(fact: Mapping[str, Any]) -> Thought:
    """A line of the journal in words."""
    kind, name = str(fact.get("kind") or "event"), str(fact.get("name") or "")
    at = fact.get("at")
    when = float(at) if isinstance(at, (int, float)) else times.parse(at) or 0.0
    namespace = str(fact.get("namespace") or "")
    speak = _WORDS.get(kind, _event_words)
    level, who, text = speak(fact, name)
    about = (namespace, who if kind == "signal" else name)
    return Thought(when, kind, level, who, text, about, str(fact.get("type") or fact.get("to") or ""))


def _signal_words(fact: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    who = str(fact.get("source") or "somebody")
    strength = fact.get("intensity")
    told = f" {strength:.2f}" if isinstance(strength, (int, float)) and fact.get("what") == "emitted" else ""
    target = f" → {fact['target']}" if fact.get("target") else ""
    payload = f" — {fact['payload']}" if fact.get("payload") else ""
    level = "warning" if fact.get("type") in ("WARNING", "CHAOS") and fact.get("what") == "emitted" else "info"
    verb = "emitted" if fact.get("what") == "emitted" else "faded:"
    return level, who, f"{verb} {fact.get('type')}{told}{target}{payload if verb == 'emitted' else ''}"


def _agent_words(fact: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    if fact.get("what") == "deleted":
        return "info", name, "is deleted"
    phase = str(fact.get("to"))
    reason = f": {fact['reason']}" if fact.get("reason") else ""
    level = {"Failed": "error", "Safemode": "warning", "Degraded": "warning"}.get(phase, "info")
    return level, name, f"is {phase}{reason}"


def _proposal_words(fact: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    if fact.get("what") == "deleted":
        return "info", name, "is deleted"
    phase = str(fact.get("to"))
    told = {"Reviewing": "waits for a review", "Blocked": "is blocked until somebody lifts it"}.get(phase)
    reason = f": “{fact['reason']}”" if fact.get("reason") else ""
    level = {"Blocked": "error", "Failed": "error", "Reviewing": "warning", "RolledBack": "warning"}.get(phase, "info")
    return level, name, f"{told or 'is ' + phase}{reason}"


def _hive_words(fact: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    if fact.get("what") != "frozen":
        return "info", "hive", "is thawed"
    reason = f": {fact['reason']}" if fact.get("reason") else ""
    return "warning", "hive", f"is frozen by {fact.get('by') or 'somebody'}{reason}"


def _event_words(fact: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    times_seen = f" (×{fact['count']})" if fact.get("count") else ""
    level = "warning" if fact.get("what") == "Warning" else "info"
    return level, name, f"{fact.get('reason') or ''}: {fact.get('message') or ''}{times_seen}"


_WORDS = {"signal": _signal_words, "agent": _agent_words, "proposal": _proposal_words, "hive": _hive_words}
_LEVEL_WORD = re.compile("warn|error|fatal|critical|traceback|panic", re.IGNORECASE)


def level_of(line: str) -> str:
    """The level that a log line says of itself: the first such word near its beginning."""
    found = _LEVEL_WORD.search(line, 0, 80)
    if found is None:
        return "info"
    return "warning" if found[0].lower() == "warn" else "error"
