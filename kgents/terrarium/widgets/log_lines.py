"""An agent's log as it is written: bounded, filtered, followed until somebody looks at an older line."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from kgents.api.selecting import Selector, parse
from kgents.glass.ending import Ending
from kgents.looks import Tone
from kgents.terrarium.draw import Line
from kgents.terrarium.hive import Key, level_of
from kgents.terrarium.listening import Listener
from kgents.terrarium.widgets.page import Page, plain_line

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

KEPT = 5000
"""Lines that are kept; older ones are forgotten."""
TAIL = 200
FRAME = 0.1
AGAIN = 30
"""Frames until a log that ended is asked for again."""
HEARD = 50
"""Frames after which a log that was asked for again, and says nothing, is heard: it would have failed by then."""
MISSED = "It was not heard for a while: lines may be missing here"
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
        self._frames = self._ended = 0
        """Since it was asked for, and since it ended."""
        self._counts = (0, 0)
        """Lines that are shown, and all that are kept."""
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

        def listen(ending: Ending) -> Iterator[str]:
            return world.follow_logs(name, namespace, tail, ending)

        self._frames = self._ended = 0
        self._listener = Listener(listen)

    @property
    def state(self) -> str:
        """In a few words, for the border: what is shown and whether it moves."""
        parts = [f"/{self.selector.text}"] if self.selector else []
        shown, kept = self._counts
        parts.append(f"{shown} of {kept} lines" if self.selector else f"{kept} lines")
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
        self._frames += 1
        why = self.why
        came: list[LogLine] = []
        if listener.ended and not lines:
            self._over(listener)
        elif why and (lines or self._frames > HEARD):
            self.why = ""
            came += [LogLine("told", MISSED)] if self._kept else []
        if lost:
            came.append(LogLine("told", f"{lost} lines came faster than they could be shown"))
        came += [LogLine(level_of(text), text) for text in map(plain_line, lines)]
        if came or why != self.why:
            going = itertools.islice(self._kept, max(len(self._kept) + len(came) - KEPT, 0))
            gone = len(self._chosen(going))
            self._kept.extend(came)
            self._renewed()
            if gone and not self.following:  # what somebody looks at stays where it is
                self.scroll_to(y=self.scroll_offset.y - gone, animate=False, immediate=True)

    def _chosen(self, lines: Iterable[LogLine]) -> list[LogLine]:
        chosen = self.selector
        return [line for line in lines if chosen is None or chosen.matches(line.to_row())]

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
        shown = self._chosen(self._kept)
        self._counts = _written(shown), _written(self._kept)
        if self.why:
            shown.append(LogLine("told", self.why))
        elif not self._kept:
            shown.append(LogLine("told", "Nothing is written yet."))
        elif not shown:
            shown.append(LogLine("told", "No line is like that."))
        return _Lines(shown, self)


def _written(lines: Iterable[LogLine]) -> int:
    """How many of them the agent wrote."""
    return sum(1 for line in lines if line.level != "told")


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
