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
    """The rules and what they know. `umwelt` finds an agent's; `about` the proposals of the same target."""

    limits: Limits
    sightings: Sightings
    umwelt: Callable[[Key], Mapping[str, Any] | None]
    about: Callable[[Object], Iterable[Object]]
    uid_of: Callable[[str, Key], str | None]
    """The uid of an Agent or Proposal by kind and key, as far as it is known."""
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
        return refusal or await self._causes(agent, obj)

    async def proposal(self, user: str, obj: Object) -> Refusal | None:
        """What is to be said of a new Proposal."""
        agent = agent_of(user)
        if agent is None:
            return None
        refusal = self._rate(("proposals", *agent), self._umwelt(agent), PROPOSALS_PER_MINUTE, "proposals")
        return refusal or self._size(obj) or await self._causes(agent, obj) or self._repetition(obj)

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

    def _size(self, obj: Object) -> Refusal | None:
        size = len(json.dumps(obj["spec"].get("patch") or {}).encode())
        if size <= PATCH_MAX:
            return None
        message = f"the patch has {size} bytes, and {PATCH_MAX} are possible: propose a smaller change"
        return Refusal("size", message, 413)

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
            known = self.uid_of(str(named.get("kind")), (where, str(named.get("name"))))
            return f"names {label} with another uid than it has" if known and known != uid else ""
        seen = self.sightings.get(uid) or await self.find((where, str(named.get("name"))))
        if seen is None or (seen.uid, seen.namespace, seen.name) != (uid, where, named.get("name")):
            return f"names {label}, which nobody has seen"
        if snapshot.get("type") not in (None, seen.type):
            return f"says that {label} is a {snapshot['type']}, and it is a {seen.type}"
        if float(snapshot.get("intensity") or 0.0) > seen.initial + _ROUNDING:
            return f"says that {label} had {snapshot['intensity']}, and it never had more than {seen.initial:g}"
        return ""

    def _repetition(self, obj: Object) -> Refusal | None:
        known = failed_before(obj, self.about(obj), self.clock())
        if known is None:
            return None
        conditions = (known.get("status") or {}).get("conditions") or ()
        why = next((str(one.get("message")) for one in conditions if one.get("type") == "Settled"), "")
        name, phase = known["metadata"]["name"], phase_of(known)
        message = f"the same change was {phase} within the last day ({name}: {why})"
        return Refusal("repetition", f"{message}: propose another, or ask a person")


def describe(refusal: Refusal) -> str:
    """As the one who is refused reads it."""
    return f"T-gent ({refusal.rule}): {refusal.message}"
