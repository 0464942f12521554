"""The chain: what was written cannot be changed unseen."""

from __future__ import annotations

from typing import Any

from kgents.api.governance.audit import GENESIS, Link, follow, verify

Chain = list[tuple[Link, dict[str, Any] | None]]


def chain(length: int = 4) -> Chain:
    made: Chain = []
    last = GENESIS
    for seq in range(1, length + 1):
        facts = {"namespace": "default", "name": f"p{seq}", "spec": {"reason": "x"}}
        made.append((Link(seq, last, follow(last, facts)), facts))
        last = made[-1][0].hash
    return made


def test_a_chain_that_nobody_touched_holds() -> None:
    links = chain()
    assert verify(links, None, links[-1][0]) == []


def test_a_changed_record_is_found() -> None:
    links = chain()
    links[1] = (links[1][0], {**(links[1][1] or {}), "spec": {"reason": "better"}})
    assert verify(links, None, links[-1][0]) == ["link 2 (default/p2) was changed afterwards"]


def test_a_link_made_anew_does_not_fit_the_next() -> None:
    links = chain()
    forged = {"namespace": "default", "name": "p2", "spec": {"reason": "better"}}
    links[1] = (Link(2, links[1][0].prev_hash, follow(links[1][0].prev_hash, forged)), forged)
    assert verify(links, None, links[-1][0]) == ["link 3 does not follow link 2"]


def test_a_missing_link_is_found() -> None:
    links = chain()
    assert verify([*links[:1], *links[2:]], None, links[-1][0]) == ["links 2 to 2 are missing"]


def test_a_cut_end_is_found_by_the_head() -> None:
    links = chain()
    assert verify(links[:-1], None, links[-1][0]) == ["the chain ends at link 3, but its head says 4"]


def test_what_was_given_up_to_the_history_limit_is_not_missed() -> None:
    links = chain()
    assert verify([(links[2][0], None), links[3]], links[1][0], links[-1][0]) == []
