"""The life of a proposal, one step at a time.

    Pending ─▶ Reviewing ─▶ Approved ─▶ Merged ─▶ RolledBack
          └──▶ Blocked ──┘         (and Rejected, Expired, Superseded, Failed)

Each step looks at what is there, does one thing, and writes it down. What it does to a target is announced before
(`status.mergingAt`, the condition RollingBack) and leaves a note on the target, so that after a crash at any moment it
is known whether it has been done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

from kgents.api import conditions, times
from kgents.api.errors import KgentsError
from kgents.api.governance import changes
from kgents.api.kinds import UMWELT
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict, Forbidden, ObjectNotFound
from operators.proposal import reviews, settings
from operators.proposal.assess import Assessment, Opinion, assess, is_for_itself
from operators.proposal.books import Books
from operators.proposal.journal import Journal
from operators.proposal.merging import Merging
from operators.proposal.reviewers import Reviewer, consult
from operators.proposal.shelf import OPEN, Shelf, expires_at, made_at, phase_of
from operators.proposal.targets import Target, Targets, Trial, is_final, is_moved
from operators.world import Clock, Key

Object = dict[str, Any]
Step = Callable[[Object], Awaitable[float | None]]
LOOK_AGAIN = 30.0
"""Seconds after which one that waits is held against its target again."""
SOON = 0.05


class Machine:
    """Moves proposals along. `reconcile` is called by one worker for each proposal at a time."""

    def __init__(
        self,
        api: KubeClient,
        targets: Targets,
        shelf: Shelf,
        books: Books,
        journal: Journal,
        clock: Clock,
        reviewers: Sequence[Reviewer] = (),
    ) -> None:
        self._api, self._targets, self._shelf, self._books = api, targets, shelf, books
        self._journal, self._clock, self._reviewers = journal, clock, reviewers
        self._merging = Merging(api, targets, books, journal, clock)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def reconcile(self, key: Key) -> float | None:
        """Returns the seconds after which time alone may have changed something."""
        proposal = self._shelf.get(key)
        if proposal is None:
            return None
        steps: dict[str, Step] = {
            "Pending": self._look_at,
            "Reviewing": self._wait,
            "Blocked": self._wait,
            "Approved": self._merge,
            "Merged": self._watch,
        }
        step = steps.get(phase_of(proposal))
        if step is None:
            return await self._keep_history(proposal)
        try:
            return await step(proposal)
        except (Conflict, ObjectNotFound):
            self._shelf.drop(key)
            await asyncio.sleep(SOON)  # the watch is about to tell of it
            return SOON

    async def _look_at(self, proposal: Object) -> float | None:
        """Pending: try it, score it, decide who decides."""
        if self._clock() >= expires_at(proposal):
            await reviews.hush(self._api, proposal)
            await self._journal.move(proposal, "Expired", "TtlOver", "nobody could assess it in time")
            return None
        tried = await self._try(proposal)
        if tried is None:
            return None
        target, trial = tried
        if not changes.between(trial.before, trial.after):
            message = "nothing would change: the target is as it is asked to be"
            await reviews.hush(self._api, proposal)
            await self._journal.move(proposal, "Failed", "NothingToDo", message)
            return None
        assessed = await self._assess(proposal, target, trial)
        await self._write_assessment(proposal, target, trial, assessed)
        return SOON

    async def _try(self, proposal: Object) -> tuple[Target, Trial] | None:
        """The dry run; None when the proposal has failed by it."""
        try:
            target = await self._targets.find(proposal)
            return target, await self._targets.try_it(target, proposal)
        except KgentsError as error:
            if is_moved(error):
                raise Conflict(409, "Conflict", error.what) from error
            if not is_final(error):
                raise
            await reviews.hush(self._api, proposal)
            await self._journal.move(proposal, "Failed", _reason_of(error), _said(error))
            return None

    async def _assess(self, proposal: Object, target: Target, trial: Trial) -> Assessment:
        found = changes.between(trial.before, trial.after)
        opinions = await consult(self._reviewers, proposal, target, found)
        chosen = await settings.load(self._api)
        opinions += [Opinion("settings", problem, escalate=True) for problem in chosen.problems]
        assessed = assess(
            proposal,
            target,
            trial,
            autonomy=await self._autonomy(proposal, target),
            ledger=self._books.ledger,
            table=chosen.table,
            opinions=opinions,
            now=self._clock(),
        )
        proposer, uid, now = proposal["spec"]["proposer"], proposal["metadata"]["uid"], self._clock()
        if assessed.scored:
            await self._books.note(lambda ledger: ledger.note_scored(proposer, uid, now), now)
        else:
            await self._books.note(lambda ledger: ledger.note_envelope(proposer, uid, now), now)
        return assessed

    async def _autonomy(self, proposal: Object, target: Target) -> Mapping[str, Any] | None:
        """The envelope of an agent that asks for itself; it bears its agent's name."""
        if not is_for_itself(proposal, target):
            return None
        try:
            umwelt = await self._api.get(UMWELT, target.name, target.namespace)
        except ObjectNotFound:
            return None
        found = umwelt["spec"].get("autonomy")
        return found if isinstance(found, Mapping) and umwelt["spec"].get("agent") == target.name else None

    async def _write_assessment(self, proposal: Object, target: Target, trial: Trial, assessed: Assessment) -> None:
        lapsed = _is_approval(proposal) and (proposal.get("status") or {}).get("diffDigest") != assessed.digest
        if assessed.phase in ("Reviewing", "Blocked"):
            await reviews.call(self._api, proposal, assessed.phase, assessed.reason, self._clock())
        status: Object = {
            "risk": assessed.risk.to_json(),
            "diff": assessed.diff,
            "diffDigest": assessed.digest,
            "targetResource": target.to_json(trial.verb),
            "before": {"changes": changes.to_json(assessed.changes)},
            "mergingAt": None,
        }
        if lapsed:
            message = "the diff has changed since it was approved: look at it as it is now and decide again"
            before = proposal.get("status") or {}
            status["conditions"] = self._journal.with_condition(
                before, proposal, "ApprovalLapsed", True, "DiffChanged", message
            )
        await self._journal.move(
            proposal, assessed.phase, "Assessed", assessed.reason, evidence=assessed.evidence, anew=True, **status
        )

    async def _wait(self, proposal: Object) -> float | None:
        """Reviewing or Blocked: for a decision, an end, or a target that moves."""
        if await self._ended(proposal):
            return None
        status, decision = proposal["status"], proposal["spec"].get("decision") or {}
        # What was only Reviewing when it was approved may be Blocked by now, and that takes a reason.
        lifts = phase_of(proposal) != "Blocked" or str(decision.get("reason") or "").strip()
        if lifts and _is_approval(proposal) and decision.get("diffDigest") == status.get("diffDigest"):
            message = f"approved by {decision.get('by')}" + (
                f": {decision['reason']}" if decision.get("reason") else ""
            )
            await self._end_of_waiting(proposal, "Approved", "Decided", message, decision.get("by"))
            return SOON
        tried = await self._try(proposal)
        if tried is None:
            return None
        trial = tried[1]
        if changes.digest(changes.between(trial.before, trial.after)) != status.get("diffDigest"):
            return await self._look_at(proposal)
        return max(SOON, min(LOOK_AGAIN, expires_at(proposal) - self._clock()))

    async def _ended(self, proposal: Object) -> bool:
        decision = proposal["spec"].get("decision") or {}
        if decision.get("approved") is False:
            message = f"rejected by {decision.get('by')}" + (
                f": {decision['reason']}" if decision.get("reason") else ""
            )
            await self._end_of_waiting(proposal, "Rejected", "Decided", message, decision.get("by"))
        elif newer := self._newer(proposal):
            await self._end_of_waiting(proposal, "Superseded", "NewerProposal", f"{newer} changes the same fields")
        elif self._clock() >= expires_at(proposal):
            await self._end_of_waiting(proposal, "Expired", "TtlOver", "nobody has decided in time")
        else:
            return False
        return True

    async def _end_of_waiting(
        self, proposal: Object, phase: str, reason: str, message: str, who: str | None = None
    ) -> None:
        # Before the transition: after it nobody would come back to do it.
        await reviews.hush(self._api, proposal)
        if who is None:
            await self._journal.move(proposal, phase, reason, message)
        else:
            evidence = [("decision", message)]
            await self._journal.move(proposal, phase, reason, message, evidence=evidence, decidedBy=who)

    def _newer(self, proposal: Object) -> str:
        """A newer proposal of the same proposer on the same fields. One of somebody else's takes nothing away."""
        fields = _paths(proposal)
        for other in self._shelf.siblings(proposal):
            same = other["spec"]["proposer"] == proposal["spec"]["proposer"]
            newer = phase_of(other) in OPEN - {"Pending"} and made_at(other) > made_at(proposal)
            if same and newer and changes.overlap(fields, _paths(other)):
                return str(other["metadata"]["name"])
        return ""

    async def _merge(self, proposal: Object) -> float | None:
        """Approved: one change of a target at a time, and exactly the one that was approved."""
        try:
            target = await self._targets.find(proposal)
        except KgentsError as error:
            if not is_final(error):
                raise
            await self._journal.move(proposal, "Failed", _reason_of(error), _said(error))
            return None
        async with self._turn(target):
            if why := self._must_wait(proposal):
                await self._journal.note(proposal, "Merging", False, "Waiting", why)
                return 1.0
            outcome = await self._merging.merge(proposal, target)
        if outcome.assess_again:
            return await self._look_at(proposal)
        return outcome.again

    def _must_wait(self, proposal: Object) -> str:
        """Why: another change of the same target is under way, or is being watched. Nothing when it need not."""
        now = self._clock()
        for other in self._shelf.siblings(proposal):
            status, name = other.get("status") or {}, other["metadata"]["name"]
            under_way = phase_of(other) == "Approved" and status.get("mergingAt")
            until = times.parse(status.get("bakeUntil")) or 0.0
            if under_way and not (proposal.get("status") or {}).get("mergingAt"):
                return f"{name} changes the same target now: this one waits"
            if phase_of(other) == "Merged" and until > now and not conditions.is_true(other, "Baked"):
                return f"{name} has changed the same target and is watched until {status['bakeUntil']}: this waits"
        return ""

    async def _watch(self, proposal: Object) -> float | None:
        """Merged: watched for a while, and taken back if it sickens or somebody who may asks for it."""
        target = await self._targets.find(proposal)
        async with self._turn(target):
            outcome = await self._merging.watch(proposal, target)
        return outcome.again

    def _turn(self, target: Target) -> asyncio.Lock:
        return self._turns.setdefault(target.key, asyncio.Lock())

    async def _keep_history(self, proposal: Object) -> float | None:
        """An end: of the same proposer's with the same end, the oldest beyond the limit go.

        So nobody sweeps away what he did, or what others did, by asking for much that fails.
        """
        phase, proposer = phase_of(proposal), proposal["spec"]["proposer"]
        alike = [
            one
            for one in self._shelf.all(proposal["metadata"]["namespace"])
            if phase_of(one) == phase and one["spec"]["proposer"] == proposer
        ]
        await self._merging.prune(alike, (await settings.load(self._api)).history)
        return None


def _paths(proposal: Mapping[str, Any]) -> list[changes.Path]:
    kept = ((proposal.get("status") or {}).get("before") or {}).get("changes") or ()
    return [one.path for one in changes.from_json(kept)]


def _is_approval(proposal: Mapping[str, Any]) -> bool:
    return (proposal["spec"].get("decision") or {}).get("approved") is True


def _reason_of(error: KgentsError) -> str:
    return "Forbidden" if isinstance(error, Forbidden) else "Refused"


def _said(error: KgentsError) -> str:
    if not isinstance(error, Forbidden):
        return str(error)[:2000]
    fix = "let kgents-merger do it, by a ClusterRole labelled kgents.io/aggregate-to-merger=true"
    return f"{error.what[:1500]} ({fix})"
