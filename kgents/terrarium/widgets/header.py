"""The first line tells the truth: which hive, where this comes from and how old it is, how busy, what waits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from kgents.looks import Tone
from kgents.terrarium.draw import Line, age, clean, cut, fit, length, percent, sparkline
from kgents.terrarium.hive import Hive
from kgents.terrarium.ink import Ink

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

GAP = 3
QUIET = 5.0
"""Seconds of silence from which on Cortex's answer is dated; after ten it is given up."""


class Header(Widget):
    """One line, and a second one while the hive is frozen. What has no room is left out."""

    title: reactive[str] = reactive("terrarium")

    def render_line(self, y: int) -> Strip:
        app = cast("TerrariumApp", self.app)
        width = self.size.width
        if y == 0:
            line = self._first(app, width)
        elif y == 1 and app.hive.frozen:
            line = self._frozen(app.hive.frozen, app.ink, width)
        else:
            line = []
        return Strip(line).adjust_cell_length(width).apply_style(app.ink.plain)

    def _first(self, app: TerrariumApp, width: int) -> Line:
        ink, hive = app.ink, app.hive
        badge = [Segment(f" ❦ {self.title} ", ink.style("ground", bold=True, on="well")), Segment("  ")]
        state = source_line(hive, app.clock(), ink)
        clock = [Segment(time.strftime("%H:%M:%S", time.localtime(app.clock())), ink.style("text")), Segment(" ")]
        room = width - length(badge) - length(state) - length(clock) - 2 * GAP
        where = self._where(app, ink, max(room, 0))
        room -= length(where)
        rest: Line = []
        for part in self._figures(hive, ink):
            if length(part) + GAP <= room:
                rest += [*part, Segment(" " * GAP)]
                room -= length(part) + GAP
        left: Line = [*badge, *where, Segment(" " * GAP if where else ""), *state]
        right: Line = [*rest, *clock]
        gap = width - length(left) - length(right)
        return cut([*left, Segment(" " * max(gap, 1)), *right], width)

    def _where(self, app: TerrariumApp, ink: Ink, room: int) -> Line:
        context, namespace = clean(app.world.context), app.world.namespace or "all namespaces"
        line: Line = [
            Segment(context, ink.style("text", bold=True)),
            Segment(f"/{clean(namespace)}", ink.style("quiet")),
        ]
        if length(line) <= room:
            return line
        return [Segment(fit(context, min(room, len(context))), ink.style("text", bold=True))] if room >= 4 else []

    def _figures(self, hive: Hive, ink: Ink) -> list[Line]:
        """The most wanted first."""
        quiet, text = ink.style("quiet"), ink.style("text")
        if not hive.synced:
            return []
        waiting = hive.waiting()
        parts: list[Line] = []
        if waiting:
            parts.append([Segment(f"{waiting} to review", ink.style("watch", bold=True))])
        pressure = hive.pressure()
        if pressure is not None:
            spark = sparkline(hive.pressures()[-6:], 6).lstrip()
            parts.append(
                [
                    Segment("pressure ", quiet),
                    Segment(spark, ink.style("activity")),
                    Segment(f" {percent(pressure)}", text),
                ]
            )
        parts.append([Segment(_count(len(hive.agents), "agent"), quiet)])
        parts.append([Segment(_count(len(hive.signals), "signal"), quiet)])
        return parts

    def _frozen(self, frozen: dict[str, str], ink: Ink, width: int) -> Line:
        reason = f": {frozen['reason']}" if frozen.get("reason") else ""
        text = clean(f"❄ FROZEN by {frozen.get('by') or 'somebody'}{reason}")
        hint = "  F thaws " if width > 40 else ""
        return [Segment(f" {fit(text, width - 1 - len(hint))}{hint}", ink.style("ground", bold=True, on="activity"))]


def source_line(hive: Hive, now: float, ink: Ink) -> Line:
    """Which layer tells this, and how old it is: `[Live]`, `[GHOST 42s]`, `[kubectl]`."""
    if not hive.synced:
        return [Segment("[…]", ink.style("quiet"))]
    layer, old = hive.source.layer, hive.age(now)
    if layer == "cortex" and old >= QUIET:  # it says every three seconds that all is as told
        return [Segment("◐ ", ink.style("watch")), Segment(f"[Live {age(old)}]", ink.style("watch", bold=True))]
    if layer == "cortex":
        return [Segment("● ", ink.style("well")), Segment("[Live]", ink.style("well", bold=True))]
    if layer == "kubectl":
        told = f" {age(old)}" if old >= 10 else ""
        return [Segment("◐ ", ink.style("activity")), Segment(f"[kubectl{told}]", ink.style("activity", bold=True))]
    tone: Tone = "trouble" if hive.source.staleness == "old" or old >= 600 else "watch"
    return [Segment(f" [GHOST {age(old)}] ", ink.style("ground", bold=True, on=tone))]


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", " ")
