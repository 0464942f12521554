"""Small drawings: bars in eighths, sparklines, ages, and text that fits. Text of the hive is data, never markup."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from kgents.api import duration
from kgents.looks import EIGHTHS, LEVELS, Tone, share_tone
from kgents.terrarium.ink import Ink

ELLIPSIS = "…"
UNKNOWN = "–"
Line = list[Segment]


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """`text` on one line, without what would move the cursor, colour the terminal or turn the line around."""
    return "".join(sign if sign.isprintable() else "" if _joins(sign) else " " for sign in text).strip()


def _joins(sign: str) -> bool:
    """Invisible signs that take no room: marks of direction, joiners. They would only disturb the neighbours."""
    return unicodedata.category(sign) == "Cf"


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells. What is cut is marked."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + ELLIPSIS
    room = " " * (width - length)
    return room + text if right else text + room


def bar(share: float | None, width: int, ink: Ink, tone: Tone | None = None, rest: str = "·") -> Line:
    """A share of one in eighth blocks; the empty part is quiet dots, and what is not known is a dash."""
    if share is None:
        return [Segment(fit(UNKNOWN, width), ink.style("quiet"))]
    share = min(max(share, 0.0), 1.0)
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, part = divmod(eighths, 8)
    drawn = "█" * full + (EIGHTHS[part] if part else "")
    left = width - len(drawn)
    empty = " " + rest * (left - 1) if left else ""
    return [Segment(drawn, ink.style(tone or share_tone(share))), Segment(empty, ink.style("line"))]


def sparkline(values: Sequence[float | None], width: int, top: float = 1.0) -> str:
    """The newest `width` values as blocks, each from 0 to `top`; blank where nothing is known, a line where it is 0."""
    shown = list(values)[-width:]
    drawn = [" " if value is None else LEVELS[_level(value, top)] for value in shown]
    return "".join(drawn).rjust(width)


def _level(value: float, top: float) -> int:
    return min(max(round(value / top * 8), 1), 8)


def age(seconds: float | None) -> str:
    """As people say it: 12s, 3m, 2d."""
    return UNKNOWN if seconds is None else duration.age(seconds)


def percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share * 100:.0f}%"


def spread(left: Line, right: Line, width: int, blank: Style) -> Line:
    """`left` at the left, `right` at the right; `left` is cut, marked, where both have no room."""
    room = width - length(right)
    if room <= 0:
        return cut(left, width)
    kept = cut(left, room - 1 if right and length(left) >= room else room)
    return [*kept, Segment(" " * (room - length(kept)), blank), *right]


def cut(line: Line, width: int) -> Line:
    """The line in at most `width` cells; what is cut is marked."""
    if length(line) <= width:
        return line
    kept: Line = []
    left = width
    for text, style, _ in line:
        size = cell_len(text)
        if size < left:
            kept.append(Segment(text, style))
            left -= size
            continue
        kept.append(Segment(fit(text + ELLIPSIS, left), style))
        break
    return kept


def length(line: Line) -> int:
    return sum(cell_len(text) for text, _, _ in line)
