"""An agent's log as it is written: bounded, filtered, followed until somebody looks at an older line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from kgents.api.selecting import Selector, parse
from kgents.looks import Tone
from kgents.terrarium.draw import Line
from kgents.terrarium.hive import Key, level_of
from kgents.terrarium.listening import Listener
from kgents.terrarium.widgets.page import Page, plain_line
from kgents.terrarium.world import Pause

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

KEPT = 5000
"""Lines that are kept; older ones are forgotten."""
TAIL = 200
FRAME = 0.1
AGAIN = 30
"""Frames until a log that ended is asked for again."""
_LOOKS: dict[str, tuple[str, Tone, Tone]] = {
    "error": ("✖ ", "trouble", "trouble"),
    "warning": ("▲ ", "watch", "watch"),
    "info": ("  ", "quiet", "text"),
    "told": ("· ", "quiet", "quiet"),
}
"""By level: the glyph, its tone, and the text's. `told` is what Terrarium says itself."""


class LogLine(NamedTuple):
    level: str
    text: str

    def to_row(self) -> dict[str, str]:
        """As selectors see it."""
        return {"level": self.level, "text": self.text}


class LogLines(Page):
    """Listens from `start` until it is taken away. `f` follows and pauses."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "follow", "follow")]

    class Told(Message):
        """What `state` says has changed."""

    def __init__(self, agent: Key, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(self._drawn, id=id, classes=classes)
        self._agent = agent
        self._kept: deque[LogLine] = deque(maxlen=KEPT)
        self._listener: Listener[str] | None = None
        self._ended = 0
        self.following = True
        self.selector: Selector | None = None
        self.why = ""
        """Why nothing is heard, where that is so."""

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(FRAME, self._hear)

    def on_unmount(self) -> None:
        if self._listener is not None:
            self._listener.stop()

    def start(self, tail: int = TAIL) -> None:
        """Listens, if it does not yet."""
        if self._listener is not None:
            return
        world, (namespace, name) = cast("TerrariumApp", self.app).world, self._agent

        def listen(pause: Pause) -> Iterator[str]:
            return world.follow_logs(name, namespace, tail)

        self._ended = 0
        self._listener = Listener(listen)

    @property
    def state(self) -> str:
        """In a few words, for the border: what is shown and whether it moves."""
        parts = [f"/{self.selector.text}"] if self.selector else []
        parts.append(f"{len(self._lines)} of {len(self._kept)} lines" if self.selector else f"{len(self._kept)} lines")
        parts.append("not heard now" if self.why else "following" if self.following else "paused · f follows")
        return " · ".join(parts)

    def choose(self, text: str) -> None:
        """Only lines that the selector lets through. Raises UsageError for what is none."""
        self.selector = parse(text) or None
        self._renewed()

    def action_follow(self) -> None:
        self.following = not self.following
        self._renewed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) == round(new_value):
            return
        followed, self.following = self.following, new_value >= self.max_scroll_y
        if followed != self.following:
            self.post_message(self.Told())

    def on_resize(self, event: events.Resize) -> None:
        self._renewed()

    def _hear(self) -> None:
        listener = self._listener
        if listener is None:
            return
        lines = listener.take()
        lost, listener.lost = listener.lost, 0
        if lost:
            self._kept.append(LogLine("told", f"{lost} lines came faster than they could be shown"))
        self._kept.extend(LogLine(level_of(text), text) for text in map(plain_line, lines))
        why = self.why
        if listener.ended and not lines:
            self._over(listener)
        elif lines:
            self.why = ""
        if lines or lost or why != self.why:
            self._renewed()

    def _over(self, listener: Listener[str]) -> None:
        """It ended: a pod has gone, or nothing live answers. It is asked for again by and by."""
        self._ended += 1
        if self._ended == 1:
            self.why = str(listener.failed or "The log has ended")
        if self._ended > AGAIN and self.following:
            self._listener = None
            self.start(tail=0 if self._kept else TAIL)

    def _renewed(self) -> None:
        self.renew()
        if self.following:
            self.scroll_end(animate=False, immediate=True)
            self.call_after_refresh(self._to_end)  # once there is room for what came
        self.post_message(self.Told())

    def _to_end(self) -> None:
        if self.following:
            self.scroll_end(animate=False, immediate=True)

    def _drawn(self, width: int) -> Sequence[Line]:
        chosen = self.selector
        shown = [line for line in self._kept if chosen is None or chosen.matches(line.to_row())]
        if self.why:
            shown.append(LogLine("told", self.why))
        elif not self._kept:
            shown.append(LogLine("told", "Nothing is written yet."))
        elif not shown:
            shown.append(LogLine("told", "No line is like that."))
        return _Lines(shown, self)


class _Lines(Sequence[Line]):
    """Drawn one by one, when they are seen."""

    def __init__(self, lines: list[LogLine], page: Page) -> None:
        self._lines, self._page = lines, page

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, at: int) -> Line:  # type: ignore[override]
        line, ink = self._lines[at], self._page.ink
        glyph, sign, tone = _LOOKS[line.level]
        return [Segment(glyph, ink.style(sign)), Segment(line.text, ink.style(tone))]
