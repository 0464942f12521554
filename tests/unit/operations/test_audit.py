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


def verified(*rounds: tuple[Chain, list[Object], Chain]) -> Row:
    """What is said when books, proposals and books again are read like this, and so on; the last round stays."""
    left = list(rounds)
    reads: list[int] = []

    def send(request: Any) -> Any:
        nth = len(reads) % 3
        reads.append(nth)
        found = left[0][nth]
        if nth == 2:
            left[:] = left[1:] or left
        assert isinstance(request, List) is isinstance(found, list)
        return {"data": found.to_data()} if isinstance(found, Chain) else found

    return carry_out(audit.verify(CALL), send)[0]


def one_later() -> tuple[Chain, Chain, list[Object]]:
    """Books, those with one link more, and the proposals that bear it already."""
    chain, proposals = made()
    before = copy.deepcopy(chain)
    later: Object = {"metadata": {"name": "p5", "namespace": "default", "uid": "5"}, "spec": {}, "status": {}}
    seal(chain, later)
    return before, chain, [*proposals, later]


def test_what_is_sealed_between_two_reads_is_no_forgery() -> None:
    before, after, proposals = one_later()
    row = verified((before, proposals, after))
    assert (row["verified"], row["head"]) == (True, 5)
    assert verified((before, proposals, before), (after, proposals, after))["verified"]


def test_what_somebody_has_appended_never_comes_into_the_books() -> None:
    before, _, proposals = one_later()
    assert verified((before, proposals, before))["problems"] == ["the chain ends at link 5, but its head says 4"]


def test_what_is_given_up_between_two_reads_is_no_forgery() -> None:
    chain, proposals = made()
    pruned = copy.deepcopy(chain)
    link = link_of(proposals[1])
    assert link is not None
    pruned.let_go(link)
    kept = [proposals[0], *proposals[2:]]
    assert verified((chain, kept, chain), (pruned, kept, pruned))["verified"]


def test_what_somebody_has_taken_away_stays_away() -> None:
    chain, proposals = made()
    assert verified((chain, [proposals[0], *proposals[2:]], chain))["problems"] == ["link 2 is missing"]


def test_a_way_back_is_dated_when_it_was_gone() -> None:
    proposal = made(1)[1][0]
    proposal["status"] |= {
        "phase": "RolledBack",
        "conditions": [{"type": "Settled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "evidence": [{"source": "rollback", "message": "taken back by ann", "time": "2026-01-03T00:00:00Z"}],
    }
    assert audit.entry(proposal, 0.0)["at"] == "2026-01-03T00:00:00Z"
