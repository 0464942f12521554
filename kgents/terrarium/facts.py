"""Facts as lines: a label at the left, quiet; what is so at the right, wrapped. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.segment import Segment

from kgents.api import times
from kgents.looks import Tone
from kgents.terrarium.draw import Line, age, clean, cut, length
from kgents.terrarium.ink import Ink

LABEL = 12


def title(text: str, width: int, ink: Ink) -> Line:
    """A heading with a line behind it that ends where the page does."""
    head = f"{text} "
    return [
        Segment(head, ink.style("well", bold=True)),
        Segment("─" * max(width - len(head), 0), ink.style("line")),
    ]


def fact(label: str, value: str | Line, width: int, ink: Ink, tone: Tone = "text") -> list[Line]:
    """One fact; a text that is too long goes on below."""
    room = max(width - LABEL, 8)
    begin = Segment(label.ljust(LABEL)[:LABEL], ink.style("quiet"))
    if not isinstance(value, str):
        return [[begin, *cut(value, room)]]
    blank = Segment(" " * LABEL, ink.style("quiet"))
    style = ink.style(tone)
    return [[blank if nth else begin, Segment(part, style)] for nth, part in enumerate(wrapped(value, room))]


def quiet(text: str, width: int, ink: Ink) -> list[Line]:
    """A quiet sentence."""
    return [[Segment(part, ink.style("quiet"))] for part in wrapped(text, width)]


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells; words that are too long are broken."""
    return [part for line in text.splitlines() or [""] for part in _wrapped(clean(line), max(width, 1))]


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if cell_len(line) + cell_len(word) + 1 <= width or not line:
            line = f"{line} {word}" if line else word
        else:
            yield line
            line = word
        if cell_len(line) > width:
            *whole, line = chop_cells(line, width)
            yield from whole
    yield line


def folded(line: Line, width: int) -> list[Line]:
    """One line in pieces of at most `width` cells; what goes on below is indented as it was, and a little more."""
    text, width = "".join(part for part, _, _ in line), max(width, 2)  # the widest sign has two cells
    if len(text) <= width // 2:
        return [line]
    indent = min(len(text) - len(text.lstrip("│├└─ ")) + 2, width // 2, width - 2)
    begin = Segment(" " * indent, line[0].style) if line else Segment("")
    made: list[Line] = [[]]
    room = width
    for part, style, _ in line:
        rest = part
        while rest:
            taken, rest = _split(rest, room)
            if taken:
                made[-1].append(Segment(taken, style))
                room -= cell_len(taken)
            if rest:
                made.append([begin])
                room = width - indent
    return made


def _split(text: str, room: int) -> tuple[str, str]:
    """As much as fits, up to the last space if there is one not too far away; and the rest."""
    if cell_len(text) <= room:
        return text, ""
    whole = chop_cells(text, room)[0] if room >= 2 else ""
    space = whole.rfind(" ", len(whole) // 2)
    cut = space + 1 if space > 0 else len(whole) or int(room >= 2)
    return text[:cut], text[cut:]


def beside(left: list[Line], right: list[Line], width: int, ink: Ink, gap: int = 3) -> list[Line]:
    """Two blocks next to each other, each in half of the width."""
    half = (width - gap) // 2
    made: list[Line] = []
    for nth in range(max(len(left), len(right))):
        first = cut(left[nth], half) if nth < len(left) else []
        second = right[nth] if nth < len(right) else []
        made.append([*first, Segment(" " * (half + gap - length(first)), ink.style("text")), *second])
    return made


def since(text: object, now: float) -> str:
    """`4m` for a time of the API, a dash where it is none."""
    at = times.parse(text)
    return age(None if at is None else max(now - at, 0.0))


def clock(at: float) -> str:
    """As the header writes the time."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def joined(items: object, none: str) -> str:
    """A list in words; `none` where it is empty."""
    found = [str(one) for one in items] if isinstance(items, (list, tuple)) else []
    return ", ".join(found) or none


def pairs(value: object) -> Iterable[tuple[str, Any]]:
    """The entries of a map; none of what is no map."""
    return [(str(key), one) for key, one in value.items()] if isinstance(value, Mapping) else []


def part(value: object, key: str) -> Mapping[str, Any]:
    """A map inside of a map, empty where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
