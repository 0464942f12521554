"""The field: each signal a soft spot of light, two pixels a cell. What lies over each other adds up.

A pixel is one integer with a lane for each channel, so that light is added by C code, a row at a time; the rows of a
spot are computed once for a hue and a level and kept. On a light ground a spot takes light away instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import add
from typing import Final

from kgents.terrarium.heat.colours import Inks, Rgb, is_dark
from kgents.terrarium.heat.labels import put_labels
from kgents.terrarium.heat.picture import Cell, Picture, Stop
from kgents.terrarium.heat.places import Place, Places
from kgents.terrarium.heat.scent import Scent, Spot, spots_of, strongest_first

_LANE: Final = 24
_MASK: Final = (1 << _LANE) - 1
_FINE: Final = 16
"""Parts of one step of a channel that light is counted in."""
LEVELS: Final = 128
"""Levels of intensity that look different."""
MOST: Final = 2.0
"""A spot stronger than this looks as one of this strength."""
_PEAK: Final = 0.85
"""The share of its hue that a spot of strength 1 reaches: text must be legible on it."""
_STEP: Final = 3
"""Steps of a channel that look different; with fewer colours more of them are known from the last picture."""
_WIDER: Final = 1.35
_REACH: Final = 2.6
_SIZES: Final = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 9.0, 11.0)
_BLOCKS: Final = " ░▒▓█"
_BLOCK_FROM: Final = (0.1, 0.25, 0.45, 0.7)

Pixels = list[list[int]]


def field(
    scents: Sequence[Scent], width: int, height: int, ink: Inks, places: Places, *, smooth: bool = True
) -> Picture:
    """The picture of `scents` in `width` x `height` cells. Not `smooth`: blocks carry the intensity."""
    spots = spots_of(scents)
    if not spots or width < 1 or height < 1:
        return Picture(width, height, ink)
    smooth = smooth and ink.colours
    size = _size(len(spots), width, height)
    points = [_point(place, width, height * 2, size) for place in places.of(spots)]
    pixels = light(spots, points, width, height * 2, size, ink)
    draw = _half_blocks if smooth else _shades
    picture = Picture(width, height, ink, draw(pixels, ink))
    picture.stops = [
        Stop(spot.ident, x, y // 2, strongest_first(spot.scents), spot.strength, size * _REACH)
        for spot, (x, y) in zip(spots, points, strict=True)
    ]
    put_labels(picture, spots)
    return picture


def level(strength: float) -> int:
    """The level that a strength is drawn at: what does not change it is not seen."""
    return int(min(strength, MOST) * LEVELS)


def light(
    spots: Sequence[Spot], points: Sequence[tuple[int, int]], width: int, height: int, size: float, ink: Inks
) -> Pixels:
    """The light of all spots, by pixel: lanes of strength, red, green, blue."""
    pixels = [[0] * width for _ in range(height)]
    fall = _fall(size)
    reach, reach_across = len(fall) // 2, len(_fall(size * _WIDER)) // 2
    for spot, (x, y) in zip(spots, points, strict=True):
        shift, strength = _shift(ink.hue(spot.type), ink.ground), level(spot.strength)
        left, right = max(x - reach_across, 0), min(x + reach_across + 1, width)
        begin, end = left - x + reach_across, right - x + reach_across
        for line in range(max(y - reach, 0), min(y + reach + 1, height)):
            glow = _glow(size, int(strength * fall[line - y + reach]), shift)
            row = pixels[line]
            row[left:right] = map(add, row[left:right], glow[begin:end])
    return pixels


@lru_cache(maxsize=64)
def _fall(size: float) -> tuple[float, ...]:
    """How light falls off to both sides: a bell that ends at nothing."""
    reach = math.ceil(size * _REACH)
    edge = math.exp(-_REACH * _REACH / 2)
    return tuple(max(math.exp(-((away / size) ** 2) / 2) - edge, 0.0) / (1 - edge) for away in range(-reach, reach + 1))


@lru_cache(maxsize=16384)
def _glow(size: float, strength: int, shift: Rgb) -> tuple[int, ...]:
    """One row of a spot, packed."""
    red, green, blue = shift
    row = []
    for share in _fall(size * _WIDER):
        much = strength * share / LEVELS * _FINE
        lanes = (int(much * 255), int(much * red), int(much * green), int(much * blue))
        row.append(lanes[0] << 3 * _LANE | lanes[1] << 2 * _LANE | lanes[2] << _LANE | lanes[3])
    return tuple(row)


@lru_cache(maxsize=256)
def _shift(hue: Rgb, ground: Rgb) -> Rgb:
    """What full strength changes on the ground, by channel: adds on a dark one, takes away on a light one."""
    sign = 1 if is_dark(ground) else -1
    red, green, blue = (round(max(sign * (to - of), 0) * _PEAK) for to, of in zip(hue, ground, strict=True))
    return red, green, blue


@lru_cache(maxsize=64)
def _curve(ground: int, dark: bool) -> bytes:
    """From the light that was added to one channel to what is shown: straight at first, then ever softer."""
    room = (255 - ground) if dark else ground
    knee = room * 0.6
    soft = max(room - knee, 1.0)
    table = bytearray()
    for more in range(1024):
        shown = more if more <= knee else knee + (room - knee) * (1 - math.exp(-(more - knee) / soft))
        step = round(shown / _STEP) * _STEP
        table.append(min(max(ground + step if dark else ground - step, 0), 255))
    return bytes(table)


def _half_blocks(pixels: Pixels, ink: Inks) -> list[list[Cell]]:
    """Two rows of pixels a line: the upper one is the foreground of `▀`."""
    ground = ink.ground
    dark = is_dark(ground)
    reds, greens, blues = (_curve(channel, dark) for channel in ground)
    seen: dict[int, Rgb] = {0: ground}
    last, red_lane = 1023, 2 * _LANE
    step = _FINE.bit_length() - 1

    def shown(pixel: int) -> Rgb:
        found = seen.get(pixel)
        if found is None:
            red, green, blue = (
                (pixel >> red_lane & _MASK) >> step,
                (pixel >> _LANE & _MASK) >> step,
                (pixel & _MASK) >> step,
            )
            found = seen[pixel] = (
                reds[red if red < last else last],
                greens[green if green < last else last],
                blues[blue if blue < last else last],
            )
        return found

    return [
        [("▀", shown(upper), shown(lower), 0) if upper or lower else (" ", ground, ground, 0) for upper, lower in pair]
        for pair in (zip(pixels[line], pixels[line + 1], strict=True) for line in range(0, len(pixels), 2))
    ]


def _shades(pixels: Pixels, ink: Inks) -> list[list[Cell]]:
    """A block a cell, the denser the stronger; in the hue of what is there, where there are colours."""
    ground = ink.ground if ink.colours else None
    empty: Cell = (" ", None, ground, 0)
    lines: list[list[Cell]] = []
    for line in range(0, len(pixels), 2):
        row: list[Cell] = []
        for upper, lower in zip(pixels[line], pixels[line + 1], strict=True):
            pixel = upper + lower
            block = _block((pixel >> 3 * _LANE) / (2 * 255 * _FINE))
            row.append((block, _hue_of(pixel, ink) if ink.colours else None, ground, 0) if block != " " else empty)
        lines.append(row)
    return lines


def _block(strength: float) -> str:
    return _BLOCKS[sum(strength >= least for least in _BLOCK_FROM)]


def _hue_of(pixel: int, ink: Inks) -> Rgb:
    """The hue of the light at a pixel, at full strength."""
    strength = (pixel >> 3 * _LANE) / 255
    sign = 1 if is_dark(ink.ground) else -1
    lanes = (pixel >> 2 * _LANE & _MASK, pixel >> _LANE & _MASK, pixel & _MASK)
    red, green, blue = (
        min(max(round(of + sign * lane / strength / _PEAK), 0), 255) for lane, of in zip(lanes, ink.ground, strict=True)
    )
    return red, green, blue


def _size(spots: int, width: int, height: int) -> float:
    """How large spots are, in pixels: so that they share the pane, in few steps so that one more changes nothing."""
    wanted = min(math.sqrt(width * height * 2 / spots) * 0.3, height * 0.45, width * 0.2)
    return max((size for size in _SIZES if size <= wanted), default=_SIZES[0])


def _point(place: Place, width: int, height: int, size: float) -> tuple[int, int]:
    """The pixel of a place, away from the edges as far as that can be."""
    aside, above = min(size * 1.6, width * 0.15), min(size, height * 0.15)
    return (
        min(round(aside + place[0] * (width - 1 - 2 * aside)), width - 1),
        min(round(above + place[1] * (height - 1 - 2 * above)), height - 1),
    )
