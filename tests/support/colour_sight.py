"""Colours as people see them who lack one kind of cone, and how far colours are apart then.

The matrices are those of Machado, Oliveira and Fernandes (2009) for a total lack; they are for linear light. Distances
are Euclidean in Oklab, times 100: about 2 can just be told apart side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Literal, NamedTuple

Sight = Literal["usual", "protanopia", "deuteranopia", "tritanopia"]
Rgb = tuple[int, int, int]
Linear = tuple[float, float, float]
_Matrix = tuple[Linear, Linear, Linear]

SIGHTS: dict[Sight, _Matrix] = {
    "usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_CONES: _Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB: _Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


class Pair(NamedTuple):
    """Two entries of a palette and how far apart they are."""

    one: str
    other: str
    sight: Sight
    apart: float


def seen(colour: Rgb, sight: Sight) -> Linear:
    """The colour in linear light, 0 to 1, as it is seen."""
    red, green, blue = _times(SIGHTS[sight], _linear(colour))
    return _inside(red), _inside(green), _inside(blue)


def apart(one: Rgb, other: Rgb, sight: Sight = "usual") -> float:
    """How different two colours look."""
    return 100 * math.dist(_oklab(seen(one, sight)), _oklab(seen(other, sight)))


def closest(palette: Mapping[str, str], sight: Sight) -> Pair:
    """The two entries (`#rrggbb` by name) that look the most alike."""
    colours = {name: rgb(value) for name, value in palette.items()}
    return min(
        (
            Pair(one, other, sight, apart(colours[one], colours[other], sight))
            for one, other in combinations(colours, 2)
        ),
        key=lambda pair: pair.apart,
    )


def assert_told_apart(palette: Mapping[str, str], least: float) -> None:
    """Whoever looks, any two entries are at least so far apart."""
    alike = [pair for pair in (closest(palette, sight) for sight in SIGHTS) if pair.apart < least]
    assert not alike, f"too much alike: {alike}"


def rgb(value: str) -> Rgb:
    """Of `#rrggbb`."""
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _linear(colour: Rgb) -> Linear:
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return red, green, blue


def _oklab(colour: Linear) -> Linear:
    long, middle, short = (math.cbrt(part) for part in _times(_CONES, colour))
    return _times(_OKLAB, (long, middle, short))


def _times(matrix: _Matrix, vector: Linear) -> Linear:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def _inside(part: float) -> float:
    return min(max(part, 0.0), 1.0)
