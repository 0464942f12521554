"""The chain: what was written cannot be changed unseen."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kgents.api.governance.audit import Chain, link_of, record

Object = dict[str, Any]


def made(length: int = 4) -> tuple[Chain, list[Object]]:
    chain, proposals = Chain(), []
    for number in range(1, length + 1):
        metadata = {"name": f"p{number}", "namespace": "default", "uid": str(number)}
        proposal: Object = {"metadata": metadata, "spec": {"reason": "x"}, "status": {"phase": "Merged"}}
        seal(chain, proposal)
        proposals.append(proposal)
    return chain, proposals


def seal(chain: Chain, proposal: Object) -> None:
    link = chain.next(record(proposal))
    proposal["status"] |= {"seq": link.seq, "prevHash": link.prev_hash, "hash": link.hash}
    chain.head = link


def test_a_chain_that_nobody_touched_holds() -> None:
    chain, proposals = made()
    assert Chain.from_data(chain.to_data()).verify(proposals) == []


def test_a_number_may_be_spelt_as_kubernetes_does() -> None:
    metadata = {"name": "p", "namespace": "default", "uid": "1"}
    risk = {"base": 0.2, "velocity": 0.0, "total": 1.0, "terms": [1.0, True]}
    proposal: Object = {"metadata": metadata, "spec": {}, "status": {"risk": risk}}
    chain = Chain()
    seal(chain, proposal)
    proposal["status"]["risk"] = {"base": 0.2, "velocity": 0, "total": 1, "terms": [1, True]}
    assert chain.verify([proposal]) == []
    proposal["status"]["risk"]["total"] = 0
    assert chain.verify([proposal]) == ["link 1 (default/p) was changed afterwards"]


def test_a_changed_record_is_found() -> None:
    chain, proposals = made()
    proposals[1]["spec"] = {"reason": "a better one"}
    assert chain.verify(proposals) == ["link 2 (default/p2) was changed afterwards"]


def test_a_link_made_anew_does_not_fit_the_next() -> None:
    chain, proposals = made()
    forger = Chain(head=chain.from_data({}).head)
    forger.head = link_of(proposals[0]) or forger.head
    proposals[1]["spec"] = {"reason": "a better one"}
    seal(forger, proposals[1])
    assert chain.verify(proposals) == ["link 3 does not follow link 2"]


def test_a_missing_link_is_found() -> None:
    chain, proposals = made()
    assert chain.verify([proposals[0], *proposals[2:]]) == ["link 2 is missing"]


def test_a_cut_end_is_found_by_the_head() -> None:
    chain, proposals = made()
    assert chain.verify(proposals[:-1]) == ["the chain ends at link 3, but its head says 4"]


def test_two_with_one_link_are_found() -> None:
    chain, proposals = made()
    twin = copy.deepcopy(proposals[1])
    twin["status"]["hash"] = "sha256:other"
    assert "link 2 is there twice" in chain.verify([*proposals, twin])


def test_what_was_given_up_to_the_history_limit_is_not_missed() -> None:
    chain, proposals = made()
    for proposal in (proposals[2], proposals[0], proposals[1]):
        chain.let_go(link_of(proposal) or chain.head)
    assert (chain.anchor.seq, chain.loose) == (3, [])
    assert chain.verify(proposals[3:]) == []


def test_one_that_is_decided_twice_leaves_its_first_link_behind() -> None:
    chain, proposals = made()
    chain.let_go(link_of(proposals[1]) or chain.head)
    proposals[1]["status"]["phase"] = "RolledBack"
    seal(chain, proposals[1])
    assert chain.verify(proposals) == []


def test_a_head_that_trails_after_a_crash_catches_up() -> None:
    chain, proposals = made()
    chain.head = link_of(proposals[1]) or chain.head
    chain.catch_up(proposals)
    assert chain.verify(proposals) == []


@given(st.permutations(range(1, 40)), st.integers(min_value=0, max_value=39))
def test_however_many_are_given_up_the_books_stay_small(order: list[int], many: int) -> None:
    chain, proposals = made(40)
    gone = order[:many]
    for number in gone:
        chain = Chain.from_data(chain.to_data())
        chain.let_go(link_of(proposals[number]) or chain.head)
    kept = [one for number, one in enumerate(proposals) if number not in gone]
    assert chain.verify(kept) == []
    assert len(chain.loose) <= len(kept)
    assert all(chain.is_loose(number + 1) for number in gone if number + 1 > chain.anchor.seq)
    assert chain.verify(kept[1:]) != []


def test_a_quiet_one_with_an_old_link_costs_nothing() -> None:
    chain, proposals = made(2000)
    for proposal in proposals[1:]:
        chain.let_go(link_of(proposal) or chain.head)
    assert len(chain.to_data()["loose"]) < 500
    assert chain.verify(proposals[:1]) == []


def test_one_that_was_let_go_and_is_still_there_is_no_break() -> None:
    chain, proposals = made()
    for proposal in proposals[1:3]:
        chain.let_go(link_of(proposal) or chain.head)
    assert chain.verify(proposals) == []


def test_asking_for_the_way_back_changes_nothing_that_was_sealed() -> None:
    chain, proposals = made()
    proposals[1]["spec"]["decision"] = {"rollback": True, "by": "ann"}
    assert chain.verify(proposals) == []
