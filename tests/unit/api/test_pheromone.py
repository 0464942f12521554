from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.api import pheromone
from kgents.api.pheromone import Decay

T0 = 1_800_000_000.0
CREATED = "2027-01-15T08:00:00Z"
decays = st.builds(
    Decay,
    initial=st.floats(0.001, 1.0),
    half_life=st.floats(0.5, 86_400.0),
    emitted=st.floats(T0 - 10_000, T0),
    ttl=st.none() | st.floats(1.0, 100_000.0),
)


def signal(created: str | None = CREATED, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"creationTimestamp": created}, "spec": {"type": "WARNING", **spec}}


def test_intensity_halves_with_each_half_life() -> None:
    assert [pheromone.intensity(0.8, 60, age) for age in (0, 60, 120)] == [0.8, 0.4, 0.2]


def test_a_signal_that_is_not_emitted_yet_has_its_initial_intensity() -> None:
    assert pheromone.intensity(0.8, 60, -5) == 0.8


@pytest.mark.parametrize(
    ("type", "minutes"),
    [("WARNING", 5), ("SCARCITY", 15), ("REVIEW_REQUEST", 60), ("DREAM", 120), ("STATE", 30), (None, 30)],
)
def test_each_type_has_its_usual_half_life(type: str | None, minutes: float) -> None:
    assert pheromone.default_half_life(type) == minutes * 60


def test_the_ttl_ends_it_however_strong_it_is() -> None:
    decay = Decay(1.0, 3600, T0, ttl=10)
    assert (decay.at(T0 + 9.9) > 0.9, decay.at(T0 + 10)) == (True, 0.0)


def test_one_too_weak_from_the_start_has_evaporated() -> None:
    assert Decay(0.009, 3600, T0).evaporates == T0


@given(decays)
def test_it_evaporates_when_its_intensity_falls_below_a_hundredth(decay: Decay) -> None:
    gone = decay.evaporates
    assert decay.at(gone) == 0
    if decay.ttl is None and decay.initial > 0.0101:
        assert pheromone.intensity(decay.initial, decay.half_life, gone - decay.emitted) == pytest.approx(
            0.01, rel=1e-4
        )


@pytest.mark.parametrize("emitted", [None, "", "yesterday", "2027-13-45T99:00:00Z", 17, "2999-01-01T00:00:00Z"])
def test_no_time_of_emission_stops_the_decay(emitted: object) -> None:
    decay = pheromone.decay_of(signal(emittedAt=emitted))
    assert decay.emitted == pytest.approx(1_800_000_000.0, abs=1.0)


def test_without_any_time_it_evaporated_long_ago() -> None:
    assert pheromone.decay_of(signal(created=None)).at(T0) == 0.0


def test_an_earlier_emission_counts() -> None:
    assert pheromone.decay_of(signal(emittedAt="2027-01-15T07:59:00.5Z")).emitted == T0 - 59.5


@pytest.mark.parametrize("half_life", [None, "", "forever", "0s", "-5m", 300])
def test_a_broken_half_life_is_the_usual_one(half_life: object) -> None:
    assert pheromone.decay_of(signal(halfLife=half_life)).half_life == 300


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=3))
def test_nothing_in_an_object_breaks_the_physics(value: Any) -> None:
    spec = dict.fromkeys(("type", "initialIntensity", "halfLife", "emittedAt", "ttl"), value)
    decay = pheromone.decay_of({"metadata": {"creationTimestamp": value}, "spec": spec})
    assert 0 <= decay.at(T0) <= 1


@given(st.lists(decays, max_size=6), st.floats(0.01, 4))
def test_the_crossing_is_when_the_sum_falls_below(signals: list[Decay], threshold: float) -> None:
    crossing = pheromone.next_crossing(signals, threshold, T0)
    if crossing is None:
        assert pheromone.strength(signals, T0) < threshold
    else:
        assert pheromone.strength(signals, crossing) < threshold
        assert pheromone.strength(signals, crossing - 0.01) >= threshold or crossing - 0.01 < T0


def test_one_half_life_crosses_in_closed_form() -> None:
    signals = [Decay(1.0, 60, T0), Decay(1.0, 60, T0)]
    assert pheromone.next_crossing(signals, 0.5, T0) == pytest.approx(T0 + 120, abs=0.002)


def test_evaporation_itself_can_be_the_crossing() -> None:
    assert pheromone.next_crossing([Decay(1.0, 60, T0, ttl=5)], 0.5, T0) == pytest.approx(T0 + 5, abs=0.002)


def test_what_is_below_already_does_not_cross() -> None:
    assert pheromone.next_crossing([Decay(0.3, 60, T0)], 0.5, T0) is None
