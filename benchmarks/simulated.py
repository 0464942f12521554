"""A hive without a cluster: the operator's own judgement, its ledger and T-gent's limits, under a clock that is told.

What it leaves out: bakes, and people. What waits for a person, waits.
"""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kgents.api.governance.changes import ABSENT, overlap
from kgents.api.governance.ledger import Ledger
from kgents.api.governance.table import DEFAULT
from kgents.api.kinds import AGENT, MEMORY
from operators.proposal.assess import Assessment, assess
from operators.proposal.targets import Target, Trial
from operators.tgent.limits import PROPOSALS_PER_MINUTE, Limits

Object = dict[str, Any]
Edit = Callable[[Object], None]
NAMESPACE = "default"
START = 1_800_000_000.0
DAY = 86_400.0
_uids = itertools.count()


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposal that was judged: when, of whom, for what, and how."""

    time: float
    proposer: str
    target: str
    assessment: Assessment
    inside: bool

    @property
    def phase(self) -> str:
        return self.assessment.phase


@dataclass
class Hive:
    """Agents by name, and what each may change of itself (`autonomy`)."""

    agents: dict[str, Object] = field(default_factory=dict)
    autonomy: dict[str, Object] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    now: float = START
    asked: list[Asked] = field(default_factory=list)
    refused: int = 0
    waiting: list[Asked] = field(default_factory=list)
    """For a person: those that a newer one on the same fields has superseded are gone."""

    def __post_init__(self) -> None:
        self._limits = Limits(lambda: self.now)

    def add(self, name: str, autonomy: Object | None = None, **spec: Any) -> None:
        whole = {"command": ["run"], "image": "agent:1", "replicas": 1, "config": {"mode": "calm"}, **spec}
        self.agents[name] = {"metadata": {"name": name, "namespace": NAMESPACE}, "spec": whole}
        if autonomy:
            self.autonomy[name] = autonomy

    def propose(self, proposer: str, edit: Edit | None, *, target: str = "") -> Asked | None:
        """Of an agent, on itself or `target`; `edit` None: delete it. None: nothing to do, or T-gent said no."""
        if self._limits.take((proposer,), PROPOSALS_PER_MINUTE):
            self.refused += 1
            return None
        judged = self.judge(proposer, edit, target=target)
        if judged is None:
            return None
        self._note(judged)
        if judged.phase == "Approved":
            self.merge(judged, edit)
        return judged

    def judge(self, proposer: str, edit: Edit | None, *, target: str = "") -> Asked | None:
        """What would become of it, and nothing else."""
        name = target or proposer
        before = self.agents[name]
        after: Any = ABSENT
        if edit is not None:
            after = copy.deepcopy(before)
            edit(after["spec"])
            if after == before:
                return None
        return self._judge(proposer, Target(AGENT, NAMESPACE, name), Trial(before, after))

    def forget_memory(self, proposer: str) -> Asked:
        """The proposal to delete its own memory."""
        memory = {"metadata": {"name": proposer, "namespace": NAMESPACE}, "spec": {"owner": proposer}}
        judged = self._judge(proposer, Target(MEMORY, NAMESPACE, proposer), Trial(memory, ABSENT))
        self._note(judged)
        return judged

    def _judge(self, proposer: str, target: Target, trial: Trial) -> Asked:
        user = f"system:serviceaccount:{NAMESPACE}:{proposer}"
        proposal = {"metadata": {"uid": str(next(_uids)), "namespace": NAMESPACE}, "spec": {"proposer": user}}
        assessment = assess(
            proposal,
            target,
            trial,
            autonomy=self.autonomy.get(proposer) if target.name == proposer else None,
            ledger=self.ledger,
            table=DEFAULT,
            opinions=(),
            now=self.now,
        )
        return Asked(self.now, proposer, target.key, assessment, not assessment.scored)

    def _note(self, judged: Asked) -> None:
        user, uid = f"system:serviceaccount:{NAMESPACE}:{judged.proposer}", str(next(_uids))
        note = self.ledger.note_envelope if judged.inside else self.ledger.note_scored
        note(user, uid, self.now)
        if judged.phase != "Approved":
            self.waiting = [one for one in self.waiting if not _supersedes(judged, one)] + [judged]
        self.asked.append(judged)

    def merge(self, judged: Asked, edit: Edit | None) -> None:
        """It is done: by itself, or because somebody has approved it."""
        name = judged.target.rpartition("/")[2]
        if edit is not None:
            edit(self.agents[name]["spec"])
        self.ledger.note_merged(judged.target, str(next(_uids)), judged.assessment.risk.base, self.now)
        self.ledger.forget(self.now)

    def count(self) -> Counter[str]:
        """What became of what was asked."""
        return Counter("inside" if one.inside and one.phase == "Approved" else one.phase for one in self.asked)


def _supersedes(newer: Asked, older: Asked) -> bool:
    paths = ([change.path for change in one.assessment.changes] for one in (newer, older))
    return (newer.proposer, newer.target) == (older.proposer, older.target) and overlap(*paths)
