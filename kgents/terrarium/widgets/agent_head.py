"""The two lines over an agent's screen, and the line of its sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kgents.looks import HEALTH, NO_LOOK, PHASE, Tone
from kgents.terrarium.draw import UNKNOWN, Line, age, bar, clean, fit, length, percent, sparkline, spread
from kgents.terrarium.hive import Key, Row, age_of
from kgents.terrarium.ink import Ink

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

BAR = 12
LEAST_LABEL = 3


class AgentHead(Widget):
    """Who it is and how it does. `row` is the last that was told of it; `gone`: it is there no longer."""

    DEFAULT_CSS = "AgentHead { height: 2; padding: 0 1; background: $background; }"

    def __init__(self, agent: Key) -> None:
        super().__init__()
        self._agent = agent
        self.row: Row = {}
        self.gone = False

    def render_line(self, y: int) -> Strip:
        app = cast("TerrariumApp", self.app)
        width, ink = self.content_size.width, app.ink
        line = self._first(app, ink, width) if y == 0 else self._second(app, ink, width)
        return Strip(line).adjust_cell_length(width).apply_style(ink.plain)

    def _first(self, app: TerrariumApp, ink: Ink, width: int) -> Line:
        row = self.row
        phase, mind = str(row.get("phase")), str(row.get("cognitiveHealth") or "Unknown")
        look = PHASE.get(phase, NO_LOOK)
        blank = ink.style("text")
        left: Line = [
            Segment("✕ " if self.gone else f"{look.glyph} ", ink.style("quiet" if self.gone else look.tone)),
            Segment(clean(self._agent[1]), ink.style("text", bold=True)),
            Segment(f"  {clean(self._agent[0])}", ink.style("quiet")),
        ]
        if self.gone:
            return spread(left, [Segment("gone: this is the last that was told", ink.style("watch"))], width, blank)
        right: Line = [
            Segment(clean(phase), ink.style(look.tone)),
            Segment("   mind ", ink.style("quiet")),
            Segment(clean(mind), ink.style(HEALTH.get(mind, "quiet"))),
        ]
        return spread(left, right, width, blank)

    def _second(self, app: TerrariumApp, ink: Ink, width: int) -> Line:
        row = self.row
        value = row.get("activity")
        share = float(value) if isinstance(value, (int, float)) else None
        tone: Tone = "watch" if share is not None and share >= 0.7 else "well"
        quiet = ink.style("quiet")
        right: Line = [Segment(f"age {age(age_of(row, app.clock()))}", quiet)]
        restarts = row.get("restarts") or 0
        if restarts:
            right.append(Segment(f"  ↻{restarts}", ink.style("watch" if restarts < 5 else "trouble")))
        ready, wanted = row.get("readyReplicas"), row.get("replicas")
        if ready is not None and wanted is not None:
            right.append(Segment(f"  {ready}/{wanted}", ink.style("quiet" if ready == wanted else "watch")))
        image = clean(str(row.get("image") or ""))
        if image and width - length(right) - len(image) > 48:
            right.append(Segment(f"  {image}", quiet))
        if share is None:
            left: Line = [Segment(f"activity {UNKNOWN}", quiet)]
        else:
            left = [*bar(share, BAR, ink, tone), Segment(f"{percent(share):>5}  ", ink.style("text"))]
        room = min(width - length(left) - length(right) - 2, 60)
        history = app.hive.history(self._agent)[-room:] if room > 4 else []
        left.append(Segment(sparkline(history, len(history)) if history else "", ink.style("activity")))
        return spread(left, right, width, ink.style("text"))


class Sections(Widget):
    """`1 overview  2 events …`; what is shown stands out. A click chooses."""

    DEFAULT_CSS = "Sections { height: 1; padding: 0 1; background: $background; }"

    class Chosen(Message):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._names = names
        self._spots: list[tuple[int, int, str]] = []
        self.shown: frozenset[str] = frozenset()
        self.counts: dict[str, int] = {}

    def render_line(self, y: int) -> Strip:
        ink: Ink = cast("TerrariumApp", self.app).ink
        width = self.content_size.width
        line: Line = []
        self._spots = []
        gap, longest = self._fitting(width)
        for nth, name in enumerate(self._names, 1):
            chosen = name in self.shown
            label = name if chosen or len(name) <= longest else fit(name, longest)
            count = f" {self.counts[name]}" if self.counts.get(name) and longest >= len(name) else ""
            begin = length(line)
            line.append(Segment(f"{nth} ", ink.style("well" if chosen else "quiet", bold=chosen)))
            line.append(Segment(label, ink.style("text" if chosen else "quiet", bold=chosen)))
            line.append(Segment(count, ink.style("activity")))
            self._spots.append((begin, length(line), name))
            line.append(Segment(" " * gap, ink.style("quiet")))
        return Strip(line).adjust_cell_length(width).apply_style(ink.plain)

    def on_click(self, event: events.Click) -> None:
        x = event.get_content_offset_capture(self).x
        for begin, end, name in self._spots:
            if begin <= x < end:
                self.post_message(self.Chosen(name))

    def _fitting(self, width: int) -> tuple[int, int]:
        """(gap, cells that a label which is not shown may have): as much as fits; what is cut is marked."""
        whole = max(len(name) for name in self._names)
        counts = sum(len(f" {count}") for count in self.counts.values() if count)
        for gap in (3, 2, 1):
            if sum(len(name) + 2 + gap for name in self._names) + counts <= width:
                return gap, whole
        for longest in range(whole, LEAST_LABEL, -1):
            used = sum(len(name) if name in self.shown else min(len(name), longest) for name in self._names)
            if used + 3 * len(self._names) - 1 <= width:
                return 1, longest
        return 1, LEAST_LABEL
