"""One of several: a namespace, a hive, a theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from kgents.terrarium.draw import clean


class Picker(ModalScreen[str | None]):
    """Returns what was chosen, None when it was left. What is typed narrows the list; `seen` hears of the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("down", "move(1)", "down", show=False, priority=True),
        Binding("up", "move(-1)", "up", show=False, priority=True),
    ]

    def __init__(
        self, title: str, words: Sequence[str], current: str, seen: Callable[[str], None] = lambda word: None
    ) -> None:
        super().__init__()
        self._title, self._words, self._current, self._seen = title, list(words), current, seen

    def compose(self) -> ComposeResult:
        with Vertical(id="picker", classes="dialog"):
            yield Input(placeholder="type to narrow", id="picker-input", compact=True)
            yield OptionList(id="picker-list", compact=True, markup=False)

    def on_mount(self) -> None:
        self.query_one("#picker").border_title = self._title
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id is not None:
            self._seen(event.option_id)

    def action_leave(self) -> None:
        self._seen(self._current)
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if options.option_count:
            options.highlighted = ((options.highlighted or 0) + by) % options.option_count

    def _fill(self, typed: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        found = [word for word in self._words if typed.casefold() in _told(word).casefold()]
        options.add_options([Option(Text(_told(word)), id=word) for word in found])
        if found:
            options.highlighted = found.index(self._current) if self._current in found else 0


def _told(word: str) -> str:
    return clean(word) or "all namespaces"
