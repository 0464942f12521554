"""Help: the keys, read from the bindings themselves, and what the glyphs mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from kgents.looks import HEALTH, PHASE
from kgents.terrarium.ink import Ink
from kgents.terrarium.widgets.keys import sign
from kgents.terrarium.widgets.thoughts import GLYPHS

SELECTORS = (
    ("word", "anything in the row contains it"),
    ("!word", "nothing does"),
    ("phase=Running|Pending", "one of these"),
    ("phase!=Running", "not this"),
    ("activity>0.5  risk>=0.3", "numbers; age<5m too"),
    ("payload~^ERR", "a regular expression"),
)


_TEXTUALS = ("screen.copy_text",)
"""Keys that Textual gives every screen, and that mean nothing to these."""


class Entry(NamedTuple):
    """One key. `node` is whose binding it is."""

    key: str
    words: str
    action: str
    node: Any


def entries(screen: Screen[Any]) -> Iterator[Entry]:
    """Every key that works on this screen, the focused widget's first; keys that do the same stand together."""
    found: dict[tuple[int, str], Entry] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        key = binding.key_display or sign(binding.key)
        place = (id(active.node), binding.action)
        before = found.get(place)
        if before is not None:
            found[place] = before._replace(key=f"{before.key} {key}")
        elif binding.description and binding.action not in _TEXTUALS:
            found[place] = Entry(key, binding.description, binding.action, active.node)
    yield from found.values()


class HelpScreen(ModalScreen[None]):
    """About the screen that it covers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "app.pop_screen", "close"),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("pagedown,space", "scroll(10)", "page down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
    ]
    CSS = """
    HelpScreen { align: center middle; }
    #help { width: 96; max-width: 100%; height: auto; max-height: 100%; padding: 0 2; }
    #help Static { height: auto; }
    """

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="dialog"):
            yield Static(self._keys())
            yield Static(self._signs())

    def on_mount(self) -> None:
        box = self.query_one("#help")
        box.border_title = "HELP"
        box.border_subtitle = "esc closes"
        box.focus()

    def action_scroll(self, by: int) -> None:
        self.query_one("#help").scroll_relative(y=by, animate=False)

    @property
    def _ink(self) -> Ink:
        return self.app.ink  # type: ignore[attr-defined,no-any-return]

    def _keys(self) -> Table:
        columns = 2 if self.app.size.width >= 80 else 1
        table = Table.grid(padding=(0, 2), expand=True)
        for _ in range(columns):
            table.add_column(justify="right", style=self._ink.style("well", bold=True), no_wrap=True)
            table.add_column(style=self._ink.style("text"), ratio=1)
        cells: list[Text] = []
        for entry in entries(self._about):
            cells += [Text(entry.key), Text(entry.words)]
        width = 2 * columns
        cells += [Text("")] * (-len(cells) % width)
        for place in range(0, len(cells), width):
            table.add_row(*cells[place : place + width])
        return table

    def _signs(self) -> Text:
        ink = self._ink
        text = Text("\n")
        text.append("agents     ", ink.style("quiet"))
        for phase in ("Running", "Pending", "Degraded", "Safemode", "Failed", "Suspended"):
            look = PHASE[phase]
            text.append(look.glyph, ink.style(look.tone)).append(f" {phase}   ", ink.style("text"))
        text.append("\nmind       ", ink.style("quiet"))
        for word, tone in HEALTH.items():
            text.append(f"{word}   ", ink.style(tone))
        text.append("\nstream     ", ink.style("quiet"))
        for kind, glyph in GLYPHS.items():
            text.append(glyph, ink.style("deed")).append(f" {kind}   ", ink.style("text"))
        text.append("\n\n/ filters  ", ink.style("quiet"))
        for place, (words, meaning) in enumerate(SELECTORS):
            text.append("" if place == 0 else "\n           ")
            text.append(words.ljust(26), ink.style("activity")).append(meaning, ink.style("quiet"))
        return text
