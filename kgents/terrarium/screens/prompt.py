"""The line for `/` and `:`. It stands over the keys, tries what is typed at once, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.styles import RulesMap
from textual.geometry import Region
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.style import Style
from textual.suggester import Suggester
from textual.visual import RenderOptions, Visual
from textual.widgets import Input, Label, Static

from kgents.api.errors import UsageError

Words = Callable[[], Iterable[str]]


class _Completions(Suggester):
    """Completes from words that are asked for when somebody types."""

    def __init__(self, words: Words) -> None:
        super().__init__(use_cache=False, case_sensitive=False)
        self._words = words

    async def get_suggestion(self, value: str) -> str | None:
        return next((word for word in self._words() if word.casefold().startswith(value)), None) if value else None


class _Under(Visual):
    """The screen that lies under this one, as it is. Textual would work over each of its pieces, in every frame."""

    def __init__(self, screen: Screen[object]) -> None:
        self._screen = screen

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self._screen._compositor.render_strips()

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self._screen.size.height


class _Line(Input):
    """An entry whose width is given. What is typed changes no layout, though Textual thinks so of every letter."""

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        return super().refresh(*regions, repaint=repaint, layout=layout and not self.is_mounted, recompose=recompose)


class PromptScreen(ModalScreen[str | None]):
    """Returns what was entered, None when it was left. `tried(text)` is called while somebody types.

    It may raise UsageError: that is shown, and such a text cannot be entered.
    """

    CSS_PATH = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, priority=True),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]

    def __init__(
        self, sign: str, text: str, hint: str, words: Words = list, tried: Callable[[str], None] = lambda text: None
    ) -> None:
        super().__init__()
        self._sign, self._text, self._hint, self._words, self._tried = sign, text, hint, words, tried
        self._wrong = ""

    def compose(self) -> ComposeResult:
        with Horizontal(id="prompt"):
            yield Label(f" {self._sign}", id="prompt-sign", markup=False)
            yield _Line(self._text, id="prompt-input", compact=True, suggester=_Completions(self._words))
            yield Static(self._hint, id="prompt-said", markup=False)

    def render(self) -> Any:  # a Visual too is rendered, though the signature does not say so
        under = super().render()
        return _Under(under.screen) if isinstance(under, BackgroundScreen) else under

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    async def on_key(self, event: events.Key) -> None:
        """What was typed before the line had the focus is meant for it too."""
        entry = self.query_one(Input)
        if event.is_printable and event.character:
            entry.insert_text_at_cursor(event.character)
        elif event.key == "enter" and not entry.has_focus:
            event.stop()
            await entry.action_submit()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._try(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._try(event.value):
            self.dismiss(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_complete(self) -> None:
        entry = self.query_one(Input)
        entry.action_end()
        entry.action_cursor_right()

    def _try(self, text: str) -> bool:
        wrong = ""
        try:
            self._tried(text)
        except UsageError as error:
            wrong = error.what
        said = self.query_one("#prompt-said", Static)
        if wrong != self._wrong:  # words of another length lay out the whole screen anew
            self._wrong = wrong
            said.update(wrong or self._hint)
            said.set_class(bool(wrong), "-wrong")
        return not wrong
