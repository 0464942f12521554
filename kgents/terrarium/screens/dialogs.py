"""Dialogs: what they share, and the two brakes. Keys first; what goes wrong is said in the dialog."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, Static

from kgents.api.errors import KgentsError
from kgents.terrarium.draw import clean
from kgents.terrarium.hive import Key
from kgents.terrarium.ink import Ink

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

T = TypeVar("T")


def attempt(work: Callable[[], T]) -> Callable[[], T | KgentsError]:
    """`work`, with its KgentsError as an answer: for who shows it himself."""

    def attempted() -> T | KgentsError:
        try:
            return work()
        except KgentsError as error:
            return error

    return attempted


class Dialog(ModalScreen[None]):
    """A box with fields, what is said of them, and two buttons. A subclass says what is asked and what is done.

    Nothing is sent twice: from `send` until its answer the dialog takes no further wish to send.
    """

    AUTO_FOCUS = ""  # a button under the cursor would be pressed by an enter too many
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        # Before the fields hear of them: what is typed right after a tab is meant for the next field.
        Binding("tab", "app.focus_next", "next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "previous", show=False, priority=True),
        Binding("pagedown", "look(5)", "down", show=False),
        Binding("pageup", "look(-5)", "up", show=False),
    ]
    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog .dialog { padding: 0 1; }
    Dialog .field { height: 1; }
    Dialog .field Label { width: 11; color: $quiet; }
    Dialog .field Input { width: 1fr; background: $selection; }
    Dialog Checkbox { background: $background; border: none; padding: 0; }
    Dialog #view { height: auto; margin: 1 0 0 0; scrollbar-size-vertical: 1; }
    Dialog #view Static { height: auto; width: 1fr; }
    Dialog #said { height: auto; max-height: 5; }
    Dialog #buttons { height: 1; margin: 1 0 0 0; align-horizontal: right; }
    Dialog Button { margin: 0 0 0 2; min-width: 8; background: $selection; color: $foreground; }
    Dialog Button:focus { text-style: bold reverse; }
    Dialog.-short #view { margin: 0; }
    Dialog.-short #buttons { margin: 0; }
    Dialog #do { min-width: 16; color: $primary; text-style: bold; }
    Dialog.-grave #do { color: $error; }
    """
    DO: ClassVar[str] = "do it"
    """What the button says."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.sending = False

    @property
    def terrarium(self) -> TerrariumApp:
        return cast("TerrariumApp", self.app)

    @property
    def ink(self) -> Ink:
        return self.terrarium.ink

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="dialog"):
            yield from self.fields()
            with VerticalScroll(id="view", can_focus=False):
                yield Static(id="viewed", markup=False)
            yield Static(id="said", markup=False)
            with Horizontal(id="buttons"):
                yield Button(self.DO, id="do", compact=True)
                yield Button("leave it", id="leave", compact=True)

    def fields(self) -> ComposeResult:
        """The widgets that ask."""
        yield from ()

    def on_mount(self) -> None:
        box = self.query_one("#dialog")
        box.border_title = Text(self._title)
        box.border_subtitle = self.hint()
        self._fit()
        self.begin()
        first = next(iter(self.query(Input)), None)
        if first is not None:
            first.focus()

    def hint(self) -> str:
        return "enter sends · esc leaves"

    def begin(self) -> None:
        """The dialog is there: read what it shows."""

    def confirm(self) -> None:
        """Somebody wants it: `send`, or say what is missing."""
        raise NotImplementedError

    def view(self, shown: RenderableType) -> None:
        """What it is about, above the buttons."""
        self.query_one("#viewed", Static).update(shown)
        self.call_after_refresh(self._fit)

    def say(self, text: str, *, wrong: bool = True) -> None:
        """A sentence below the fields; a wrong one in the colour of trouble."""
        sign = "✖ " if wrong else ""
        told = Text(f"{sign}{text}" if text else "", self.ink.style("trouble" if wrong else "quiet", bold=wrong))
        self.query_one("#said", Static).update(told)
        self.call_after_refresh(self._fit)

    def say_error(self, error: KgentsError) -> None:
        self.say(clean(str(error)))

    def send(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        doing: str,
        wrong: Callable[[KgentsError], None] | None = None,
    ) -> None:
        """Does `work` beside the screen, once; then `then`, or its error is said and it can be tried again."""
        if self.sending:
            return
        self.sending = True
        self.say(f"{doing} …", wrong=False)

        def answered(answer: T | KgentsError) -> None:
            self.sending = False
            if isinstance(answer, KgentsError):
                if self.is_attached:
                    (wrong or self.say_error)(answer)
                else:
                    self.terrarium.fail(answer, doing)
                return
            then(answer)

        self.terrarium.in_thread(attempt(work), answered, doing)

    def close(self, told: str) -> None:
        """It is done."""
        self.terrarium.tell(told)
        if self.is_current:
            self.dismiss()

    def action_look(self, by: int) -> None:
        """Scroll what is shown."""
        self.query_one("#view").scroll_relative(y=by, animate=False)

    def action_leave(self) -> None:
        self.dismiss()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "leave":
            self.dismiss()
        else:
            self.confirm()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.entered()

    def entered(self) -> None:
        """Enter in a field."""
        self.confirm()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """What is shown may have the room that the fields leave; it scrolls where that is not enough."""
        box, view = self.query_one("#dialog"), self.query_one("#view")
        others = sum(
            child.outer_size.height + child.styles.margin.height for child in box.children if child is not view
        )
        view.styles.max_height = max(self.size.height - others - 3, 2)


def field(label: str, asked: Widget) -> Horizontal:
    """A line of a form."""
    return Horizontal(Label(label, markup=False), asked, classes="field")


class Tick(Checkbox):
    """A box that is empty unless it is ticked, with colours or without."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        return "✔" if self.value else " "


