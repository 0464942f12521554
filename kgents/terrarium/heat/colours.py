"""Mixing colours, and how well one reads on another. Colours are (red, green, blue) of 0-255."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

Rgb = tuple[int, int, int]
LEGIBLE: Final = 4.5
"""The contrast that text needs (WCAG 2.2, AA)."""


class Inks(Protocol):
    """What the pictures need of a theme."""

    @property
    def ground(self) -> Rgb: ...

    @property
    def colours(self) -> bool:
        """False: no colours at all; blocks, letters and weight carry everything."""
        ...

    @property
    def tones(self) -> Mapping[Any, Rgb]:
        """Colours by tone; `text`, `quiet` and `line` are used."""
        ...

    def hue(self, type: str) -> Rgb:
        """The colour of a type of signal."""
        ...


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`share` 0: the one, 1: the other."""
    left = 1.0 - share
    return (
        round(one[0] * left + other[0] * share),
        round(one[1] * left + other[1] * share),
        round(one[2] * left + other[2] * share),
    )


@lru_cache(maxsize=8192)
def luminance(colour: Rgb) -> float:
    """Relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=8192)
def plate(under: Rgb, text: Rgb, ground: Rgb) -> Rgb:
    """`under`, drawn towards the ground just as far as text on it needs to be legible."""
    for step in range(12):
        shown = mix(under, ground, step / 12)
        if contrast(shown, text) >= LEGIBLE:
            return shown
    return ground


def is_dark(ground: Rgb) -> bool:
    return luminance(ground) < 0.18


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
