from __future__ import annotations

import pytest

from kgents.glass import staleness


@pytest.mark.parametrize(
    ("age", "expected"), [(0, "fresh"), (59.9, "fresh"), (60, "stale"), (119, "stale"), (120, "old")]
)
def test_agents_of_a_restless_hive_are_fresh_for_a_minute(age: float, expected: str) -> None:
    assert staleness.classify("agents", age) == expected


def test_a_stable_hive_stays_fresh_for_twice_as_long() -> None:
    assert staleness.classify("agents", 119, stability=1.0) == "fresh"


def test_what_was_written_since_makes_it_stale_at_once() -> None:
    assert staleness.classify("proposals", 1, outdated=True) == "stale"


def test_what_was_written_since_does_not_make_the_old_younger() -> None:
    assert staleness.classify("pheromones", 61, outdated=True) == "old"


@pytest.mark.parametrize(("age", "limit", "expected"), [(10, None, True), (10, 10.0, True), (11, 10.0, False)])
def test_only_who_asked_for_an_age_is_refused(age: float, limit: float | None, expected: bool) -> None:
    assert staleness.acceptable(age, limit) is expected


@pytest.mark.parametrize(("changes", "score"), [(0, 1.0), (10, 0.5)])
def test_stability_falls_with_changes(changes: int, score: float) -> None:
    assert staleness.stability_score(changes) == score
