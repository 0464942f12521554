"""A list of which only the lines on the screen are ever drawn, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from kgents.terrarium.draw import Line, cut, fit, length
from kgents.terrarium.hive import Key
from kgents.terrarium.ink import Ink

WHEEL = 3


class Rows(Widget, can_focus=True):
    """A cursor that stays with its row while the order changes, by keys, mouse and wheel.

    A subclass says which keys there are (`keys`), how one is drawn (`draw`), and what stands where there is none.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
        Binding("home", "move(-1000000000)", "first", show=False),
        Binding("end,G", "move(1000000000)", "last", show=False),
        Binding("enter", "open", "open"),
    ]
    top: reactive[int] = reactive(0)

    class Opened(Message):
        """Somebody wants to see the row of `key`."""

        def __init__(self, rows: Rows, key: Key) -> None:
            super().__init__()
            self.rows, self.key = rows, key

        @property
        def control(self) -> Rows:
            return self.rows

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: Rows) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> Rows:
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.key: Key | None = None
        self.cursor = 0

    def keys(self) -> Sequence[Key]:
        """All rows, in order. Asked often: keep what it costs to make."""
        raise NotImplementedError

    def draw(self, key: Key, width: int, *, chosen: bool) -> Line:
        """The line of one row, `width` cells at most."""
        raise NotImplementedError

    def head(self, width: int) -> Line | None:
        """The line above the rows, if there is one."""
        return None

    def nothing(self) -> str:
        """What is said where there are no rows."""
        return ""

    @property
    def ink(self) -> Ink:
        return cast(Ink, self.app.ink)  # type: ignore[attr-defined]

    @property
    def room(self) -> int:
        """How many rows fit."""
        return max(self.size.height - (1 if self.head(self.size.width) is not None else 0), 0)

    def renewed(self) -> None:
        """The rows or their order have changed: the cursor goes with its row, and what is seen is drawn anew."""
        keys = self.keys()
        if self.key is not None and not (self.cursor < len(keys) and keys[self.cursor] == self.key):
            try:
                self.cursor = list(keys).index(self.key)
            except ValueError:
                self.cursor = min(self.cursor, max(len(keys) - 1, 0))
                self.key = None
        if self.key is None and keys:
            self.cursor = min(self.cursor, len(keys) - 1)
            self.key = keys[self.cursor]
            self.post_message(self.Moved(self))
        self._keep_in_sight()
        self.refresh()

    def shown(self) -> Sequence[Key]:
        """The keys of the lines that are on the screen."""
        return self.keys()[self.top : self.top + self.room]

    def place_text(self) -> str:
        """Where the cursor is, for the border: `12 of 340`; nothing where all can be seen."""
        count = len(self.keys())
        return f"{self.cursor + 1} of {count}" if count > self.room > 0 else ""

    def go_to(self, key: Key) -> bool:
        """Puts the cursor on a row. False when there is none of that key."""
        keys = list(self.keys())
        if key not in keys:
            return False
        self._put(keys.index(key))
        return True

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        head = self.head(width)
        if head is not None:
            if y == 0:
                return self._strip(head, width)
            y -= 1
        keys = self.keys()
        place = self.top + y
        if not keys and y == 0:
            return self._strip([Segment(fit(self.nothing(), width), self.ink.style("quiet"))], width)
        if place >= len(keys) or y >= self.room:
            return Strip.blank(width, self.ink.plain)
        chosen = place == self.cursor
        line = self.draw(keys[place], width, chosen=chosen)
        return self._chosen(line, width) if chosen and self.has_focus else self._strip(line, width)

    def action_move(self, by: int) -> None:
        self._put(self.cursor + by)

    def action_page(self, by: float) -> None:
        rows = max(int(abs(by) * (self.room - 1)), 1)
        self._put(self.cursor + (rows if by > 0 else -rows))

    def action_open(self) -> None:
        if self.key is not None:
            self.post_message(self.Opened(self, self.key))

    def on_click(self, event: events.Click) -> None:
        place = self._at(event.get_content_offset_capture(self).y)
        if place is None:
            return
        self._put(place)
        if event.chain == 2:
            self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-WHEEL)

    def on_resize(self) -> None:
        self._keep_in_sight()

    def _scroll(self, by: int) -> None:
        """The wheel moves the window; the cursor comes along where it would be lost from sight."""
        self.top = min(max(self.top + by, 0), max(len(self.keys()) - self.room, 0))
        self._put(min(max(self.cursor, self.top), self.top + max(self.room - 1, 0)))

    def _at(self, y: int) -> int | None:
        place = self.top + y - (1 if self.head(self.size.width) is not None else 0)
        return place if self.top <= place < len(self.keys()) else None

    def _put(self, place: int) -> None:
        keys = self.keys()
        if not keys:
            return
        before, self.cursor = self.cursor, min(max(place, 0), len(keys) - 1)
        self.key = keys[self.cursor]
        top = self.top
        self._keep_in_sight()
        if self.top != top:
            self.refresh()
        else:
            self._refresh_line(before)
            self._refresh_line(self.cursor)
        self.post_message(self.Moved(self))

    def _refresh_line(self, place: int) -> None:
        y = place - self.top + (1 if self.head(self.size.width) is not None else 0)
        self.refresh(Region(0, y, self.size.width, 1))

    def _keep_in_sight(self) -> None:
        room = max(self.room, 1)
        count = len(self.keys())
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor >= self.top + room:
            self.top = self.cursor - room + 1
        self.top = min(self.top, max(count - room, 0))

    def _strip(self, line: Line, width: int) -> Strip:
        return Strip(cut(line, width)).adjust_cell_length(width).apply_style(self.ink.plain)

    def _chosen(self, line: Line, width: int) -> Strip:
        """The row under the cursor: on a ground of its own; without colours, reversed."""
        line = cut(line, width)
        line = [*line, Segment(" " * (width - length(line)))]
        if not self.ink.colours:
            return Strip(Segment.apply_style(line, post_style=Style(bold=True, reverse=True)))
        ground = self.ink.style("text", on="selection").background_style
        return Strip(Segment.apply_style(line, style=ground))
