"""What is drawn fits, is marked where it is cut, and does nothing to the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment

from kgents.looks import DARK, HUES, LIGHT, PHASE
from kgents.terrarium import draw, layout
from kgents.terrarium.columns import Column, cells, place, titles
from kgents.terrarium.ink import Ink, rgb

INK = Ink({tone: rgb(value) for tone, value in DARK.items()})
PLAIN = Ink(INK.tones, colours=False)


@given(st.text(), st.integers(0, 40), st.booleans())
def test_fitted_text_has_exactly_its_width(text: str, width: int, right: bool) -> None:
    assert cell_len(draw.fit(draw.clean(text), width, right=right)) == width


@given(st.text(min_size=1), st.integers(1, 20))
def test_what_is_cut_is_marked(text: str, width: int) -> None:
    shown = draw.clean(text)
    fitted = draw.fit(shown, width)
    assert (cell_len(shown) > width) == (draw.ELLIPSIS in fitted) or draw.ELLIPSIS in shown


@given(st.text())
def test_clean_text_can_do_nothing_to_a_terminal(text: str) -> None:
    assert all(sign.isprintable() for sign in draw.clean(text))


@given(st.floats(allow_nan=False) | st.none(), st.integers(1, 40))
def test_a_bar_has_exactly_its_width(share: float | None, width: int) -> None:
    assert draw.length(draw.bar(share, width, INK)) == width


def test_a_bar_shows_a_little_as_something_and_all_as_all() -> None:
    assert draw.bar(0.0001, 8, INK)[0].text == "▏"
    assert draw.bar(1.0, 8, INK)[0].text == "█" * 8
    assert draw.bar(None, 8, INK)[0].text.strip() == draw.UNKNOWN


def test_a_sparkline_tells_nothing_from_unknown() -> None:
    assert draw.sparkline([None, 0.0, 0.5, 1.0], 6) == "   ▁▄█"


@given(st.lists(st.text(max_size=8), max_size=6), st.integers(0, 30))
def test_a_cut_line_fits_and_is_marked(texts: list[str], width: int) -> None:
    line = [Segment(draw.clean(text)) for text in texts]
    kept = draw.cut(line, width)
    assert draw.length(kept) <= width
    if draw.length(line) > width > 0:
        assert draw.ELLIPSIS in "".join(text for text, _, _ in kept)


COLUMNS = (
    Column("NAME", 6, 0, lambda item, width, ink: [Segment(str(item))], widest=10),
    Column("PHASE", 5, 2, lambda item, width, ink: [Segment("phase")]),
    Column("AGE", 3, 1, lambda item, width, ink: [Segment("1d")], right=True),
)


@pytest.mark.parametrize(
    ("width", "names"),
    [(3, ["NAME"]), (6, ["NAME"]), (11, ["NAME", "AGE"]), (17, ["NAME", "AGE"]), (18, ["NAME", "PHASE", "AGE"])],
)
def test_the_least_wanted_column_goes_first(width: int, names: list[str]) -> None:
    assert [column.title for column, _ in place(COLUMNS, width)] == names


@given(st.integers(1, 60), st.text(max_size=12))
def test_rows_and_titles_stand_in_the_same_columns(width: int, name: str) -> None:
    placed = place(COLUMNS, width)
    assert draw.length(cells(placed, draw.clean(name), INK)) == draw.length(titles(placed, INK))
    assert draw.length(titles(placed, INK)) <= max(width, 0)


@given(st.integers(60, 400), st.integers(16, 120), st.integers(0, 10_000), st.integers(0, 500))
def test_the_panes_fill_the_screen(width: int, height: int, agents: int, proposals: int) -> None:
    rows = layout.heights(width, height, agents, proposals)
    assert sum(rows) == height
    assert min(rows.agents, rows.proposals) >= 3
    assert rows.thoughts >= 1
    assert (rows.heat == 0) == (width >= layout.SIDE_BY_SIDE)
    assert rows.heat == 0 or rows.heat >= 3


def test_a_low_terminal_has_one_line_of_thoughts() -> None:
    assert layout.heights(60, 16, 5, 2).thoughts == 1
    assert layout.heights(80, 22, 5, 2).thoughts >= 5


def test_without_colours_no_style_has_one() -> None:
    for tone in DARK:
        style = PLAIN.style(tone, bold=True, on="well")
        assert (style.color, style.bgcolor) == (None, None)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""

    def light(value: str) -> float:
        parts = [part / 255 for part in rgb(value)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_every_tone_can_be_read_on_its_ground(palette: dict[str, str]) -> None:
    for tone in ("text", "quiet", "well", "watch", "trouble", "activity", "deed"):
        assert contrast(palette[tone], palette["ground"]) >= 4.5, tone
        assert contrast(palette[tone], palette["selection"]) >= 4.0, tone


def test_no_two_phases_that_look_alike_share_a_glyph() -> None:
    agents = ("Running", "Pending", "Degraded", "Safemode", "Failed", "Suspended")
    assert len({PHASE[phase].glyph for phase in agents}) == len(agents)


def test_every_type_of_signal_has_a_hue() -> None:
    from kgents.api.pheromone import TYPES

    assert set(HUES) == set(TYPES)
    assert len(set(HUES.values())) == len(TYPES)