class ConfirmDialog(Dialog):
    """One question, one key: y does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "yes", show=False),
        Binding("n", "leave", "no", show=False),
    ]
    DO = "y  do it"

    def __init__(self, title: str, question: str, work: Callable[[], Any], told: Callable[[Any], str]) -> None:
        super().__init__(title)
        self._question, self._work, self._told = question, work, told

    def begin(self) -> None:
        self.view(Text(self._question, self.ink.style("text")))

    def hint(self) -> str:
        return "y does it · esc leaves"

    def action_confirm(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        self.send(self._work, lambda answer: self.close(self._told(answer)), self._title)


class FreezeDialog(ConfirmDialog):
    """The brake of the whole hive, and its end. A reason is wanted for freezing, and a deliberate y for both."""

    DO = "y  freeze it"

    def __init__(self, context: str, frozen: dict[str, str] | None) -> None:
        self._called = clean(context)
        self._frozen = frozen
        super().__init__("thaw the hive" if frozen else "freeze the hive", "", lambda: None, lambda answer: "")

    def fields(self) -> ComposeResult:
        if self._frozen is None:
            yield field("reason", Input(id="reason", compact=True, placeholder="everybody who looks is told"))

    def begin(self) -> None:
        self.add_class("-grave")
        if self._frozen is not None:
            self.query_one("#do", Button).label = "y  thaw it"
        text = Text(no_wrap=False, style=self.ink.style("text"))
        if self._frozen is None:
            text.append("Freeze the hive of ").append(self._called, self.ink.style("trouble", bold=True)).append("?\n")
            text.append("No agent writes and nothing is merged from then on. People go on as before.")
        else:
            reason = f": {self._frozen['reason']}" if self._frozen.get("reason") else ""
            text.append("Thaw the hive of ").append(self._called, self.ink.style("trouble", bold=True)).append("?\n")
            text.append(clean(f"Frozen by {self._frozen.get('by') or 'somebody'}{reason}. "))
            text.append("Agents write again, and what waits is merged.")
        self.view(text)

    def hint(self) -> str:
        return "y thaws · esc leaves" if self._frozen is not None else "reason, enter, then y · esc leaves"

    def entered(self) -> None:
        """Enter ends the reason; only a y after it freezes."""
        if self.query_one("#reason", Input).value.strip():
            self.say(f"y freezes {self._called}", wrong=False)
            self.set_focus(None)  # not the button: one enter too many would press it
        else:
            self.say("Say why: everybody who looks is told")

    def confirm(self) -> None:
        world = self.terrarium.world
        if self._frozen is not None:
            self.send(
                lambda: world.write("cluster.thaw", ""), lambda _: self.close(f"{self._called} is thawed"), "Thawing"
            )
            return
        reason = self.query_one("#reason", Input).value.strip()
        if not reason:
            self.say("Say why: everybody who looks is told")
            self.query_one("#reason", Input).focus()
            return
        self.send(
            lambda: world.write("cluster.freeze", "", {"reason": reason}),
            lambda _: self.close(f"{self._called} is frozen: no agent writes, nothing is merged. F thaws it"),
            "Freezing",
        )


def pause(app: TerrariumApp, agent: Key) -> ConfirmDialog | None:
    """The question before a pause. A paused agent is resumed without one."""
    namespace, name = agent
    shown, world = clean(name), app.world
    row = app.hive.agents.get(agent, {})
    if not row.get("suspended"):
        return ConfirmDialog(
            f"pause {shown}",
            f"Pause {shown} in {clean(namespace)}? It writes nothing from now on, and its pods end, "
            "until it is resumed with the same key.",
            lambda: world.write("agents.suspend", namespace, agent=name),
            lambda answer: _paused(shown, answer.rows()),
        )

    def resumed(answer: Any) -> None:
        still = any(one.get("replicas") == 0 for one in answer.rows())
        app.tell(f"{shown} is resumed" + (", but it has 0 replicas" if still else ""))

    app.in_thread(lambda: world.write("agents.resume", namespace, agent=name), resumed, f"resume {shown}")
    return None


def _paused(shown: str, rows: list[dict[str, Any]]) -> str:
    if any(row.get("writesRefused") is False for row in rows):
        return (
            f"{shown} is paused: its pods end, but its writes are not refused. "
            "That takes the right to patch the ConfigMap kgents-freeze"
        )
    return f"{shown} is paused"
