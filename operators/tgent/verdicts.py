"""What T-gent says of an agent's write: nothing, or why not and what to do. The rules, without a server around them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from operators.proposal.assess import agent_of
from operators.proposal.shelf import Object, phase_of
from operators.tgent.limits import PROPOSALS_PER_MINUTE, SIGNALS_PER_MINUTE, Limits
from operators.tgent.memory import Sighting, Sightings, failed_before
from operators.world import Key

PATCH_MAX = 64 * 1024
"""Bytes of a proposal's patch. What is larger is no change of an agent but a way to fill the store."""
SIGNAL_MAX = 48 * 1024
"""Bytes of a signal, its labels and annotations included: its payload alone may have 16 KiB."""
SIGNALS_ALIVE = 10_000
"""Signals of one agent that have not evaporated."""
PROPOSALS_WAITING = 30
"""Proposals of one agent that have not come to an end: people look at them."""
_ROUNDING = 0.001


@dataclass(frozen=True, slots=True)
class Refusal:
    """`rule` is the one that spoke; `code` an HTTP status; `retry_after` seconds, where waiting helps."""

    rule: str
    message: str
    code: int = 403
    retry_after: float = 0.0


@dataclass(frozen=True)
class Gate:
    """The rules and what they know. `umwelt` finds an agent's; `about` the proposals of the same target.

    `alive` and `waiting` say how many signals and proposals an agent has that are not over.
    """

    limits: Limits
    sightings: Sightings
    umwelt: Callable[[Key], Mapping[str, Any] | None]
    about: Callable[[Object], Iterable[Object]]
    alive: Callable[[Key], int]
    waiting: Callable[[Key], int]
    uid_of: Callable[[str, Key], Awaitable[str | None]]
    """The uid of an Agent or Proposal by kind and key; None: there is none."""
    find: Callable[[Key], Awaitable[Sighting | None]]
    """A signal that may be too new to have been seen."""
    clock: Callable[[], float]

    async def signal(self, user: str, obj: Object) -> Refusal | None:
        """What is to be said of a new Pheromone."""
        agent = agent_of(user)
        if agent is None:
            return None
        spec = self._umwelt(agent)
        allowed = (spec.get("senses") or {}).get("emit")
        if isinstance(allowed, list) and obj["spec"].get("type") not in allowed:
            types = ", ".join(allowed) or "none"
            message = f"its umwelt lets {agent[1]} emit {types}, and not {obj['spec'].get('type')}"
            return Refusal("umwelt", message + ": emit one of these, or have the umwelt changed")
        refusal = self._rate(("signals", *agent), spec, SIGNALS_PER_MINUTE, "signals")
        refusal = (
            refusal
            or _size("signal", obj, SIGNAL_MAX)
            or _many(agent[1], self.alive(agent), "signals in the air", SIGNALS_ALIVE)
        )
        return refusal or await self._causes(agent, obj)

    async def proposal(self, user: str, obj: Object) -> Refusal | None:
        """What is to be said of a new Proposal."""
        agent = agent_of(user)
        if agent is None:
            return None
        refusal = self._rate(("proposals", *agent), self._umwelt(agent), PROPOSALS_PER_MINUTE, "proposals")
        refusal = (
            refusal
            or _size("patch", obj["spec"].get("patch") or {}, PATCH_MAX)
            or _size("proposal", obj, 2 * PATCH_MAX)
        )
        refusal = refusal or _many(agent[1], self.waiting(agent), "proposals that wait", PROPOSALS_WAITING)
        return refusal or await self._causes(agent, obj) or self._repetition(obj)

    def _umwelt(self, agent: Key) -> Mapping[str, Any]:
        found = self.umwelt(agent)
        return (found or {}).get("spec") or {}

    def _rate(self, key: tuple[str, ...], umwelt: Mapping[str, Any], usual: int, what: str) -> Refusal | None:
        own = (umwelt.get("constraints") or {}).get("ratePerMinute")
        per_minute = min(usual, own) if isinstance(own, int) else usual
        wait = self.limits.take(key, per_minute)
        if not wait:
            return None
        refused = self.limits.refused(key)
        message = f"{key[2]} writes more than {per_minute} {what} a minute ({refused} refused so far)"
        return Refusal("rate", f"{message}: wait {max(1, round(wait))} s, or say more with fewer", 429, wait)

    async def _causes(self, agent: Key, obj: Object) -> Refusal | None:
        for number, cause in enumerate(obj["spec"].get("causedBy") or ()):
            why = await self._forged(agent[0], cause)
            if why:
                fix = "name causes as they are, or leave them out"
                return Refusal("causes", f"spec.causedBy[{number}] {why}: {fix}")
        return None

    async def _forged(self, namespace: str, cause: Mapping[str, Any]) -> str:
        """Why a cause cannot be true, or nothing. A bare snapshot is its author's word, and shown as that."""
        named = cause.get("object")
        if not isinstance(named, Mapping):
            return ""
        uid, snapshot = str(cause.get("uid") or ""), cause.get("snapshot") or {}
        where = str(named.get("namespace") or namespace)
        label = f"{named.get('kind')} {where}/{named.get('name')}"
        if not uid:
            return f"names {label} without its uid"
        if named.get("kind") != "Pheromone":
            return await self._unknown(str(named.get("kind")), (where, str(named.get("name"))), uid, label)
        seen = self.sightings.get(uid) or await self.find((where, str(named.get("name"))))
        if seen is None or (seen.uid, seen.namespace, seen.name) != (uid, where, named.get("name")):
            return f"names {label}, which nobody has seen"
        if snapshot.get("type") not in (None, seen.type):
            return f"says that {label} is a {snapshot['type']}, and it is a {seen.type}"
        if float(snapshot.get("intensity") or 0.0) > seen.initial + _ROUNDING:
            return f"says that {label} had {snapshot['intensity']}, and it never had more than {seen.initial:g}"
        return ""

    async def _unknown(self, kind: str, key: Key, uid: str, label: str) -> str:
        """Of other kinds than these it is the author's word, and shown as that."""
        if kind not in ("Agent", "Proposal"):
            return ""
        known = await self.uid_of(kind, key)
        if known is None:
            return f"names {label}, which nobody has seen"
        return f"names {label} with another uid than it has" if known != uid else ""

    def _repetition(self, obj: Object) -> Refusal | None:
        known = failed_before(obj, self.about(obj), self.clock())
        if known is None:
            return None
        conditions = (known.get("status") or {}).get("conditions") or ()
        why = next((str(one.get("message")) for one in conditions if one.get("type") == "Settled"), "")
        name, phase = known["metadata"]["name"], phase_of(known)
        message = f"the same change was {phase} within the last day ({name}: {why})"
        return Refusal("repetition", f"{message}: propose another, or ask a person")


def _size(what: str, value: Any, most: int) -> Refusal | None:
    size = len(json.dumps(value).encode())
    if size <= most:
        return None
    return Refusal("size", f"the {what} has {size} bytes, and {most} are possible: make it smaller", 413)


def _many(agent: str, found: int, what: str, most: int) -> Refusal | None:
    if found < most:
        return None
    return Refusal("many", f"{agent} has {found} {what}, and {most} are possible: wait until some are over", 429, 60.0)


def describe(refusal: Refusal) -> str:
    """As the one who is refused reads it."""
    return f"T-gent ({refusal.rule}): {refusal.message}"
