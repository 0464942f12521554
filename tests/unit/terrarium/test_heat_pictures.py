"""The pictures of signals at any size, whatever the signals say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from kgents.api import pheromone
from kgents.terrarium.heat.pictures import CROWD, MODES, NOTHING, Mode, draw, usual_mode
from kgents.terrarium.heat.places import Places
from kgents.terrarium.heat.scent import Scent, mark
from tests.support.scents import AGENTS, ink, mock, scent, text_of

HOSTILE = st.one_of(
    st.sampled_from(
        [
            "",
            "b-gent",
            "[bold red]x[/]",
            "\x1b[31mred\x1b[0m",
            "a\nb\tc",
            "漢字エージェント",
            "👩‍💻👍🏽☀️🇩🇪",
            "e\u0301\u200d\ufe0f",
            "x" * 300,
        ]
    ),
    st.text(max_size=12),
)
NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, 1e9, -1e9, 1e308, math.nan, math.inf]))
SCENTS = st.lists(
    st.builds(
        Scent,
        key=st.tuples(st.just("default"), st.text(max_size=5)),
        type=st.one_of(st.sampled_from(pheromone.TYPES), HOSTILE),
        source=HOSTILE,
        intensity=st.one_of(st.floats(0, 1), NUMBERS),
        age=st.one_of(st.floats(0, 1e5), NUMBERS),
        half_life=st.floats(0.001, 1e6),
        initial=st.floats(0, 1),
        target=HOSTILE,
        position=st.one_of(
            st.none(), st.dictionaries(st.sampled_from(["x", "y", "lat", "lon", "q"]), NUMBERS, max_size=3)
        ),
        payload=HOSTILE,
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(
    SCENTS, st.sampled_from(MODES), st.integers(1, 90), st.integers(1, 30), st.booleans(), st.booleans(), st.booleans()
)
def test_every_picture_fills_its_cells_exactly(
    scents: list[Scent], mode: Mode, width: int, height: int, dark: bool, colours: bool, smooth: bool
) -> None:
    picture = draw(
        mode, scents, width, height, ink(dark=dark, colours=colours), places=Places(), agents=AGENTS, smooth=smooth
    )
    assert len(picture.cells) == height
    for line, row in zip(text_of(picture), picture.cells, strict=True):
        assert len(row) == width
        assert cell_len(line) == width
        assert all(sign.isprintable() for sign in line)
        for _, foreground, background, _ in row:
            assert colours or (foreground is None and background is None)
            assert all(0 <= part <= 255 for colour in (foreground, background) if colour for part in colour)
    for stop in picture.stops:
        assert 0 <= stop.x < width
        assert 0 <= stop.y < height
        assert stop.scents
        assert stop in picture.at(stop.x, stop.y) or mode == "field"


@settings(max_examples=60, deadline=None)
@given(SCENTS, st.integers(10, 120), st.integers(3, 40))
def test_labels_never_overlap_and_lie_inside(scents: list[Scent], width: int, height: int) -> None:
    picture = draw("field", scents, width, height, ink(), places=Places())
    taken: set[tuple[int, int]] = set()
    for label in picture.labels:
        cells = {(label.x + nth, label.y) for nth in range(cell_len(label.text))}
        assert not cells & taken
        assert all(0 <= x < width and 0 <= y < height for x, y in cells)
        taken |= cells


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("width", "height"), [(20, 4), (60, 12), (200, 50)])
def test_without_signals_a_calm_sentence_stands_there(mode: Mode, width: int, height: int) -> None:
    picture = draw(mode, [], width, height, ink(), places=Places(), agents=AGENTS)
    said = "".join(text_of(picture)).strip()
    assert said == (NOTHING if width > len(NOTHING) else NOTHING[: width - 1] + "…")


@pytest.mark.parametrize("mode", MODES)
def test_what_has_evaporated_is_not_there(mode: Mode) -> None:
    picture = draw(mode, [scent("a", intensity=0.0)], 60, 12, ink(), places=Places(), agents=AGENTS)
    assert NOTHING in "".join(text_of(picture))


def test_without_colours_letters_and_blocks_say_it_all() -> None:
    said = "\n".join(text_of(draw("field", mock(), 66, 13, ink(colours=False), places=Places())))
    assert "WARNING b-gent 0.95" in said
    assert {"░", "▒"} <= set(said)
    gridded = text_of(draw("grid", mock(), 66, 13, ink(colours=False), places=Places(), agents=AGENTS))
    assert "█ 0.95" in next(line for line in gridded if line.startswith("b-gent"))


def test_the_legend_names_what_the_picture_only_marks() -> None:
    field = text_of(draw("field", mock(), 120, 20, ink(), places=Places()))
    assert field[-1].startswith("0 ▁▂▃▄▅▆▇█ 1  WA WARNING  SC SCARCITY")
    narrow = text_of(draw("field", mock(), 34, 12, ink(), places=Places()))
    assert narrow[-1].rstrip().endswith(("DR", "…"))
    assert "WARNING" not in text_of(draw("grid", mock(), 120, 20, ink(), places=Places(), agents=AGENTS))[-1]


def test_marks_tell_all_types_apart() -> None:
    assert len({mark(type) for type in pheromone.TYPES}) == len(pheromone.TYPES)


def test_a_crowd_is_a_grid_unless_it_has_places() -> None:
    crowd = [scent(str(nth), source=f"agent-{nth}") for nth in range(CROWD)]
    assert usual_mode(crowd) == "grid"
    assert usual_mode(crowd[:-1]) == "field"
    assert (
        usual_mode([scent(str(nth), source=f"a{nth}", position={"x": nth, "y": 1}) for nth in range(CROWD)]) == "field"
    )
