"""The field: light that follows intensity, and places that stay."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgents.api import pheromone
from kgents.terrarium.heat.colours import LEGIBLE, Rgb, contrast
from kgents.terrarium.heat.field import field, light
from kgents.terrarium.heat.picture import Picture
from kgents.terrarium.heat.places import Places, coordinates
from kgents.terrarium.heat.scent import SPOTS, Scent, spots_of
from tests.support.scents import ink, mock, scent, text_of


def pixels(picture: Picture) -> list[Rgb]:
    """All colours of the cells that no label covers, upper then lower."""
    covered = {(x, box.top) for box in picture.boxes for x in range(box.left, box.right)}
    found: list[Rgb] = []
    for y, row in enumerate(picture.cells):
        for x, (sign, upper, lower, _) in enumerate(row):
            if (x, y) not in covered and lower:
                found += [upper if sign == "▀" and upper else lower, lower]
    return found


def without_labels(scents: list[Scent], places: Places, *, dark: bool = True) -> list[list[int]]:
    spots = spots_of(scents)
    points = [(round(5 + across * 50), round(3 + down * 20)) for across, down in places.of(spots)]
    return light(spots, points, 60, 26, 4.0, ink(dark=dark))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1), st.floats(0.01, 1), st.sampled_from(pheromone.TYPES), st.booleans())
def test_the_stronger_the_brighter(one: float, other: float, type: str, dark: bool) -> None:
    weak, strong = sorted((one, other))
    pictures = [field([scent("a", type, intensity=much)], 40, 10, ink(dark=dark), Places()) for much in (weak, strong)]
    sign = 1 if dark else -1
    for less, more in zip(
        *(without_labels([scent("a", type, intensity=much)], Places(), dark=dark) for much in (weak, strong)),
        strict=True,
    ):
        assert all(a <= b for a, b in zip(less, more, strict=True))
    sums = [sum(sum(pixel) for pixel in pixels(picture)) / len(pixels(picture)) * sign for picture in pictures]
    if strong > weak * 2 and strong > 0.3 and len(pixels(pictures[0])) == len(pixels(pictures[1])):
        assert sums[1] > sums[0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(pheromone.TYPES), st.integers(0, 5), st.floats(0.02, 1)), min_size=2, max_size=12
    )
)
def test_another_signal_never_takes_light_away(given: list[tuple[str, int, float]]) -> None:
    scents = [scent(str(nth), type, f"agent-{who}", much) for nth, (type, who, much) in enumerate(given)]
    places = Places()
    before, after = without_labels(scents[:-1], places), without_labels(scents, places)
    lanes = [
        [(pixel >> 24 * lane) & 0xFFFFFF for row in shown for pixel in row for lane in range(4)]
        for shown in (before, after)
    ]
    assert all(a <= b for a, b in zip(*lanes, strict=True))
    assert sum(lanes[1]) >= sum(lanes[0])


def test_light_is_on_the_ground_s_other_side_in_both_themes() -> None:
    for dark in (True, False):
        shown = field(mock(), 66, 12, ink(dark=dark), Places())
        ground = sum(ink(dark=dark).ground)
        assert all((sum(pixel) >= ground) == dark or sum(pixel) == ground for pixel in pixels(shown))


@pytest.mark.parametrize("dark", [True, False])
def test_labels_can_be_read_on_what_they_stand_on(dark: bool) -> None:
    scents = [scent(str(nth), type, f"agent-{nth}", 1.0) for nth, type in enumerate(pheromone.TYPES)]
    picture = field(scents, 80, 16, ink(dark=dark), Places())
    assert picture.labels
    for label in picture.labels:
        for x in range(label.x, label.x + len(label.text)):
            sign, text, under, _ = picture.cells[label.y][x]
            assert text and under
            assert sign == " " or contrast(text, under) >= LEGIBLE


def test_hot_spots_say_what_they_are_and_weak_ones_only_bear_letters() -> None:
    said = "\n".join(text_of(field([*mock(), scent("z", "CHAOS", "x-gent", 0.1)], 80, 20, ink(), Places())))
    for words in ("WARNING b-gent 0.95", "DREAM dreamer 0.62", "SCARCITY l-gent 0.55", "INTENT indexer 0.35"):
        assert words in said
    assert "CH" in said
    assert "CHAOS" not in said


def test_signals_of_one_source_and_type_add_up_in_one_spot() -> None:
    picture = field([scent("a", intensity=0.5), scent("b", intensity=0.4)], 60, 12, ink(), Places())
    assert [label.text for label in picture.labels] == ["WARNING b-gent 0.90 ×2"]
    label = picture.labels[0]
    assert [found.key[1] for found in picture.scents_at(label.x + 3, label.y)] == ["a", "b"]


def test_a_long_name_is_cut_with_a_mark() -> None:
    picture = field([scent("a", source="a-very-long-name-" * 5)], 40, 12, ink(), Places())
    assert "…" in picture.labels[0].text
    assert picture.labels[0].text.endswith(" 0.90")


def test_no_more_than_the_strongest_are_drawn() -> None:
    many = [scent(str(nth), source=f"agent-{nth}", intensity=nth / 5000) for nth in range(5000)]
    spots = spots_of(many)
    assert len(spots) == SPOTS
    assert spots[0].emitter[1] == "agent-4999"
    assert len(field(many, 80, 20, ink(), Places()).stops) == SPOTS


def test_what_made_a_spot_is_found_at_it_and_not_far_away() -> None:
    picture = field(mock(), 120, 30, ink(), Places())
    for stop in picture.stops:
        assert picture.at(stop.x, stop.y)
        assert stop in picture.at(stop.x, stop.y) or any(box.holds(stop.x, stop.y) for box in picture.boxes)
    alone = field([scent("a", position={"x": 0.0, "y": 0.0})], 120, 30, ink(), Places())
    assert alone.scents_at(119, 29) == ()


@given(st.permutations(mock()), st.floats(0.1, 1))
@settings(max_examples=25, deadline=None)
def test_neither_order_nor_strength_moves_a_spot(scents: list[Scent], fade: float) -> None:
    usual = {spot.ident: place for spot, place in zip(spots_of(mock()), Places().of(spots_of(mock())), strict=True)}
    faded = spots_of([replace(one, intensity=one.intensity * fade) for one in scents])
    assert {spot.ident: place for spot, place in zip(faded, Places().of(faded), strict=True)} == usual


def test_who_has_a_place_keeps_it_when_others_come_and_go() -> None:
    places = Places()
    first = spots_of(mock())
    before = dict(zip((spot.ident for spot in first), places.of(first), strict=True))
    more = spots_of([*mock(), *(scent(f"n{nth}", "CHAOS", f"new-{nth}") for nth in range(200))])
    after = dict(zip((spot.ident for spot in more), places.of(more), strict=True))
    assert {ident: after[ident] for ident in before} == before
    assert all(0 <= part <= 1 for place in after.values() for part in place)


def test_a_position_decides_where_a_spot_is() -> None:
    corners = [
        scent("nw", source="a", position={"lat": 54.0, "lon": 8.0}),
        scent("se", source="b", position={"lat": 47.0, "lon": 15.0}),
    ]
    by_name = {
        spot.scents[0].key[1]: place
        for spot, place in zip(spots_of(corners), Places().of(spots_of(corners)), strict=True)
    }
    assert by_name["nw"][0] < by_name["se"][0]
    assert by_name["nw"][1] < by_name["se"][1]


@pytest.mark.parametrize(
    ("position", "found"),
    [
        (None, None),
        ({}, None),
        ({"x": float("nan"), "y": float("inf")}, None),
        ({"y": 2.0, "x": 1.0}, (1.0, 2.0)),
        ({"longitude": 1, "latitude": 2}, (1.0, -2.0)),
        ({"shelf": 3.0, "row": 4.0, "deep": 5.0}, (3.0, 4.0)),
        ({"shelf": 3.0}, (3.0, None)),
        ({"x": 1e300, "y": -1e300}, (1e15, -1e15)),
    ],
)
def test_coordinates(position: dict[str, float] | None, found: tuple[float, float | None] | None) -> None:
    assert coordinates(position) == found
