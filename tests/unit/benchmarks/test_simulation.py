"""What the numbers of the risk table are held to: an honest day needs few people, a runaway one goes nowhere unseen."""

from __future__ import annotations

import functools

import pytest

from benchmarks.simulated import START
from benchmarks.simulation import ATTACKS, Attack, honest_day, runaway_day

played = functools.cache(runaway_day)


def test_an_honest_day_merges_by_itself() -> None:
    hive, _ = honest_day()

    assert sum(one.phase == "Approved" for one in hive.asked) > 0.9 * len(hive.asked) > 500


def test_who_has_an_envelope_needs_nobody() -> None:
    _, by_trade = honest_day()

    assert {one.phase for name, asked in by_trade.items() if ", envelope" in name for one in asked} == {"Approved"}


@pytest.mark.parametrize("attack", ATTACKS[1:], ids=lambda attack: attack.name)
def test_nobody_grows_beyond_a_hundred_pods_unseen(attack: Attack) -> None:
    hive = played(attack)

    assert max(agent["spec"]["replicas"] for agent in hive.agents.values()) <= 100


@pytest.mark.parametrize("attack", ATTACKS[1:4], ids=lambda attack: attack.name)
def test_who_is_impatient_is_looked_at_within_half_an_hour(attack: Attack) -> None:
    hive = played(attack)

    assert next(one.time for one in hive.asked if one.phase != "Approved") - START <= 1800


def test_who_is_patient_gets_one_thing_an_hour() -> None:
    assert len(played(ATTACKS[-1]).asked) <= 24
