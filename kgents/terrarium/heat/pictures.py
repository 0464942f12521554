"""Which picture is shown, and the frame that all share: the legend below, and a calm word where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from rich.cells import cell_len

from kgents.terrarium.heat.colours import Inks
from kgents.terrarium.heat.field import field
from kgents.terrarium.heat.grid import grid
from kgents.terrarium.heat.legend import put_legend
from kgents.terrarium.heat.picture import Picture
from kgents.terrarium.heat.places import Places
from kgents.terrarium.heat.scent import Key, Scent, alive, sources_of, types_of
from kgents.terrarium.heat.timeline import timeline

Mode = Literal["field", "grid", "time"]
MODES: Final[tuple[Mode, ...]] = ("field", "grid", "time")
NOTES: Final[dict[Mode, str]] = {"field": "source × type", "grid": "agent × type", "time": "time × type"}
NOTHING: Final = "No signals in the air"
CROWD: Final = 12
"""From so many sources on the grid is clearer than the field."""
_WITH_LEGEND: Final = 4
"""Lines from which on one of them is the legend."""


def usual_mode(scents: Sequence[Scent]) -> Mode:
    """The one that suits what is there: signals that have a place, and small hives, make a field."""
    if sources_of(scents) < CROWD or 2 * sum(scent.position is not None for scent in scents) > len(scents):
        return "field"
    return "grid"


def lines_of(height: int) -> int:
    """How many of the lines are the picture itself."""
    return height - 1 if height >= _WITH_LEGEND else height


def draw(
    mode: Mode,
    scents: Sequence[Scent],
    width: int,
    height: int,
    ink: Inks,
    *,
    places: Places,
    agents: Sequence[Key] = (),
    top: int = 0,
    smooth: bool = True,
) -> Picture:
    """The picture in `width` x `height` cells, with its legend. `agents` and `top` are for the grid.

    Not `smooth` is for terminals of few colours: blocks carry the intensity.
    """
    shown = alive(scents)
    lines = lines_of(height)
    if width < 1 or height < 1:
        return Picture(max(width, 0), max(height, 0), ink)
    if not shown:
        return _nothing(width, height, ink)
    match mode:
        case "field":
            picture = field(shown, width, lines, ink, places, smooth=smooth)
        case "grid":
            picture = grid(shown, width, lines, ink, agents, top, smooth=smooth)
        case "time":
            picture = timeline(shown, width, lines, ink, smooth=smooth)
    if lines < height:
        picture.cells.append(Picture(width, 1, ink).cells[0])
        picture.height = height
        put_legend(picture, lines, [] if picture.named else types_of(shown), NOTES[mode])
    return picture


def _nothing(width: int, height: int, ink: Inks) -> Picture:
    picture = Picture(width, height, ink)
    picture.put(max((width - cell_len(NOTHING)) // 2, 0), (height - 1) // 2, NOTHING, "quiet")
    return picture
