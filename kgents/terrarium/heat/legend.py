"""The line that says what blocks, letters and hues mean; quiet, for it is read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.cells import cell_len

from kgents.looks import LEVELS
from kgents.terrarium.draw import clean
from kgents.terrarium.heat.colours import mix
from kgents.terrarium.heat.picture import BOLD, Picture
from kgents.terrarium.heat.scent import mark

_SCALE: Final = 12
"""Cells of `0 ▁▂▃▄▅▆▇█ 1`."""
_GAP: Final = 2


def put_legend(picture: Picture, y: int, types: Sequence[str], note: str) -> None:
    """Scale, types that are there, and at the right the note, as far as there is room for them.

    All types are named beside their letters, or only named, or only marked; when even that is too much, an ellipsis
    says that there are more. The types go before the scale.
    """
    width, ink = picture.width, picture.ink
    x = _put_scale(picture, y) if width >= _SCALE + _room(types, mark) else -_GAP
    end = width
    shown = next((words for words in (_both, _name, mark) if x + _room(types, words) <= width), mark)
    if x + _room(types, shown) + cell_len(note) + 2 * _GAP <= width:
        end = width - cell_len(note)
        picture.put(end, y, note, "quiet")
        end -= _GAP
    for nth, type in enumerate(types):
        last = nth + 1 == len(types)
        if x + _GAP + cell_len(shown(type)) > end - (0 if last else _GAP):
            picture.put(max(x, 0), y, " …", "quiet")
            return
        x = picture.put(x + _GAP, y, _name(type) if shown is _name else mark(type), ink.hue(type), weight=BOLD)
        if shown is _both:
            x = picture.put(x + 1, y, _name(type), "quiet")


def _name(type: str) -> str:
    return clean(type) or "?"


def _both(type: str) -> str:
    return f"{mark(type)} {_name(type)}"


def _put_scale(picture: Picture, y: int) -> int:
    x = picture.put(0, y, "0 ", "quiet")
    ink = picture.ink
    for nth, block in enumerate(LEVELS[1:], start=1):
        tone = mix(ink.tones["line"], ink.tones["text"], nth / 8) if ink.colours else "text"
        x = picture.put(x, y, block, tone)
    return picture.put(x, y, " 1", "quiet")


def _room(types: Sequence[str], words: Callable[[str], str]) -> int:
    return sum(_GAP + cell_len(words(type)) for type in types)
