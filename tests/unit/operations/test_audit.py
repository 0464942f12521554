"""The audit, read while the operators write: what they do meanwhile is no forgery."""

from __future__ import annotations

import copy
from typing import Any

from kgents.api.governance.audit import Chain, link_of
from kgents.api.operations import audit
from kgents.api.operations.carrying import carry_out
from kgents.api.operations.requests import Call, List, Row
from tests.unit.governance.test_audit import Object, made, seal

CALL = Call({}, {}, "", 0.0)


def verified(reads: list[tuple[Chain, list[Object]]]) -> Row:
    """What is said when the first books and the second proposals are read, and so on; the last ones stay."""
    left = list(reads)

    def send(request: Any) -> Any:
        chain, proposals = left[0]
        if isinstance(request, List):
            left[:] = left[1:] or left
            return proposals
        return {"data": chain.to_data()}

    return carry_out(audit.verify(CALL), send)[0]


def test_what_is_sealed_between_two_reads_is_no_forgery() -> None:
    chain, proposals = made()
    books = copy.deepcopy(chain)
    later: Object = {"metadata": {"name": "p5", "namespace": "default", "uid": "5"}, "spec": {}, "status": {}}
    seal(chain, later)
    row = verified([(books, [*proposals, later])])
    assert (row["verified"], row["head"]) == (True, 5)


def test_what_is_given_up_between_two_reads_is_no_forgery() -> None:
    chain, proposals = made()
    pruned = copy.deepcopy(chain)
    link = link_of(proposals[1])
    assert link is not None
    pruned.let_go(link)
    kept = [proposals[0], *proposals[2:]]
    assert verified([(chain, kept), (pruned, kept)])["verified"]


def test_what_somebody_has_taken_away_stays_away() -> None:
    chain, proposals = made()
    assert verified([(chain, [proposals[0], *proposals[2:]])])["problems"] == ["link 2 is missing"]


def test_a_way_back_is_dated_when_it_was_gone() -> None:
    proposal = made(1)[1][0]
    proposal["status"] |= {
        "phase": "RolledBack",
        "conditions": [{"type": "Settled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "evidence": [{"source": "rollback", "message": "taken back by ann", "time": "2026-01-03T00:00:00Z"}],
    }
    assert audit.entry(proposal, 0.0)["at"] == "2026-01-03T00:00:00Z"
