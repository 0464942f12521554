"""What is remembered of proposals when they are gone."""

from __future__ import annotations

import json

from kgents.api.governance.envelope import MERGES_PER_HOUR
from kgents.api.governance.ledger import KEPT_PER_PROPOSER, Ledger


def test_other_proposals_of_the_last_hour_count() -> None:
    ledger = Ledger()
    for uid, time in (("a", 0.0), ("b", 3000.0), ("c", 3500.0)):
        ledger.note_scored("bot", uid, time)
    assert ledger.scored_last_hour("bot", "c", 3700.0) == 1


def test_what_is_told_twice_counts_once() -> None:
    ledger = Ledger()
    for _ in range(2):
        ledger.note_merged("Agent/x", "a", 0.5, 10.0)
    assert ledger.merged_last_day("Agent/x", "b", 20.0) == 0.5


def test_the_envelope_is_used_up_and_comes_back() -> None:
    ledger = Ledger()
    for number in range(MERGES_PER_HOUR):
        ledger.note_envelope("bot", str(number), 0.0)
    assert ledger.envelope_is_used_up("bot", "next", 10.0)
    assert not ledger.envelope_is_used_up("bot", "next", 3601.0)


def test_a_flood_does_not_make_it_grow() -> None:
    ledger = Ledger()
    for number in range(10_000):
        ledger.note_scored("bot", str(number), float(number))
    assert len(ledger.scored["bot"]) == KEPT_PER_PROPOSER


def test_what_is_too_old_is_forgotten_and_the_rest_survives_a_restart() -> None:
    ledger = Ledger()
    ledger.note_merged("Agent/x", "old", 0.5, 0.0)
    ledger.note_merged("Agent/x", "new", 0.4, 86_000.0)
    ledger.forget(90_000.0)
    kept = Ledger.from_json(json.loads(json.dumps(ledger.to_json())))
    assert kept.merged == {"Agent/x": [(86_000.0, "new", 0.4)]}
