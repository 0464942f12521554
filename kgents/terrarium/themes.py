"""The two themes of Terrarium, and what ink any theme of Textual's gives."""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color, ColorParseError
from textual.theme import Theme

from kgents.looks import DARK, LIGHT, Tone
from kgents.terrarium.ink import Ink, Rgb, rgb

DARK_NAME, LIGHT_NAME = "terrarium-dark", "terrarium-light"


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


def ink_of(theme: Theme, variables: Mapping[str, str], *, colours: bool = True) -> Ink:
    """The ink of any theme, Textual's own too. `variables` are the theme's, resolved to colours."""
    if theme.name in (DARK_NAME, LIGHT_NAME):
        own = DARK if theme.dark else LIGHT
        tones = {tone: rgb(value) for tone, value in own.items()}
    else:
        base = DARK if theme.dark else LIGHT
        ground = _parsed(variables.get("background"), base["ground"], rgb(base["ground"]))
        tones = {tone: _parsed(variables.get(name), base[tone], ground) for tone, name in _VARIABLES.items()}
    return Ink(tones, theme.dark, colours)


def missing(theme: Theme) -> dict[str, str]:
    """What the style sheet needs and Textual's own themes do not say."""
    said = theme.to_color_system().generate()
    return {tone: said[_VARIABLES[tone]] for tone in _OWN}


_OWN: tuple[Tone, ...] = ("line", "quiet", "selection")
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


def _parsed(value: str | None, otherwise: str, ground: Rgb) -> Rgb:
    """A colour of a theme on its ground; some of Textual's are the terminal's own, which have no figures."""
    try:
        colour = Color.parse(value or otherwise)
    except ColorParseError:
        return rgb(otherwise)
    return rgb(otherwise) if colour.ansi is not None else Color(*ground).blend(colour, colour.a).rgb
