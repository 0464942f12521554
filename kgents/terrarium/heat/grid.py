"""The grid: the agents in the order of their list against the types that are there; only the lines shown are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from kgents.terrarium.draw import clean
from kgents.terrarium.heat.colours import Inks, Rgb, mix, plate
from kgents.terrarium.heat.picture import BOLD, Box, Picture, Stop
from kgents.terrarium.heat.scent import Key, Scent, mark, strongest_first, types_of

OTHERS: Final = "others"
_NAMES: Final = (6, 22)
"""The least and the most cells for names."""
_COLUMNS: Final = (3, 16)
"""The least and the most cells of a column; the last is air."""
_FIGURE: Final = 4
"""Cells of an intensity: `0.95`."""
_BLOCKS: Final = "·░▒▓█"
_STEPS: Final = 48


def grid(
    scents: Sequence[Scent],
    width: int,
    height: int,
    ink: Inks,
    agents: Sequence[Key],
    top: int = 0,
    *,
    smooth: bool = True,
) -> Picture:
    """The picture, from the agent number `top` on. The last line sums up those who have no line of their own.

    Agents are matched by namespace and name with who emitted a signal.
    """
    picture = Picture(width, height, ink)
    lines = height - 1
    if lines < 1 or width < 1:
        return picture
    rows, others = _rows(scents, agents, top, lines)
    columns = _Columns(scents, rows, width)
    columns.put_head(picture)
    picture.named = columns.named
    for nth, (agent, found) in enumerate(rows):
        picture.put(0, nth + 1, clean(agent[1]) or "?", "text" if found else "quiet", room=columns.names)
        _put_row(picture, columns, nth + 1, agent, found, smooth)
    if others is not None:
        picture.put(0, len(rows) + 1, OTHERS, "quiet", room=columns.names)
        _put_row(picture, columns, len(rows) + 1, ("", OTHERS), others, smooth)
    return picture


def last_top(count: int, height: int) -> int:
    """The furthest that a grid of `height` lines over `count` agents can be moved."""
    return max(count - max(height - 2, 1), 0)


Row = tuple[Key, list[Scent]]


def _rows(scents: Sequence[Scent], agents: Sequence[Key], top: int, lines: int) -> tuple[list[Row], list[Scent] | None]:
    """The lines to show and what is in them; for `others`, None where everything has a line."""
    shown = list(agents[top : top + lines])
    found: dict[Key, list[Scent]] = {agent: [] for agent in shown}
    rest = [scent for scent in scents if scent.emitter not in found]
    if len(agents) > len(shown) or rest:
        shown = shown[: max(lines - 1, 0)]
        found = {agent: [] for agent in shown}
        rest = []
        for scent in scents:
            found.get(scent.emitter, rest).append(scent)
        return [(agent, found[agent]) for agent in shown], rest
    for scent in scents:
        found[scent.emitter].append(scent)
    return [(agent, found[agent]) for agent in shown], None


class _Columns:
    """Which types have a column, and where."""

    def __init__(self, scents: Sequence[Scent], rows: Sequence[Row], width: int) -> None:
        types = types_of(scents)
        longest = max([len(OTHERS), *(cell_len(clean(agent[1])) for agent, _ in rows)])
        least, most = _COLUMNS
        # Names may take what the columns can spare.
        spare = max(width - len(types) * (_FIGURE + 2), width // 3)
        self.names = min(max(min(longest, _NAMES[1], spare), _NAMES[0]), max(width - least - 1, 1))
        room = max(width - self.names - 1, 0)
        count = min(len(types), room // least)
        if count < len(types):
            count = max(count - 1, 0)  # the last column says how many are missing
            strongest = _strongest(scents)[:count]
            self.types = [type for type in types if type in strongest]
        else:
            self.types = types
        self.missing = len(types) - len(self.types)
        wide = max(cell_len(clean(type)) for type in types) + 2 if types else least
        self.size = min(max(room // max(count + (self.missing > 0), 1), least), most, max(wide, _FIGURE + 2))
        self.start = self.names + 1
        self.named = not self.missing and all(cell_len(clean(type)) < self.size for type in self.types)

    def put_head(self, picture: Picture) -> None:
        for nth, type in enumerate(self.types):
            name = clean(type) if self.named else self._short(type)
            picture.put(
                self.start + nth * self.size, 0, name or "?", picture.ink.hue(type), weight=BOLD, room=self.size - 1
            )
        if self.missing:
            picture.put(self.start + len(self.types) * self.size, 0, f"+{self.missing}", "quiet")

    def _short(self, type: str) -> str:
        """As much of a type as its column has room for, where that says more than its mark."""
        return type if self.size > 7 and type.isascii() and type.isprintable() else mark(type)


def _put_row(picture: Picture, columns: _Columns, y: int, agent: Key, scents: list[Scent], smooth: bool) -> None:
    by_type: dict[str, list[Scent]] = {}
    for scent in scents:
        by_type.setdefault(scent.type, []).append(scent)
    for nth, type in enumerate(columns.types):
        x, room = columns.start + nth * columns.size, columns.size - 1
        found = by_type.get(type)
        if found is None:
            picture.put(x + (room - 1) // 2, y, "·", "line")
            continue
        strength = sum(scent.intensity for scent in found)
        _put_cell(picture, x, y, room, strength, type, smooth)
        stop = Stop((agent, type), x + room // 2, y, strongest_first(found), strength if agent[1] != OTHERS else 0.0)
        picture.stops.append(stop)
        picture.boxes.append(Box(x, y, min(x + room, picture.width), y + 1, stop))


def _put_cell(picture: Picture, x: int, y: int, room: int, strength: float, type: str, smooth: bool) -> None:
    """The strength as a colour and a figure where there is room for one, else as a block."""
    ink = picture.ink
    hue, figure = ink.hue(type), f"{strength:.2f}" if strength < 99.5 else "99+"
    if smooth and ink.colours:
        shade = mix(ink.ground, hue, _share(strength))
        if room < _FIGURE:
            picture.put(x, y, " " * room, on=shade)
            return
        text, on = _text_on(shade, ink)
        picture.put(x, y, figure.center(room), text, on=on)
        return
    block = _BLOCKS[min(int(min(strength, 1.0) * 4) + 1, 4)]
    drawn = f"{block} {figure}" if room >= _FIGURE + 2 else block * min(room, 2)
    picture.put(x, y, drawn.center(room), hue, room=room)


def _text_on(shade: Rgb, ink: Inks) -> tuple[Rgb, Rgb]:
    """What reads on the shade, and the shade, moved as little as it needs where nothing does."""
    text = ink.tones["text"]
    under = plate(shade, text, ink.ground)
    dark = plate(shade, ink.ground, text)
    far = sum(abs(one - other) for one, other in zip(under, shade, strict=True))
    return (
        (text, under)
        if far <= sum(abs(one - other) for one, other in zip(dark, shade, strict=True))
        else (ink.ground, dark)
    )


def _share(strength: float) -> float:
    """How much of the hue is seen: never so little that a weak one looks like none."""
    return 0.15 + 0.85 * round(min(strength, 1.0) * _STEPS) / _STEPS


def _strongest(scents: Sequence[Scent]) -> list[str]:
    total: dict[str, float] = {}
    for scent in scents:
        total[scent.type] = total.get(scent.type, 0.0) + scent.intensity
    return sorted(total, key=lambda type: (-total[type], type))
