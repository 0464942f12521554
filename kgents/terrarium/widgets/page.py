"""A page of text that scrolls: lines are drawn when they are seen. Text of the hive is data, never markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kgents.terrarium.draw import ELLIPSIS, Line, clean, cut, length
from kgents.terrarium.ink import Ink

Make = Callable[[int], Sequence[Line]]
"""The lines of a page so many cells wide."""
SHIFT = 8


class Page(ScrollView, can_focus=True):
    """Shows what `make` gives for its width. `follow`: who stands at the end stays there when it grows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "by(1)", "down", show=False),
        Binding("up,k", "by(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
        Binding("home", "by(-1000000000)", "first", show=False),
        Binding("end,G", "by(1000000000)", "last", show=False),
        Binding("right", "shift(1)", "right", show=False),
        Binding("left", "shift(-1)", "left", show=False),
    ]
    DEFAULT_CSS = """
    Page { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; background: $background; }
    """

    def __init__(self, make: Make, *, id: str | None = None, classes: str | None = None, follow: bool = False) -> None:
        super().__init__(id=id, classes=classes)
        self._make = make
        self._lines: Sequence[Line] = ()
        self._shift = 0
        self._sought = ""
        self.follow = follow

    @property
    def ink(self) -> Ink:
        return cast(Ink, self.app.ink)  # type: ignore[attr-defined]

    def renew(self) -> None:
        """What it shows has changed."""
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        at_end = self.at_end
        self._lines = self._make(width)
        self.virtual_size = Size(width, len(self._lines))
        if self.follow and at_end:
            self.scroll_end(animate=False, immediate=True)
        self.refresh()

    @property
    def at_end(self) -> bool:
        return self.scroll_offset.y >= self.max_scroll_y

    def plain(self) -> list[str]:
        """The lines as text."""
        return ["".join(text for text, _, _ in line).rstrip() for line in self._lines]

    def seek(self, text: str) -> list[int]:
        """Marks `text` wherever it stands, and gives the lines; "" marks nothing."""
        self._sought = text.casefold()
        self.refresh()
        return [at for at, line in enumerate(self.plain()) if self._sought and self._sought in line.casefold()]

    def show_line(self, at: int) -> None:
        """Brings a line into sight, not at the very edge."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if not top <= at < top + height:
            self.scroll_to(y=max(at - height // 3, 0), animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        at = y + self.scroll_offset.y
        if at >= len(self._lines):
            return Strip.blank(self.size.width, self.ink.plain)
        line = self._lines[at]
        if self._sought:
            line = marked(line, self._sought, self.ink.style("ground", bold=True, on="watch"))
        line = cut(shifted(line, self._shift, self.ink), width)
        return Strip(line).adjust_cell_length(self.size.width).apply_style(self.ink.plain)

    def on_mount(self) -> None:
        self.renew()

    def watch_show_vertical_scrollbar(self) -> None:
        """The bar takes room from the lines, or gives it back."""
        self.call_after_refresh(self.renew)

    def on_resize(self, event: events.Resize) -> None:
        self.renew()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.call_after_refresh(self.renew)

    def action_by(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, immediate=True)

    def action_page(self, pages: float) -> None:
        self.action_by(int(pages * max(self.scrollable_content_region.height - 1, 1)))

    def action_shift(self, by: int) -> None:
        """Sideways, for lines that are longer than the page is wide."""
        longest = max((length(line) for line in self._lines), default=0)
        most = max(longest - self.scrollable_content_region.width + 1, 0)
        self._shift = min(max(self._shift + by * SHIFT, 0), most)
        self.refresh()


def shifted(line: Line, by: int, ink: Ink) -> Line:
    """The line from so many cells on; that something is before is marked."""
    if by <= 0 or not line:
        return line
    rest = Strip(line).crop(by + 1, None)
    return [Segment(ELLIPSIS, ink.style("quiet")), *rest]


def marked(line: Line, sought: str, style: Style) -> Line:
    """The line with every place of `sought` (casefolded) in another style."""
    text = "".join(part for part, _, _ in line)
    folded = text.casefold()
    if len(folded) != len(text) or sought not in folded:  # where folding changes lengths, places would be wrong
        return line
    inside = bytearray(len(text))
    at = folded.find(sought)
    while at >= 0:
        inside[at : at + len(sought)] = b"\1" * len(sought)
        at = folded.find(sought, at + len(sought))
    made: Line = []
    place = 0
    for part, own, _ in line:
        begin = 0
        for end in range(1, len(part) + 1):
            if end == len(part) or inside[place + end] != inside[place + begin]:
                made.append(Segment(part[begin:end], style if inside[place + begin] else own))
                begin = end
        place += len(part)
    return made


def plain_line(text: str) -> str:
    """A line of a text as it may stand on the screen: cleaned, its indentation kept."""
    body = text.expandtabs(4)
    return " " * (len(body) - len(body.lstrip(" "))) + clean(body)
