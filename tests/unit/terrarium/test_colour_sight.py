"""The helper that says how colours look to those who see fewer of them."""

from __future__ import annotations

import pytest

from tests.support.colour_sight import SIGHTS, Sight, apart, assert_told_apart, closest, seen


@pytest.mark.parametrize("sight", SIGHTS)
def test_grey_stays_as_it_is(sight: Sight) -> None:
    assert seen((128, 128, 128), sight) == pytest.approx(seen((128, 128, 128), "usual"), abs=0.01)


def test_red_and_green_are_near_without_the_cones_that_tell_them_apart() -> None:
    red, green = (200, 70, 60), (120, 120, 40)
    assert apart(red, green, "deuteranopia") < apart(red, green) / 2
    assert apart(red, green, "protanopia") < apart(red, green)


def test_black_and_white_are_the_furthest_for_all() -> None:
    for sight in SIGHTS:
        assert apart((0, 0, 0), (255, 255, 255), sight) == pytest.approx(100, abs=0.5)


def test_a_palette_of_equals_is_refused() -> None:
    palette = {"one": "#e2704a", "other": "#e2704a", "third": "#000000"}
    assert closest(palette, "usual")[:2] == ("one", "other")
    with pytest.raises(AssertionError, match="too much alike"):
        assert_told_apart(palette, 1.0)
    assert_told_apart({"one": "#000000", "other": "#ffffff"}, 50.0)
