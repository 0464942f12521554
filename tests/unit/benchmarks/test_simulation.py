"""What the numbers of the risk table are held to: an honest day needs few people, a runaway one goes nowhere unseen."""

from __future__ import annotations

import functools

import pytest

from benchmarks.simulated import START, Hive
from benchmarks.simulation import ATTACKS, honest_day, runaway_day


@functools.cache
def played(name: str) -> Hive:
    """The day of the rogue that does this."""
    return runaway_day(next(attack for attack in ATTACKS if attack.name.startswith(name)))


def test_an_honest_day_merges_by_itself() -> None:
    hive, _ = honest_day()

    assert sum(one.phase == "Approved" for one in hive.asked) > 0.9 * len(hive.asked) > 500


def test_who_has_an_envelope_needs_nobody() -> None:
    _, by_trade = honest_day()

    assert {one.phase for name, asked in by_trade.items() if ", envelope" in name for one in asked} == {"Approved"}


@pytest.mark.parametrize("attack", ["splits", "escalates", "flaps", "is patient"])
def test_nobody_grows_beyond_a_hundred_pods_unseen(attack: str) -> None:
    hive = played(attack)

    assert max(agent["spec"]["replicas"] for agent in hive.agents.values()) <= 100


@pytest.mark.parametrize("attack", ["splits", "escalates", "flaps"])
def test_who_is_impatient_is_looked_at_within_half_an_hour(attack: str) -> None:
    hive = played(attack)

    assert next(one.time for one in hive.asked if one.phase != "Approved") - START <= 1800


def test_who_is_patient_gets_one_thing_an_hour() -> None:
    assert len(played("is patient").asked) <= 24
