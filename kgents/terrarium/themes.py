"""The two themes of Terrarium, and Ink: what a tone is on the screen, in any theme, with colours or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.color import Color
from rich.style import Style
from textual.theme import Theme

from kgents.looks import DARK, HUES, LIGHT, OTHER_HUE, Tone

Rgb = tuple[int, int, int]
DARK_NAME, LIGHT_NAME = "terrarium-dark", "terrarium-light"
_BOLD_IN_MONOCHROME: frozenset[Tone] = frozenset({"trouble", "watch"})


def _theme(name: str, tones: Mapping[Tone, str], *, dark: bool) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=tones["well"],
        secondary=tones["activity"],
        accent=tones["deed"],
        success=tones["well"],
        warning=tones["watch"],
        error=tones["trouble"],
        foreground=tones["text"],
        background=tones["ground"],
        surface=tones["ground"],
        panel=tones["selection"],
        variables={
            "border": tones["line"],
            "border-blurred": tones["line"],
            "scrollbar": tones["line"],
            "scrollbar-background": tones["ground"],
            "scrollbar-corner-color": tones["ground"],
            "scrollbar-hover": tones["quiet"],
            "scrollbar-active": tones["well"],
            "text-muted": tones["quiet"],
            "footer-background": tones["ground"],
            "block-cursor-background": tones["selection"],
            "block-cursor-foreground": tones["text"],
            "input-selection-background": f"{tones['activity']} 35%",
            "line": tones["line"],
            "quiet": tones["quiet"],
            "selection": tones["selection"],
        },
    )


THEMES = (_theme(DARK_NAME, DARK, dark=True), _theme(LIGHT_NAME, LIGHT, dark=False))


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

    def style(self, tone: Tone, *, bold: bool = False, dim: bool = False, on: Tone | None = None) -> Style:
        """The style of text in this tone, `on` a ground of that one."""
        key = (tone, bold, dim, on or "")
        made = self._styles.get(key)
        if made is None:
            made = self._styles[key] = self._made(tone, bold, dim, on)
        return made

    def hue(self, type: str) -> Rgb:
        """The colour of a type of signal on this ground."""
        colour = _rgb(HUES.get(type, OTHER_HUE))
        if self.dark:
            return colour
        red, green, blue = (int(part * 0.62) for part in colour)
        return red, green, blue

    def _made(self, tone: Tone, bold: bool, dim: bool, on: Tone | None) -> Style:
        if not self.colours:
            strong = bold or tone in _BOLD_IN_MONOCHROME
            return Style(bold=strong or None, dim=dim or tone in ("quiet", "line") or None, reverse=on is not None)
        ground = Color.from_rgb(*self.tones[on]) if on else None
        return Style(color=Color.from_rgb(*self.tones[tone]), bgcolor=ground, bold=bold or None, dim=dim or None)


def ink_of(theme: Theme, variables: Mapping[str, str], *, colours: bool = True) -> Ink:
    """The ink of any theme, Textual's own too. `variables` are the theme's, resolved to colours."""
    if theme.name in (DARK_NAME, LIGHT_NAME):
        own = DARK if theme.dark else LIGHT
        tones = {tone: _rgb(value) for tone, value in own.items()}
    else:
        base = DARK if theme.dark else LIGHT
        tones = {tone: _parsed(variables.get(name), base[tone]) for tone, name in _VARIABLES.items()}
    return Ink(tones, theme.dark, colours)


_VARIABLES: dict[Tone, str] = {
    "ground": "background",
    "text": "foreground",
    "quiet": "foreground-muted",
    "line": "panel",
    "selection": "surface",
    "well": "success",
    "watch": "warning",
    "trouble": "error",
    "activity": "secondary",
    "deed": "accent",
}


def _parsed(value: str | None, otherwise: str) -> Rgb:
    """A colour of a theme; some of Textual's are names of the terminal's own, which have no figures."""
    try:
        return _rgb(value or otherwise)
    except ValueError:
        return _rgb(otherwise)


def _rgb(value: str) -> Rgb:
    from textual.color import Color as Parsed
    from textual.color import ColorParseError as Unparsable

    try:
        parsed = Parsed.parse(value)
    except Unparsable as error:
        raise ValueError(value) from error
    if parsed.ansi is not None:
        raise ValueError(value)
    return parsed.r, parsed.g, parsed.b
