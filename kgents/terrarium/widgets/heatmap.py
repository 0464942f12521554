"""The signals in the air as a picture: a field, a grid or a timeline, with a cursor that says what made a spot."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, cast

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kgents.terrarium.heat.colours import Rgb, mix
from kgents.terrarium.heat.field import level
from kgents.terrarium.heat.grid import last_top
from kgents.terrarium.heat.picture import BOLD, DIM, REVERSE, Cell, Picture, Stop
from kgents.terrarium.heat.pictures import MODES, Mode, draw, lines_of, usual_mode
from kgents.terrarium.heat.places import Places
from kgents.terrarium.heat.scent import Key, Scent
from kgents.terrarium.heat.telling import facts, reasons
from kgents.terrarium.ink import Ink

_TWO_LINES_FROM = 8
"""Lines of the pane from which on what is told of a spot may take two."""
_STYLES = 32768
_SECONDS_SEEN = 5.0
"""The timeline moves that often."""
_OLD_SHARE = 0.35
"""How much nearer to the ground what is old is drawn."""


@lru_cache(maxsize=8192)
def _colour(rgb: Rgb) -> Color:
    return Color.from_rgb(*rgb)


class Heatmap(Widget, can_focus=True):
    """Give it what there is with `show`, once a second or so: signals fade. It draws only what looks different."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mode", "mode"),
        Binding("left,h", "go(-1, 0)", "left", show=False),
        Binding("down,j", "go(0, 1)", "down", show=False),
        Binding("up,k", "go(0, -1)", "up", show=False),
        Binding("right,l", "go(1, 0)", "right", show=False),
        Binding("enter", "open", "open"),
    ]

    class Opened(Message):
        """Somebody wants to see the signal of `key`."""

        def __init__(self, heatmap: Heatmap, key: Key) -> None:
            super().__init__()
            self.heatmap, self.key = heatmap, key

        @property
        def control(self) -> Heatmap:
            return self.heatmap

    class ModeChanged(Message):
        """Somebody chose another mode."""

        def __init__(self, heatmap: Heatmap, mode: Mode) -> None:
            super().__init__()
            self.heatmap, self.mode = heatmap, mode

        @property
        def control(self) -> Heatmap:
            return self.heatmap

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        # Opacity of text alone would dim every other row of pixels; what is old is dimmed in `_style`.
        self.styles.text_opacity = 1.0
        self.chosen: Mode | None = None
        """The mode that somebody chose, kept between runs; None: the usual one for what is there."""
        self.top = 0
        """The number of the first agent of the grid."""
        self.drawn = 0
        """How many pictures were made so far."""
        self._scents: Sequence[Scent] = ()
        self._agents: Sequence[Key] = ()
        self._reactors: Mapping[str, Sequence[str]] = {}
        self._now = 0.0
        self._old = False
        self._usual: Mode = "field"
        self._places = Places()
        self._picture: Picture | None = None
        self._look: object = None
        self._cursor: Hashable = None
        self._at: tuple[int, int] | None = None
        """The cell of the cursor; None until it is wanted."""
        self._hovered: tuple[int, int] | None = None
        self._rows: list[list[Cell]] = []
        self._styles: dict[tuple[Rgb | None, Rgb | None, int], Style] = {}

    @property
    def mode(self) -> Mode:
        """The mode that is shown."""
        return self.chosen or self._usual

    @property
    def ink(self) -> Ink:
        return cast(Ink, self.app.ink)  # type: ignore[attr-defined]

    def show(
        self,
        scents: Sequence[Scent],
        *,
        agents: Sequence[Key],
        reactors: Mapping[str, Sequence[str]],
        now: float,
        old: bool = False,
    ) -> None:
        """What there is at `now`, in seconds. `agents` in the order of their list, `reactors`: names by type.

        `old`: this is how it was, not how it is; it is dimmed.
        """
        self._scents, self._agents, self._reactors, self._now = scents, agents, reactors, now
        self._usual = usual_mode(scents)
        if old != self._old:
            self._old = old
            self._styles.clear()
            self.refresh()
        self._draw()

    def place_text(self) -> str:
        """What the picture shows, for the border."""
        if self.mode != "grid" or self.top == 0:
            return self.mode
        return f"{self.mode}, from agent {self.top + 1} of {len(self._agents)}"

    # Drawing

    def _draw(self) -> None:
        """Makes the picture anew if anything in it would look different."""
        width, height = self.size
        if not self.is_mounted or width < 1 or height < 1:
            return
        self.top = min(self.top, last_top(len(self._agents), lines_of(height)))
        look = self._look_of(width, height)
        if look != self._look:
            self._look = look
            self.drawn += 1
            self._picture = draw(
                self.mode,
                self._scents,
                width,
                height,
                self.ink,
                places=self._places,
                agents=self._agents,
                top=self.top,
                smooth=self._smooth,
            )
            self._follow(self._picture)
        self._paint()

    def _look_of(self, width: int, height: int) -> object:
        """What the picture hangs on, no finer than it is seen."""
        mode = self.mode
        agents = tuple(self._agents[self.top : self.top + height]) if mode == "grid" else ()
        moment = int(self._now / _SECONDS_SEEN) if mode == "time" else 0
        seen = tuple((scent.key, level(scent.intensity)) for scent in self._scents)
        return mode, width, height, self.top, agents, len(self._agents), moment, id(self.ink), self._smooth, seen

    @property
    def _smooth(self) -> bool:
        """Whether the terminal has colours enough for soft ones."""
        return self.app.is_headless or self.app.console.color_system != "standard"

    def _follow(self, picture: Picture) -> None:
        """The cursor stays with what it was on, else where it was."""
        stop = picture.stop(self._cursor) if self._cursor is not None else None
        if stop is not None:
            self._at = (stop.x, stop.y)
        elif self._at is not None:
            self._at = (min(self._at[0], picture.width - 1), min(self._at[1], picture.height - 1))

    def _paint(self) -> None:
        """Puts cursor and words onto the picture, and has the lines drawn that are different now."""
        if self._picture is None:
            return
        shown = self._picture.copy()
        place = self._hovered or (self._at if self.has_focus else None)
        stops = self._picture.at(*place) if place else []
        if place and (stops or not self._hovered):
            self._put_cursor(shown, place, stops)
        if stops:
            self._put_words(shown, place or (0, 0), stops)
        before, self._rows = self._rows, shown.cells
        if len(before) != len(shown.cells) or (before and len(before[0]) != shown.width):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, shown.cells, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, shown.width, 1) for y in changed))

    def _put_cursor(self, shown: Picture, place: tuple[int, int], stops: Sequence[Stop]) -> None:
        x, y = place
        box = next((box for box in shown.boxes if stops and box.stop is stops[0]), None)
        if box is None or self.mode == "time":
            shown.reverse(x, x + 1, y)
        else:
            shown.reverse(box.left, box.right, box.top)

    def _put_words(self, shown: Picture, place: tuple[int, int], stops: Sequence[Stop]) -> None:
        """In the place of the legend; the second line lies over the picture, unless the cursor is there."""
        scents = [scent for stop in stops for scent in stop.scents]
        lines = [facts(scents, self.ink)]
        if shown.height >= _TWO_LINES_FROM and place[1] < shown.height - 2:
            lines.append(reasons(scents, self._reactors))
        else:
            lines[0] = [*lines[0], ("  ", "text", 0), *reasons(scents, self._reactors)]
        for nth, pieces in enumerate(lines):
            y = shown.height - len(lines) + nth
            shown.put(0, y, " " * shown.width, on=self.ink.ground)
            shown.write(0, y, pieces)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self._style(None, self._ground, 0))
        segments: list[Segment] = []
        text, last = "", None
        for shown, foreground, background, weight in self._rows[y]:
            look = (foreground, background, weight)
            if look != last and last is not None:
                segments.append(Segment(text, self._style(*last)))
                text = ""
            last = look
            text += shown
        if last is not None:
            segments.append(Segment(text, self._style(*last)))
        strip = Strip(segments, len(self._rows[y]))
        return strip if self.ink.colours else strip.apply_style(self.rich_style)  # on the ground of the others

    @property
    def _ground(self) -> Rgb | None:
        return self.ink.ground if self.ink.colours else None

    def _style(self, foreground: Rgb | None, background: Rgb | None, weight: int) -> Style:
        key = (foreground, background, weight)
        style = self._styles.get(key)
        if style is None:
            if len(self._styles) >= _STYLES:
                self._styles.clear()
            if self._old and self.ink.colours:
                foreground, background = (
                    mix(colour, self.ink.ground, _OLD_SHARE) if colour else None for colour in (foreground, background)
                )
            style = Style.from_color(foreground and _colour(foreground), background and _colour(background))
            if weight:
                style += Style(
                    bold=bool(weight & BOLD) or None,
                    dim=bool(weight & DIM) or None,
                    reverse=bool(weight & REVERSE) or None,
                )
            self._styles[key] = style
        return style

    # What is done with it

    def action_mode(self) -> None:
        """To the next mode."""
        self.chosen = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self._draw()
        self.post_message(self.ModeChanged(self, self.mode))

    def action_go(self, across: int, down: int) -> None:
        """To the nearest spot in a direction; the grid moves on where it has more agents."""
        picture = self._picture
        if picture is None:
            return
        if self._at is None:
            self._enter()
            return
        stop = picture.next(*self._at, across, down)
        if stop is not None:
            self._go_to(stop)
        elif self.mode == "grid" and down:
            self._scroll(down)

    def action_open(self) -> None:
        self._open(self._at)

    def told(self) -> tuple[Scent, ...]:
        """The signals that the cursor, or the mouse, is on; those of the spot that matters most first."""
        return self._scents_at(self._hovered or self._at)

    def _scents_at(self, place: tuple[int, int] | None) -> tuple[Scent, ...]:
        return self._picture.scents_at(*place) if self._picture and place else ()

    def _enter(self) -> None:
        """The cursor appears, on the strongest spot."""
        if self._picture and self._picture.stops:
            self._go_to(max(self._picture.stops, key=lambda stop: stop.strength))

    def _go_to(self, stop: Stop) -> None:
        self._cursor, self._at, self._hovered = stop.ident, (stop.x, stop.y), None
        self._paint()

    def _scroll(self, lines: int) -> None:
        self.top = min(max(self.top + lines, 0), last_top(len(self._agents), lines_of(self.size.height)))
        self._draw()

    def _open(self, place: tuple[int, int] | None) -> None:
        scents = self._scents_at(place)
        if scents:
            self.post_message(self.Opened(self, scents[0].key))

    def on_resize(self) -> None:
        self._draw()

    def on_focus(self) -> None:
        if self._at is None:
            self._enter()
        self.call_later(self._paint)  # Textual counts it as focused, or not, only after this

    def on_blur(self) -> None:
        self.call_later(self._paint)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        place = (offset.x, offset.y) if offset is not None else None
        if place != self._hovered:
            self._hovered = place
            self._paint()

    def on_leave(self) -> None:
        self._hovered = None
        self._paint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self.mode == "grid":
            event.stop()
            self._scroll(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if self.mode == "grid":
            event.stop()
            self._scroll(-1)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or self._picture is None:
            return
        stops = self._picture.at(offset.x, offset.y)
        if stops:
            self._cursor, self._at = stops[0].ident, (stops[0].x, stops[0].y)
        self._open((offset.x, offset.y))
        self._paint()
