"""THOUGHT STREAM: what agents write and say, what proposals become, what Kubernetes reports; one line each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType

from kgents.api.selecting import Selector
from kgents.looks import NO_LOOK, PHASE, Tone
from kgents.terrarium.draw import Line, clean, fit
from kgents.terrarium.hive import THOUGHTS, Hive, Key, Thought
from kgents.terrarium.widgets.pane import Pane

LEVELS = ("info", "warning", "error")
GLYPHS = {"log": "·", "signal": "≈", "proposal": "◆", "agent": "●", "event": "▪", "hive": "❄"}
_TONES: dict[str, Tone] = {"warning": "watch", "error": "trouble"}
_LOUD = frozenset({"warning", "error"})
NAME = 14
FORGOTTEN_AT_ONCE = 500


class Thoughts(Pane):
    """Follows the newest, until somebody looks at an older one; `f` follows again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow"),
        Binding("v", "level", "level"),
    ]
    TITLE = "THOUGHT STREAM"

    def __init__(self) -> None:
        super().__init__(id="thoughts")
        self.following = True
        self.least = "info"
        self._keys: list[Key] = []
        self._shown: dict[Key, Thought] = {}
        self._hive: Hive | None = None
        self._read = 0

    def keys(self) -> Sequence[Key]:
        return self._keys

    def hear(self) -> None:
        """Take in the thoughts since the last time."""
        hive = self.terrarium.hive
        if hive is not self._hive:  # another namespace, another layer, another hive: nothing of the old one stays
            self._hive = hive
            self.reorder()
            return
        count = min(hive.thought - self._read, len(hive.thoughts))
        number = hive.thought - count
        for thought in hive.recent(count):
            number += 1
            if self._lets(thought):
                key = ("", str(number))
                self._keys.append(key)
                self._shown[key] = thought
        self._read = hive.thought
        if len(self._keys) > THOUGHTS:
            self._forget(len(self._keys) - THOUGHTS + FORGOTTEN_AT_ONCE)
        if self.following:
            self._go_to_end()
        self.renewed()
        self.label()

    def reorder(self) -> None:
        self._shown.clear()
        self._keys.clear()
        self._read = max(0, self.terrarium.hive.thought - len(self.terrarium.hive.thoughts))
        self.hear()

    def only_agent(self, name: str) -> None:
        """Only what this agent says and does."""
        from kgents.api.selecting import parse

        self.choose(parse(f'who="{name}"'))

    def thought(self) -> Thought | None:
        """The one under the cursor."""
        return self._shown.get(self.key) if self.key else None

    def choose(self, selector: Selector | None) -> None:
        self.following = True
        super().choose(selector)

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        thought = self._shown.get(key)
        return self.line(thought, width) if thought else []

    def line(self, thought: Thought, width: int) -> Line:
        """One thought in `width` cells."""
        ink = self.ink
        glyph, tone = GLYPHS.get(thought.kind, "·"), self._tone(thought)
        at = time.strftime("%H:%M:%S", time.localtime(thought.at))
        name = min(NAME, max(width // 5, 8)) if width < 100 else NAME + 4
        return [
            Segment(f"{at} ", ink.style("quiet")),
            Segment(f"{glyph} ", ink.style(tone)),
            Segment(fit(clean(thought.who), name), ink.style("activity")),
            Segment("  " + clean(thought.text), ink.style("text" if thought.level == "info" else tone)),
        ]

    def place_text(self) -> str:
        return "" if self.following else super().place_text()

    def nothing(self) -> str:
        hive = self.terrarium.hive
        if self.selector or self.least != "info":
            return "Nothing like that was said."
        if hive.synced and hive.source.layer != "cortex":
            return "Only Cortex hears what is said."
        return "It is quiet." if hive.synced else ""

    def note(self) -> str:
        parts = (
            [] if self.least == "info" else [f"{self.least}s only" if self.least == "error" else "warnings and errors"]
        )
        hive = self.terrarium.hive
        if hive.unfollowed:
            parts.append(f"logs of {hive.unfollowed} agents are not read")
        parts.append("following" if self.following else "paused · f follows")
        return " · ".join(parts)

    def action_follow(self) -> None:
        self.following = not self.following
        if self.following:
            self._go_to_end()
            self.renewed()
        self.label()

    def action_level(self) -> None:
        self.least = LEVELS[(LEVELS.index(self.least) + 1) % len(LEVELS)]
        self.terrarium.kept.level = self.least
        self.reorder()

    def _put(self, place: int) -> None:
        """Who goes to the end follows again; who goes away from it has paused."""
        super()._put(place)
        self.following = self.cursor >= len(self._keys) - 1
        self.label()

    def _scroll(self, by: int) -> None:
        super()._scroll(by)
        if by > 0 and self.top + self.room >= len(self._keys):
            self._put(len(self._keys) - 1)

    def _go_to_end(self) -> None:
        if self._keys:
            self.cursor = len(self._keys) - 1
            self.key = self._keys[-1]

    def _forget(self, count: int) -> None:
        for key in self._keys[:count]:
            del self._shown[key]
        del self._keys[:count]
        self.cursor = max(self.cursor - count, 0)

    def _lets(self, thought: Thought) -> bool:
        if LEVELS.index(thought.level) < LEVELS.index(self.least):
            return False
        return not self.selector or self.selector.matches(thought.to_row())

    def _tone(self, thought: Thought) -> Tone:
        if thought.level in _LOUD:
            return _TONES[thought.level]
        if thought.kind in ("proposal", "agent"):
            return PHASE.get(thought.type, NO_LOOK).tone
        return {"signal": "deed", "hive": "activity"}.get(thought.kind, "quiet")  # type: ignore[return-value]
