"""Ink: what a tone is on the screen, in any theme, with colours or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.color import Color
from rich.style import Style

from kgents.looks import HUES, LIGHT_HUES, LIGHT_OTHER_HUE, OTHER_HUE, Tone

Rgb = tuple[int, int, int]
_BOLD_IN_MONOCHROME: frozenset[Tone] = frozenset({"trouble", "watch"})


@dataclass(frozen=True, slots=True)
class Ink:
    """Styles for one theme. Without `colours`, weight and reversal carry what they can; glyphs and words the rest."""

    tones: Mapping[Tone, Rgb]
    dark: bool = True
    colours: bool = True
    _styles: dict[tuple[str, bool, bool, str], Style] = field(default_factory=dict, repr=False)

    @property
    def ground(self) -> Rgb:
        return self.tones["ground"]

    @property
    def plain(self) -> Style:
        """Text on the ground: what lies under each line that is drawn."""
        return self.style("text", on="ground") if self.colours else Style.null()

    def style(self, tone: Tone, *, bold: bool = False, dim: bool = False, on: Tone | None = None) -> Style:
        """The style of text in this tone, `on` a ground of that one."""
        key = (tone, bold, dim, on or "")
        made = self._styles.get(key)
        if made is None:
            made = self._styles[key] = self._made(tone, bold, dim, on)
        return made

    def hue(self, type: str) -> Rgb:
        """The colour of a type of signal on this ground."""
        return rgb(HUES.get(type, OTHER_HUE) if self.dark else LIGHT_HUES.get(type, LIGHT_OTHER_HUE))

    def _made(self, tone: Tone, bold: bool, dim: bool, on: Tone | None) -> Style:
        if not self.colours:
            strong = bold or tone in _BOLD_IN_MONOCHROME
            return Style(bold=strong or None, dim=dim or tone in ("quiet", "line") or None, reverse=on is not None)
        ground = Color.from_rgb(*self.tones[on]) if on else None
        return Style(color=Color.from_rgb(*self.tones[tone]), bgcolor=ground, bold=bold or None, dim=dim or None)


def rgb(value: str) -> Rgb:
    """Of `#rrggbb`."""
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)
