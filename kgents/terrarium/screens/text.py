"""Screens of text: a log as it is written, why something is so, and an object as Kubernetes keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from kgents.api.errors import KgentsError, NotFound
from kgents.api.operations import why
from kgents.glass.answer import Row
from kgents.terrarium import facts, yaml_text
from kgents.terrarium.causes import tree_of
from kgents.terrarium.draw import Line, clean
from kgents.terrarium.hive import Key
from kgents.terrarium.screens.base import HiveScreen
from kgents.terrarium.screens.prompt import PromptScreen
from kgents.terrarium.widgets.header import Header
from kgents.terrarium.widgets.keys import Keys
from kgents.terrarium.widgets.log_lines import LogLines
from kgents.terrarium.widgets.page import Page, plain_line

PLURALS = {"agent": "agents", "signal": "pheromones", "proposal": "proposals"}


class TextScreen(HiveScreen, inherit_bindings=False):
    """Any text. `/` searches, `n` and `N` go from place to place, `w` wraps, `c` copies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/"),
        Binding("n", "next(1)", "next", show=False),
        Binding("N", "next(-1)", "before", show=False),
        Binding("w", "wrap", "wrap"),
        Binding("c", "copy", "copy"),
        Binding("escape", "leave", "back", key_display="esc"),
        Binding("q", "leave", "back", show=False),
    ]

    def __init__(self, title: str, text: str = "") -> None:
        super().__init__()
        self._title, self._text = title, text
        self._wrap = True
        self._sought = ""
        self._found: list[int] = []
        self._at = 0

    def compose(self) -> ComposeResult:
        yield Header()
        yield self.make_page()
        yield Keys()

    def make_page(self) -> Page:
        return Page(self.lines, id="page", classes="pane")

    @property
    def page(self) -> Page:
        return self.query_one("#page", Page)

    def on_mount(self) -> None:
        self.page.border_title = clean(self._title).replace("[", r"\[")
        self.page.focus()
        self.label()

    def text(self) -> str:
        """All of it, as it is copied."""
        return self._text

    def show(self, text: str) -> None:
        """Another text."""
        self._text = text
        self.page.renew()

    def lines(self, width: int) -> Sequence[Line]:
        """The text in lines of so many cells."""
        made: list[Line] = []
        for line in self._text.splitlines():
            drawn = self.line(plain_line(line))
            made += facts.folded(drawn, width) if self._wrap else [drawn]
        return made

    def line(self, text: str) -> Line:
        """One line in its colours."""
        return [Segment(text, self.terrarium.ink.style("text"))]

    def label(self) -> None:
        """What the border says."""
        parts = []
        if self._sought:
            place = f"{self._at + 1} of {len(self._found)}" if self._found else "nowhere"
            parts.append(f"/{clean(self._sought)} · {place}")
        parts.append("wrapped" if self._wrap else "not wrapped")
        self.page.border_subtitle = " · ".join(parts).replace("[", r"\[")

    def on_tick(self) -> None:
        for header in self.query(Header):
            header.refresh()

    def action_search(self) -> None:
        before = self._sought

        def done(text: str | None) -> None:
            self._seek(before if text is None else text)

        hint = "n the next  N the one before"
        self.app.push_screen(PromptScreen("/", before, hint, tried=self._seek), done)

    def action_next(self, by: int) -> None:
        if self._found:
            self._at = (self._at + by) % len(self._found)
            self.page.show_line(self._found[self._at])
        elif not self._sought:
            self.terrarium.tell("Nothing is searched for. / searches.", "warning")
        self.label()

    def action_wrap(self) -> None:
        self._wrap = not self._wrap
        self.page.renew()
        self._seek(self._sought)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.text())
        count = len(self.text().splitlines())
        self.terrarium.tell(f"Copied {count} line{'' if count == 1 else 's'}.")

    def action_leave(self) -> None:
        """Esc takes back the search first, then the screen."""
        if self._sought:
            self._seek("")
        else:
            self.dismiss()

    def _seek(self, text: str) -> None:
        self._sought = text
        self._found = self.page.seek(text)
        self._at = 0
        if self._found:
            below = [at for at, line in enumerate(self._found) if line >= self.page.scroll_offset.y]
            self._at = below[0] if below else 0
            self.page.show_line(self._found[self._at])
        self.label()


