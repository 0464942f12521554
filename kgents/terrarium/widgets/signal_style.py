"""A signal type in its hue."""

from __future__ import annotations

from rich.color import Color
from rich.style import Style

from kgents.terrarium.ink import Ink


def type_style(type: str, ink: Ink) -> Style:
    """Bold, for it stands for a lot; without colours the word alone says it."""
    if not ink.colours:
        return ink.style("text", bold=True)
    return Style(color=Color.from_rgb(*ink.hue(type)), bold=True)
