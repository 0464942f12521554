"""What becomes of a proposal that was tried: merged by itself, reviewed, or blocked. Pure; every reason is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgents.api.governance import changes, envelope, risk
from kgents.api.governance.changes import ABSENT, Change
from kgents.api.governance.ledger import Ledger
from kgents.api.governance.risk import Risk
from kgents.api.governance.table import HIGH, MEDIUM, Table
from kgents.api.kinds import AGENT, GROUP, HIVE_NAMESPACE
from operators.proposal.owners import owner_of
from operators.proposal.targets import Target, Trial

Object = dict[str, Any]
DIFF_MAX = 200_000
ENVELOPE, SCORE, GUARD, OWNER = "envelope", "risk", "review", "owner"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a further reviewer says. It may ask for a person (`escalate`); nobody lowers a risk."""

    source: str
    message: str
    escalate: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """`phase` is Approved, Reviewing or Blocked; `evidence` are (source, message) pairs; `scored`: not by envelope."""

    phase: str
    risk: Risk
    changes: list[Change]
    digest: str
    evidence: list[tuple[str, str]]
    reason: str
    scored: bool
    foreign: str = ""

    @property
    def diff(self) -> str:
        """A line for each change, secrets hidden."""
        text = "\n".join(changes.render(self.changes))
        return text if len(text) <= DIFF_MAX else f"{text[:DIFF_MAX]}\n… {len(text) - DIFF_MAX} characters more"


def assess(
    proposal: Mapping[str, Any],
    target: Target,
    trial: Trial,
    *,
    autonomy: Mapping[str, Any] | None,
    ledger: Ledger,
    table: Table,
    opinions: Sequence[Opinion],
    now: float,
) -> Assessment:
    """`autonomy` is that of the proposer's own umwelt, if the proposer is an agent that asks for itself."""
    found = changes.between(trial.before, trial.after)
    proposer, uid = str(proposal["spec"]["proposer"]), str(proposal["metadata"]["uid"])
    scored = risk.score(
        target.subject,
        found,
        others_last_hour=ledger.scored_last_hour(proposer, uid, now),
        merged_last_day=ledger.merged_last_day(target.key, uid, now),
        table=table,
    )
    evidence = [(SCORE, term.reason) for term in scored.terms]
    evidence += [(opinion.source, opinion.message) for opinion in opinions]
    inside, word = _envelope(proposal, target, found, autonomy, ledger, now)
    evidence += [(ENVELOPE, line) for line in word]
    foreign = "" if trial.before is ABSENT else owner_of(trial.before)
    phase, reason = _decide(proposal, target, scored, inside=inside, foreign=foreign, opinions=opinions)
    evidence.append((OWNER if foreign else GUARD, reason))
    return Assessment(phase, scored, found, changes.digest(found), evidence, reason, not inside, foreign)


def _decide(
    proposal: Mapping[str, Any],
    target: Target,
    scored: Risk,
    *,
    inside: bool,
    foreign: str,
    opinions: Sequence[Opinion],
) -> tuple[str, str]:
    if foreign:
        return "Blocked", f"{foreign} owns this {target.kind.kind} and would undo the change: carry the patch there"
    if scored.total >= HIGH and not inside:
        return "Blocked", f"risk {scored.total:g} is {HIGH:g} or more: somebody must lift this with a written reason"
    doubtful = next((opinion for opinion in opinions if opinion.escalate), None)
    if doubtful is not None:
        return "Reviewing", f"{doubtful.source} asks for a person: {doubtful.message}"[:1024]
    if inside:
        return "Approved", "within the envelope of its proposer: merged by itself"
    if scored.total >= MEDIUM:
        return "Reviewing", f"risk {scored.total:g} is {MEDIUM:g} or more: somebody must look at it"
    if not _is_at_home(proposal, target):
        return "Reviewing", "only an agent of the proposer's own namespace is changed without a look"
    return "Approved", f"risk {scored.total:g} is below {MEDIUM:g}: merged by itself"


def agent_of(proposer: str) -> tuple[str, str] | None:
    """(namespace, name) of the agent that a ServiceAccount's user name stands for; None for people and the hive."""
    parts = proposer.split(":")
    if len(parts) != 4 or parts[:2] != ["system", "serviceaccount"] or parts[2] in (HIVE_NAMESPACE, "kube-system"):
        return None
    return parts[2], parts[3]


def is_for_itself(proposal: Mapping[str, Any], target: Target) -> bool:
    """Whether an agent asks for a change of itself."""
    return _is_agent(target) and agent_of(str(proposal["spec"]["proposer"])) == (target.namespace, target.name)


def _envelope(
    proposal: Mapping[str, Any],
    target: Target,
    found: list[Change],
    autonomy: Mapping[str, Any] | None,
    ledger: Ledger,
    now: float,
) -> tuple[bool, list[str]]:
    if not is_for_itself(proposal, target):
        return False, []
    refusals = envelope.outside(autonomy, found)
    if refusals:
        return False, refusals
    proposer, uid = str(proposal["spec"]["proposer"]), str(proposal["metadata"]["uid"])
    if ledger.envelope_is_used_up(proposer, uid, now):
        return False, [f"within the envelope, but {envelope.MERGES_PER_HOUR} such changes have merged in the last hour"]
    return True, ["every change is within the envelope"]


def _is_at_home(proposal: Mapping[str, Any], target: Target) -> bool:
    own = str(proposal["metadata"]["namespace"])
    agent = agent_of(str(proposal["spec"]["proposer"]))
    return (
        (_is_agent(target) or bool(target.adopter)) and target.namespace == own and (agent is None or agent[0] == own)
    )


def _is_agent(target: Target) -> bool:
    return target.group == GROUP and target.kind.kind == AGENT.kind
