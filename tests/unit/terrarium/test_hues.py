"""The hues of the signals are told apart by whoever looks, and can be read on their ground."""

from __future__ import annotations

import pytest

from kgents.api.pheromone import TYPES
from kgents.looks import DARK, HUES, LIGHT, LIGHT_HUES
from kgents.terrarium.heat.colours import LEGIBLE, contrast
from tests.support.colour_sight import assert_told_apart, rgb

LEAST = 6.5
"""Three times what can just be told apart side by side."""


@pytest.mark.parametrize("hues", [HUES, LIGHT_HUES], ids=["dark", "light"])
def test_hues_are_told_apart_with_any_sight(hues: dict[str, str]) -> None:
    assert set(hues) == set(TYPES)
    assert_told_apart(hues, LEAST)


@pytest.mark.parametrize(
    ("hues", "ground"), [(HUES, DARK["ground"]), (LIGHT_HUES, LIGHT["ground"])], ids=["dark", "light"]
)
def test_names_in_their_hue_can_be_read(hues: dict[str, str], ground: str) -> None:
    assert [type for type, hue in hues.items() if contrast(rgb(hue), rgb(ground)) < LEGIBLE] == []


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_tones_are_told_apart_with_any_sight(palette: dict[str, str]) -> None:
    tones = ("well", "watch", "trouble", "activity", "deed")
    assert_told_apart({tone: palette[tone] for tone in tones}, 8.5)
