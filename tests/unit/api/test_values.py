"""Quantities, times, names and conditions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.api import conditions, names, quantity, times
from kgents.api.errors import UsageError


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25),
        ("2", 2),
        (3, 3),
        ("1.5Gi", 1.5 * 2**30),
        ("100M", 1e8),
        ("1e3", 1000),
        ("128Mi", 2**27),
        ("500n", 5e-7),
    ],
)
def test_quantities_are_numbers(text: object, number: float) -> None:
    assert quantity.parse(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "m", "1Q", "1 Gi", "0x10", None, True, float("nan"), "1e9999", "1" * 99])
def test_what_is_no_quantity_is_refused(text: object) -> None:
    with pytest.raises(UsageError, match="is not a quantity"):
        quantity.parse(text)


def test_quantities_are_written_as_kubectl_does() -> None:
    assert (quantity.cpu_text(0.25), quantity.memory_text(2**27), quantity.memory_text(700)) == ("250m", "128Mi", "700")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:00.250000Z", 0.25),
        ("1970-01-01T00:00:00.123456789Z", 0.123456789),
        ("1970-01-01", None),
        ("now", None),
        (None, None),
        (5, None),
    ],
)
def test_times_are_seconds_or_nothing(text: object, seconds: float | None) -> None:
    assert times.parse(text) == seconds


@given(st.floats(-1e9, 4e10))
def test_a_time_survives_being_written(seconds: float) -> None:
    assert times.parse(times.to_micro_text(seconds)) == pytest.approx(seconds, abs=2e-5)


@given(st.floats(allow_nan=False))
def test_any_time_can_be_written(seconds: float) -> None:
    assert len(times.to_text(seconds)) == 20


@pytest.mark.parametrize("name", ["a", "scout-1", "a" * 50])
def test_good_names_are_kept(name: str) -> None:
    assert names.check_agent_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "1a", "A", "a.b", "a_b", "a/b", "a" * 51, "x" * 300, "ä"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="an agent cannot be called"):
        names.check_agent_name(name)


@given(st.text("abc-", min_size=1, max_size=60), st.text("abc", min_size=1, max_size=40))
def test_children_have_names_that_fit_and_differ(owner: str, part: str) -> None:
    name = names.child_name(owner, part)
    assert len(name) <= 63
    assert name == names.child_name(owner, part) != names.child_name(owner, part + "x")


@given(st.text(max_size=80))
def test_a_suggested_name_is_one(text: str) -> None:
    assert names.check_agent_name(names.suggest(text))


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = conditions.set_condition(None, conditions.make("Ready", True, "Up", now=0))
    second = conditions.set_condition(first, conditions.make("Ready", True, "StillUp", now=60, generation=2))
    third = conditions.set_condition(second, conditions.make("Ready", None, "Lost", now=120))
    assert [c[0]["lastTransitionTime"][14:19] for c in (first, second, third)] == ["00:00", "00:00", "02:00"]
    assert second[0]["reason"] == "StillUp"
    assert second[0]["observedGeneration"] == 2


def test_other_conditions_keep_their_place() -> None:
    made = [conditions.make(kind, True, "R", now=0) for kind in ("A", "B")]
    changed = conditions.set_condition(made, conditions.make("A", False, "R", now=1))
    assert [(c["type"], c["status"]) for c in changed] == [("A", "False"), ("B", "True")]


@pytest.mark.parametrize("status", [None, {}, {"conditions": None}, {"conditions": "x"}, {"conditions": ["x", {}]}])
def test_a_condition_is_looked_for_in_anything(status: object) -> None:
    assert not conditions.is_true({"status": status}, "Ready")
