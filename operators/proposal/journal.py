"""Writes what becomes of a proposal: one status at a time, on the version that it was decided from.

A transition that somebody else made meanwhile is a Conflict: then everything is looked at again, and nothing is done
twice. What has ended is sealed into the audit chain in the same write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgents.api import conditions, times
from kgents.api.kinds import PROPOSAL
from kgents.kube.client import KubeClient
from operators.events import Recorder
from operators.proposal.books import Books
from operators.proposal.shelf import DONE, Shelf, phase_of
from operators.world import Clock

Object = dict[str, Any]
EVIDENCE_MAX = 64
_WARNINGS = frozenset({"Blocked", "Failed", "RolledBack"})


class Journal:
    """The only one who writes proposals' status."""

    def __init__(self, api: KubeClient, shelf: Shelf, books: Books, recorder: Recorder, clock: Clock) -> None:
        self._api, self._shelf, self._books, self._recorder, self._clock = api, shelf, books, recorder, clock

    async def move(
        self,
        proposal: Mapping[str, Any],
        phase: str,
        reason: str,
        message: str,
        *,
        evidence: Iterable[tuple[str, str]] = (),
        anew: bool = False,
        **status: Any,
    ) -> Object:
        """To `phase`, with `status` written over what was there; `anew`: earlier evidence is void. Raises Conflict."""
        now = self._clock()
        before = dict(proposal.get("status") or {})
        made: Object = {**before, **status, "phase": phase}
        made["observedGeneration"] = int(proposal["metadata"].get("generation") or 0)
        made = {key: value for key, value in made.items() if value is not None}
        made["conditions"] = self.with_condition(made, proposal, "Settled", phase in DONE, reason, message)
        said = [{"source": source, "message": text[:4096], "time": times.to_text(now)} for source, text in evidence]
        if said:
            earlier = () if anew else made.get("evidence") or ()
            made["evidence"] = [*earlier, *said][-EVIDENCE_MAX:]
        moved = {**proposal, "status": made}
        written = await (self._books.seal(moved, self._write) if phase in DONE else self._write(moved))
        if phase != phase_of(dict(proposal)):
            kind = "Warning" if phase in _WARNINGS else "Normal"
            await self._recorder.record(written, kind, phase, message, now)
        return written

    async def note(
        self, proposal: Mapping[str, Any], type: str, holds: bool, reason: str, message: str, **status: Any
    ) -> Object:
        """A condition, and `status`, without a transition. Writes nothing when all of it is there already."""
        before = dict(proposal.get("status") or {})
        made = {**before, **status}
        made["conditions"] = self.with_condition(made, proposal, type, holds, reason, message)
        return dict(proposal) if made == before else await self._write({**proposal, "status": made})

    def with_condition(
        self, status: Mapping[str, Any], proposal: Mapping[str, Any], type: str, holds: bool, reason: str, message: str
    ) -> list[Any]:
        generation = int(proposal["metadata"].get("generation") or 0)
        made = conditions.make(type, holds, reason, message, now=self._clock(), generation=generation)
        return list(conditions.set_condition(status.get("conditions"), made))

    async def _write(self, proposal: Object) -> Object:
        written = await self._api.replace(PROPOSAL, proposal, subresource="status")
        self._shelf.put(written)
        return written
