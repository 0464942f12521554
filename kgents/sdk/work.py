"""Claimable signals as a queue of work: who claims a piece has it alone, for a time.

A claim is written on the version of the signal that was seen, so that of several who try one has it. Its `claimedAt`
(microseconds) is what tells this claim from any other: also from a later one of the same agent's other replica.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kgents.api import times
from kgents.api.errors import KgentsError, NotFound, Refused, UsageError
from kgents.api.kinds import PHEROMONE

if TYPE_CHECKING:
    from kgents.sdk.http import Api
    from kgents.sdk.signals import Signal

LONGEST = 3600.0
TRIES = 5
Wanted = Callable[["Signal"], bool]
_FREE = {"claimedBy": None, "claimedAt": None, "claimedUntil": None}


class ClaimLost(KgentsError):
    """The claim lapsed, or the signal evaporated: another may have this work by now."""


class Work:
    """A signal that this agent has claimed: done when the block ends well, free again when it ends with an error.

    while work := me.claim("INTENT"):
        with work:
            handle(work.payload)

    It is false when there was nothing to claim. Whoever is killed meanwhile loses it when its time is over, and another
    gets it: work may be done twice by somebody who went on for longer than he has claimed it for, see `renew`.
    """

    def __init__(self, api: Api, namespace: str, signal: Signal | None) -> None:
        self._api, self._namespace = api, namespace
        self.signal = signal
        self._settled = signal is None

    def __bool__(self) -> bool:
        """Whether there was any work."""
        return self.signal is not None

    def __repr__(self) -> str:
        return f"<Work {self.signal.name}>" if self.signal else "<Work: none>"

    @property
    def payload(self) -> str:
        """What there is to do; "" when there was no work."""
        return self.signal.payload if self.signal else ""

    def __enter__(self) -> Work:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._settled:
            return
        if error is None:
            self.done()
            return
        try:
            self.release()
        except KgentsError as failure:
            # What went wrong in the block is what matters; the claim lapses by itself.
            error.add_note(f"The claim could not be given back: {failure}")

    def done(self) -> None:
        """Says that it is done. Raises ClaimLost when that was another's to say."""
        self._settled = True
        self._write({"doneAt": times.to_text(time.time())}, gone_is_fine=True)

    def release(self) -> None:
        """Gives it back: the next who claims it has it. Raises ClaimLost when another has it already."""
        self._settled = True
        self._write(_FREE, gone_is_fine=True)

    def renew(self, seconds: float) -> None:
        """Keeps it for so many seconds from now, at most an hour. Raises ClaimLost when it is too late for that."""
        self._write(claim_of(self._holder, seconds))

    @property
    def _holder(self) -> str:
        return str(self._claim.get("claimedBy") or "")

    @property
    def _claim(self) -> Mapping[str, Any]:
        return (self.signal.obj.get("status") or {}) if self.signal else {}

    def _write(self, status: Mapping[str, Any], *, gone_is_fine: bool = False) -> None:
        from kgents.kube.errors import Conflict

        if self.signal is None:
            raise UsageError("there is no work to speak of", fix="Ask first: if work: …")
        for _ in range(TRIES):
            try:
                self.signal = _written(self._api, self._namespace, self.signal, status)
            except NotFound as error:
                if gone_is_fine:
                    return  # It has evaporated: nobody else will do it.
                raise ClaimLost(f"{self.signal.name} has evaporated") from error
            except (Conflict, Refused) as error:
                found = self._found(error, gone_is_fine)
                if found is None or _says(found, status):
                    return  # The try whose answer was lost has done it.
                if not _says(found, {key: self._claim.get(key) for key in ("claimedBy", "claimedAt")}):
                    raise ClaimLost(f"{self.signal.name} is not ours any more", why="the claim lapsed") from error
                if isinstance(error, Refused):
                    raise
                self.signal = found
            else:
                return
        raise KgentsError(f"{self.signal.name} could not be written", why="somebody else changes it all the time")

    def _found(self, error: KgentsError, gone_is_fine: bool) -> Signal | None:
        assert self.signal is not None
        try:
            return _get(self._api, self._namespace, self.signal.name)
        except NotFound:
            if gone_is_fine:
                return None
            raise ClaimLost(f"{self.signal.name} has evaporated") from error


def claim_of(claimant: str, seconds: float) -> dict[str, Any]:
    """A claim from now. Raises UsageError for no time at all."""
    if not seconds > 0:
        raise UsageError("work is claimed for some seconds", why=f"got {seconds:g}")
    now = time.time()
    until = times.to_micro_text(now + min(seconds, LONGEST))
    return {"claimedBy": claimant, "claimedAt": times.to_micro_text(now), "claimedUntil": until}


def first_of(api: Api, namespace: str, free: Iterable[Signal], claimant: str, seconds: float) -> Work:
    """The first of these that is still to be had."""
    from kgents.kube.errors import Conflict

    for one in free:
        claim = claim_of(claimant, seconds)
        try:
            return Work(api, namespace, _written(api, namespace, one, claim))
        except NotFound:
            continue  # It has evaporated, or is done.
        except (Conflict, Refused) as error:
            try:
                found = _get(api, namespace, one.name)
            except NotFound:
                continue
            if _says(found, claim):
                return Work(api, namespace, found)  # It was us: only the answer had been lost.
            if isinstance(error, Refused) and found.claimed_by in ("", claimant) and not found.done:
                raise
    return Work(api, namespace, None)


def _written(api: Api, namespace: str, signal: Signal, status: Mapping[str, Any]) -> Signal:
    from kgents.api.operations.requests import Patch

    version = {"resourceVersion": signal.obj["metadata"]["resourceVersion"], "uid": signal.uid}
    patch = {"metadata": version, "status": status}
    return type(signal)(api.send(Patch(PHEROMONE, signal.name, patch, namespace, subresource="status")))


def _get(api: Api, namespace: str, name: str) -> Signal:
    from kgents.api.operations.requests import Get
    from kgents.sdk.signals import Signal

    return Signal(api.send(Get(PHEROMONE, name, namespace)))


def _says(signal: Signal, status: Mapping[str, Any]) -> bool:
    there = signal.obj.get("status") or {}
    return all(there.get(key) == value for key, value in status.items())
