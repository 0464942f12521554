"""How a signal fades, drawn: its strength over time until it evaporates, with the point of now. Pure."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from kgents.api.pheromone import Decay
from kgents.looks import LEVELS
from kgents.terrarium.draw import Line, age
from kgents.terrarium.heat.colours import mix
from kgents.terrarium.ink import Ink

AXIS = 5
"""Cells at the left for the figures."""


def curve(decay: Decay, now: float, type: str, width: int, height: int, ink: Ink) -> list[Line]:
    """`height` lines of blocks, and two below that say what is when. What is past is quieter than what is to come."""
    room = max(width - AXIS, 8)
    begin, end = decay.emitted, decay.evaporates
    span = max(end - begin, 1e-9)
    top = max(decay.initial, 1e-9)
    here = min(max(int((now - begin) / span * room), 0), room - 1)
    levels = []
    for column in range(room):
        value = decay.at(begin + (column + 0.5) / room * span) / top
        levels.append(max(round(value * height * 8), 1))
    lines: list[Line] = []
    for row in range(height):
        floor = (height - 1 - row) * 8
        figure = f"{top:.2f}" if row == 0 else f"{top / 2:.2f}" if row == height // 2 and height >= 4 else ""
        line: Line = [Segment(figure.rjust(AXIS - 1) + " ", ink.style("quiet"))]
        for column, level in enumerate(levels):
            full = min(max(level - floor, 0), 8)
            if column == here:
                line.append(Segment("┃" if full < 8 else "█", ink.style("text", bold=True)))
            else:
                share = level / (height * 8)
                line.append(Segment(LEVELS[full], _style(type, share, ink, past=column < here)))
        lines.append(line)
    lines.append(_axis(here, room, span, decay.half_life, ink))
    lines.append(_words(decay, now, here, room, ink))
    return lines


def _style(type: str, share: float, ink: Ink, *, past: bool) -> Style:
    if not ink.colours:
        return ink.style("quiet" if past else "text")
    strength = 0.30 if past else 0.45 + 0.55 * min(share, 1.0)
    return Style(color=Color.from_rgb(*mix(ink.ground, ink.hue(type), strength)))


def _axis(here: int, room: int, span: float, half_life: float, ink: Ink) -> Line:
    """A line with a tick at each half-life."""
    signs = ["─"] * room
    if span / half_life <= room / 4:
        for nth in range(1, int(span / half_life) + 1):
            place = int(nth * half_life / span * room)
            if place < room:
                signs[place] = "┴"
    before, after = "".join(signs[:here]), "".join(signs[here + 1 :])
    rule, now = ink.style("line"), ink.style("text", bold=True)
    return [Segment(" " * AXIS, rule), Segment(before, rule), Segment("┃", now), Segment(after, rule)]


def _words(decay: Decay, now: float, here: int, room: int, ink: Ink) -> Line:
    """Below: when it began, now, and when it ends; what would overlap is left out."""
    left = decay.evaporates - now
    over = left <= 0
    told = "faded away" if over else f"now {decay.at(now):.2f}"
    start, end = "emitted", "" if over else f"gone in {age(left)}"
    at = min(max(here - len(told) // 2, 0), room - len(told))
    cells = [" "] * room
    if at > len(start) + 1:
        cells[: len(start)] = start
    if at + len(told) + 1 < room - len(end):
        cells[room - len(end) :] = end
    quiet = ink.style("quiet")
    return [
        Segment(" " * AXIS, quiet),
        Segment("".join(cells[:at]), quiet),
        Segment(told, ink.style("text", bold=True)),
        Segment("".join(cells[at + len(told) :]), quiet),
    ]
