"""The last line teaches: the keys that work here, now. A click on one presses it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from kgents.terrarium.draw import Line, cut, length
from kgents.terrarium.ink import Ink

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

MORE = 3
KEPT = ("esc", "?")
"""The way back, and the way to all the others."""
_SIGNS = {
    "enter": "⏎",
    "space": "␣",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "escape": "esc",
    "tab": "⇥",
    "shift+tab": "⇤",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def sign(key: str) -> str:
    """A key as people write it."""
    return _SIGNS.get(key, key.replace("ctrl+", "^"))


def _part(key: str, label: str, can: bool, ink: Ink) -> Line:
    glyph = Segment(f" {key} ", ink.style("well" if can else "quiet", bold=True, dim=not can))
    return [glyph, Segment(f"{label}  ", ink.style("quiet", dim=not can))]


class Keys(Widget):
    """One line of keys. What cannot be done now is dimmed; what has no room is behind `?`. `KEPT` always have some."""

    def __init__(self) -> None:
        super().__init__()
        self._spots: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._renew)

    def _renew(self, screen: Screen[object]) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        app = cast("TerrariumApp", self.app)
        width, ink = self.size.width, app.ink
        line: Line = []
        self._spots = []
        entries = [(key, action, _part(key, label, can, ink)) for key, label, can, action in self._entries()]
        if sum(length(part) for _, _, part in entries) > width:
            kept = [entry for entry in entries if entry[0] in KEPT]
            others = [entry for entry in entries if entry[0] not in KEPT]
            left = width - MORE - sum(length(part) for _, _, part in kept)
            ends = itertools.accumulate(length(part) for _, _, part in others)
            count = sum(1 for end in ends if end <= left)
            entries = [*others[:count], ("", "", [Segment(" …".ljust(MORE), ink.style("quiet"))]), *kept]
        for _, action, part in entries:
            if action:
                self._spots.append((length(line), length(line) + length(part), action))
            line += part
        return Strip(cut(line, width)).adjust_cell_length(width, self.rich_style).apply_style(self.rich_style)

    async def on_click(self, event: events.Click) -> None:
        for begin, end, action in self._spots:
            if begin <= event.x < end:
                await self.screen.run_action(action)
                return

    def _entries(self) -> list[tuple[str, str, bool, str]]:
        """(key, label, whether it can be done now, action), the focused widget's first."""
        app = cast("TerrariumApp", self.app)
        found = []
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not active.enabled:
                continue
            key = binding.key_display or sign(binding.key)
            namespace = "focused." if active.node is self.screen.focused else ""
            if active.node is self.app:
                namespace = "app."
            can = app.can(binding.action)
            found.append((key, binding.description, can, namespace + binding.action))
        return found