class WhyScreen(TextScreen):
    """The tree of causes."""

    def __init__(self, kind: str, key: Key) -> None:
        super().__init__(f"WHY {kind} {key[1]}", "Looking for the causes …")
        self._kind, self._key = kind, key

    def on_mount(self) -> None:
        super().on_mount()
        (namespace, name), world, kind = self._key, self.terrarium.world, self._kind
        if kind == "signal":
            signal = self.terrarium.hive.signals.get(self._key)
            causes = tree_of(self._key, self.terrarium.hive.signals)
            self.show("\n".join(["What led to it, as it says itself:", "", *(why.lines(causes) or ())]) if causes else (
                "It does not say what led to it." if signal else "That signal has faded away."))  # fmt: skip
            return

        def look() -> str:
            try:
                rows = world.read("witness.explain", namespace, None, name=f"{kind}/{name}").rows()
            except KgentsError as error:
                return _told(error)
            return "\n\n".join(_explained(row) for row in rows)

        self.terrarium.in_thread(look, self.show, "why")

    def line(self, text: str) -> Line:
        ink = self.terrarium.ink
        branch = len(text) - len(text.lstrip("│├└─ "))
        return [Segment(text[:branch], ink.style("line")), Segment(text[branch:], ink.style("text"))]


class YamlScreen(TextScreen):
    """The whole object; where only its row is remembered, that row, and a word that says so."""

    def __init__(self, kind: str, key: Key) -> None:
        super().__init__(f"YAML {kind} {key[1]}", "# Reading it …")
        self._kind, self._key = kind, key
        self._wrap = False

    def on_mount(self) -> None:
        super().on_mount()
        hive, world, (namespace, name) = self.terrarium.hive, self.terrarium.world, self._key
        plural = PLURALS.get(self._kind, self._kind)
        signal = hive.signals.get(self._key)
        remembered = {"agent": hive.agents, "proposal": hive.proposals}.get(self._kind, {}).get(self._key)
        row: Row | None = signal.row if signal is not None else remembered

        def look() -> str:
            try:
                found = world.read("objects.get", namespace, None, kind=plural, name=name).rows()
            except NotFound as error:
                return _told(error, "# ")
            except KgentsError as error:
                return _told(error, "# ") if row is None else _remembered(row, error)
            return yaml_text.dump(found[0]) if found else "# It is not there."

        self.terrarium.in_thread(look, self.show, "yaml")

    def line(self, text: str) -> Line:
        return yaml_text.coloured(text, self.terrarium.ink)


class LogsScreen(TextScreen):
    """One agent's log. `/` filters it here: what is written next may fit as well."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "filter", key_display="/"),
        Binding("escape", "leave", "back", key_display="esc"),
        Binding("q", "leave", "back", show=False),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__(f"LOG {key[1]}")
        self._key = key

    def make_page(self) -> Page:
        return LogLines(self._key, id="page", classes="pane")

    @property
    def log_lines(self) -> LogLines:
        return self.query_one("#page", LogLines)

    def on_mount(self) -> None:
        super().on_mount()
        self.log_lines.start()

    def text(self) -> str:
        return "\n".join(line[2:] for line in self.page.plain())

    @on(LogLines.Told)
    def label(self) -> None:
        self.page.border_subtitle = self.log_lines.state.replace("[", r"\[")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("wrap", "next") and super().check_action(action, parameters)

    def action_search(self) -> None:
        ask_filter(self, self.log_lines)

    def action_leave(self) -> None:
        if self.log_lines.selector:
            self.log_lines.choose("")
        else:
            self.dismiss()


def ask_filter(screen: HiveScreen, lines: LogLines) -> None:
    """Asks which lines of a log are wanted, and shows them while somebody types."""
    before = lines.selector.text if lines.selector else ""

    def done(text: str | None) -> None:
        if text is None:
            lines.choose(before)

    screen.app.push_screen(PromptScreen("/", before, "word  !word  level=error", tried=lines.choose), done)


def _explained(row: Row) -> str:
    tree = list(why.lines(row.get("tree") or ()))
    head = f"{row.get('kind')} {row.get('name')} · {row.get('summary')}"
    return "\n".join([head, "", *(tree or ["Nobody has written down why."])])


def _told(error: KgentsError, prefix: str = "") -> str:
    parts = [error.what, error.why, error.fix]
    return "\n".join(prefix + clean(part) for part in parts if part)


def _remembered(row: Row, error: KgentsError) -> str:
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    return f"# Only its row is remembered here, not the object: {clean(str(error))}\n\n{yaml_text.dump(shown)}"
