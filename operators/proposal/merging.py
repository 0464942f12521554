"""What is done to a target: the merge, the watch over it, and the way back. Each is known to be done by its note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import conditions, times
from kgents.api.errors import KgentsError
from kgents.api.governance import changes
from kgents.api.governance.changes import ABSENT, Change
from kgents.api.kinds import AGENT, GROUP, PROPOSAL
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict, Forbidden, ObjectNotFound
from operators.proposal import health, settings
from operators.proposal.books import Books
from operators.proposal.journal import Journal
from operators.proposal.owners import owner_of
from operators.proposal.shelf import DONE, made_at, phase_of
from operators.proposal.targets import Target, Targets, Trial, is_final, is_moved, note_of, note_on
from operators.world import Clock

Object = dict[str, Any]
FROZEN_RETRY = 2.0
BAKE_LOOK = 1.0
_FREEZE = "kgents-freeze-"
_SERVER_SIDE = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "deletionTimestamp")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`again`: seconds until the next look. `assess_again`: the target has moved, so it is all to be judged anew."""

    again: float | None = None
    assess_again: bool = False


class Merging:
    """Called with the target's turn taken: nobody else of ours changes it meanwhile."""

    def __init__(self, api: KubeClient, targets: Targets, books: Books, journal: Journal, clock: Clock) -> None:
        self._api, self._targets, self._books, self._journal, self._clock = api, targets, books, journal, clock
        self._poorly: dict[str, float] = {}

    async def merge(self, proposal: Object, target: Target) -> Outcome:
        """Announce it, do it, write down that it is done."""
        if (proposal["status"] or {}).get("mergingAt") and await self._is_done(proposal, target):
            return await self._merged(proposal, target)
        try:
            trial = await self._targets.try_it(target, proposal)
        except KgentsError as error:
            return await self._refused(proposal, error)
        found = changes.between(trial.before, trial.after)
        if changes.digest(found) != proposal["status"].get("diffDigest"):
            return Outcome(assess_again=True)
        if trial.before is not ABSENT and (owner := owner_of(trial.before)):
            message = f"{owner} owns the target and would undo the change: carry the patch there"
            await self._journal.move(proposal, "Failed", "OwnedByAnother", message)
            return Outcome()
        proposal = await self._announce(proposal, trial, found)
        try:
            await self._targets.do_it(target, proposal, trial)
        except KgentsError as error:
            return await self._refused(proposal, error)
        return await self._merged(proposal, target)

    async def _announce(self, proposal: Object, trial: Trial, found: list[Change]) -> Object:
        kept: Object = {"changes": changes.to_json(found)}
        if trial.after is ABSENT:
            kept = {"changes": [], "object": trial.before}
        if proposal["status"].get("mergingAt") and proposal["status"].get("before") == kept:
            return proposal
        now = times.to_text(self._clock())
        return await self._journal.note(
            proposal, "Merging", True, "Begun", "the change is being made", mergingAt=now, before=kept
        )

    async def _is_done(self, proposal: Object, target: Target) -> bool:
        current = await self._targets.read(target)
        former = (proposal["status"].get("before") or {}).get("object")
        if former is not None:
            return current is ABSENT or current["metadata"]["uid"] != former["metadata"]["uid"]
        return note_on(current) == note_of(proposal)

    async def _merged(self, proposal: Object, target: Target) -> Outcome:
        now, status = self._clock(), proposal["status"]
        base, uid = float((status.get("risk") or {}).get("base") or 0.0), proposal["metadata"]["uid"]
        await self._books.note(lambda ledger: ledger.note_merged(target.key, uid, base, now), now)
        bake = (await settings.load(self._api)).bake
        who = status.get("decidedBy")
        message = f"merged as {who} approved" if who else "merged by itself"
        made = self._journal.with_condition(status, proposal, "Merging", False, "Done", "the change is made")
        await self._journal.move(
            proposal,
            "Merged",
            "Done",
            message,
            evidence=[("merge", message)],
            conditions=made,
            mergedAt=times.to_text(now),
            bakeUntil=times.to_text(now + bake),
        )
        return Outcome(BAKE_LOOK)

    async def _refused(self, proposal: Object, error: KgentsError) -> Outcome:
        if is_moved(error):
            raise Conflict(409, "Conflict", error.what) from error
        if not is_final(error):
            raise error
        if isinstance(error, Forbidden) and _FREEZE in error.what:
            await self._journal.note(proposal, "Merging", False, "Frozen", _after_colon(error.what))
            return Outcome(FROZEN_RETRY)
        await self._journal.move(proposal, "Failed", "Refused", str(error)[:2000])
        return Outcome()

    async def watch(self, proposal: Object, target: Target) -> Outcome:
        """After the merge: nothing, or the way back."""
        decision = proposal["spec"].get("decision") or {}
        undoing = conditions.find(proposal, "RollingBack")
        if undoing is not None and undoing.get("status") == "True":
            return await self._roll_back(proposal, target, str(undoing["message"]))
        if decision.get("rollback"):
            reason = f": {decision['reason']}" if decision.get("reason") else ""
            return await self._roll_back(proposal, target, f"taken back by {decision.get('by')}{reason}")
        if conditions.is_true(proposal, "Baked"):
            return Outcome()
        return await self._bake(proposal, target)

    async def _bake(self, proposal: Object, target: Target) -> Outcome:
        now, until = self._clock(), times.parse(proposal["status"].get("bakeUntil")) or 0.0
        changed: Any = await self._targets.read(target) if _is_agent(target) or target.adopter else ABSENT
        agent = changed
        if target.adopter and changed is not ABSENT:
            agent = await self._targets.read(Target(AGENT, target.namespace, target.adopter))
        if agent is ABSENT:
            if now < until:
                return Outcome(min(until - now, 30.0))
            await self._journal.note(proposal, "Baked", True, "NothingSeen", "the time is over; nothing went wrong")
            return Outcome()
        if note_on(changed) != note_of(proposal):
            await self._journal.note(proposal, "Baked", True, "ChangedSince", "somebody has changed it since")
            return Outcome()
        workload = changed if target.adopter else None
        state, uid = health.condition_of(agent, workload), proposal["metadata"]["uid"]
        since = self._poorly.setdefault(uid, now) if state in ("poor", "sick") else self._poorly.pop(uid, now)
        ill = (
            state == "sick"
            or (state == "poor" and now - since >= health.PATIENCE)
            or (state != "well" and now >= until)
        )
        if ill:
            self._poorly.pop(uid, None)
            return await self._roll_back(proposal, target, f"the agent sickened: {health.describe(agent)}")
        if now >= until:
            await self._journal.note(proposal, "Baked", True, "Healthy", "the time is over, and the agent is well")
            return Outcome()
        return Outcome(min(BAKE_LOOK, max(0.05, until - now)))

    async def _roll_back(self, proposal: Object, target: Target, why: str) -> Outcome:
        proposal = await self._journal.note(proposal, "RollingBack", True, "Begun", why)
        current = await self._targets.read(target)
        left: list[Change] = []
        try:
            if note_on(current) != f"{note_of(proposal)}/back":
                left = await self._take_back(proposal, target, current)
        except KgentsError as error:
            if is_moved(error):
                raise Conflict(409, "Conflict", error.what) from error
            if not is_final(error):
                raise
            reason = "Frozen" if _FREEZE in error.what else "Refused"
            await self._journal.note(proposal, "RollbackRefused", True, reason, _after_colon(str(error)))
            return Outcome(FROZEN_RETRY if reason == "Frozen" else 30.0)
        evidence = [("rollback", why)]
        evidence += [("rollback", f"left as it is, for it was changed since: {line}") for line in changes.render(left)]
        made = self._journal.with_condition(proposal["status"], proposal, "RollingBack", False, "Done", why)
        await self._journal.move(proposal, "RolledBack", "TakenBack", why, evidence=evidence, conditions=made)
        return Outcome()

    async def _take_back(self, proposal: Object, target: Target, current: Any) -> list[Change]:
        """Returns what had to be left as it is."""
        kept = proposal["status"].get("before") or {}
        made = changes.from_json(kept.get("changes") or ())
        if kept.get("object") is not None:
            if current is ABSENT:
                await self._targets.put_back(target, proposal, _as_new(kept["object"]))
            return []
        if current is ABSENT:
            return made
        if len(made) == 1 and not made[0].path:
            await self._targets.take_away(target, current)
            return []
        restored, left = changes.reverse(current, made)
        await self._targets.put_back(target, proposal, restored)
        return left

    async def prune(self, proposals: list[Object], limit: int) -> None:
        """Of those that have ended, and whose time of watching is over, the oldest beyond `limit` are deleted."""
        ended = sorted((one for one in proposals if self._is_over(one)), key=made_at)
        for one in ended[: max(0, len(ended) - limit)]:
            await self._books.give_up(one)
            metadata = one["metadata"]
            try:
                await self._api.delete(PROPOSAL, metadata["name"], metadata["namespace"], uid=metadata["uid"])
            except (ObjectNotFound, Conflict):
                continue

    def _is_over(self, proposal: Mapping[str, Any]) -> bool:
        phase = phase_of(dict(proposal))
        return phase in DONE and (phase != "Merged" or conditions.is_true(proposal, "Baked"))


def _is_agent(target: Target) -> bool:
    return target.group == GROUP and target.kind.kind == AGENT.kind


def _as_new(obj: Mapping[str, Any]) -> Object:
    """An object that is made anew: what the server gave the old one is left out."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_SIDE}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _after_colon(text: str) -> str:
    """What a policy says, without the names of policy and binding before it."""
    return text.partition("denied request: ")[2][:1000] or text[:1000]
