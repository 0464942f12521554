"""Emit a signal: its fields, and in words what it will do."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widgets import Checkbox, Input

from kgents.api import duration
from kgents.api.errors import UsageError
from kgents.api.pheromone import TYPES, default_half_life, lifetime
from kgents.terrarium.draw import clean
from kgents.terrarium.screens.base import Subject
from kgents.terrarium.screens.dialogs import Dialog, Tick, field

USUAL = "WARNING"
REACTORS_SHOWN = 4


class EmitDialog(Dialog):
    """Prefilled from what is chosen: an agent is its target."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "type(1)", "next type", show=False),
        Binding("up", "type(-1)", "previous type", show=False),
    ]
    DO = "emit"

    def __init__(self, subject: Subject | None) -> None:
        agent = subject.agent if subject else None
        super().__init__("emit a signal")
        self._target = agent[1] if agent and subject and subject.kind == "agent" else ""
        self._namespace = subject.key[0] if subject else ""

    @property
    def namespace(self) -> str:
        return self._namespace or self.terrarium.world.namespace or "default"

    def fields(self) -> ComposeResult:
        types = SuggestFromList(TYPES, case_sensitive=False)
        yield field("type", Input(USUAL, id="type", compact=True, suggester=types, select_on_focus=True))
        yield field("says", Input(id="payload", compact=True, placeholder="what it says"))
        yield field("for", Input(self._target, id="target", compact=True, placeholder="everybody, or one agent"))
        yield field("strength", Input("1", id="intensity", compact=True, placeholder="above 0, at most 1"))
        yield field("half-life", Input(id="half", compact=True, placeholder="the usual one of its type"))
        yield field("work", Tick("one agent takes it and does it", id="claimable", compact=True))

    def hint(self) -> str:
        return "↑↓ type · tab next · enter emits · esc leaves"

    def begin(self) -> None:
        self._renew()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._renew()

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        self._renew()

    def action_type(self, by: int) -> None:
        """The next of the types, from whatever stands there."""
        entry = self.query_one("#type", Input)
        now = _type(entry.value)
        entry.value = TYPES[(TYPES.index(now) + by) % len(TYPES)] if now in TYPES else TYPES[0]

    def confirm(self) -> None:
        try:
            given = self._given()
        except UsageError as error:
            self.say_error(error)
            return
        world, namespace = self.terrarium.world, self.namespace
        self.send(
            lambda: world.write("pheromones.emit", namespace, given),
            lambda answer: self.close(f"{given['type']} is emitted in {clean(namespace)}"),
            "Emitting",
        )

    def _given(self) -> dict[str, Any]:
        """What is sent. Raises UsageError for what cannot be."""
        kind = _type(self._text("type"))
        if kind not in TYPES:
            raise UsageError(f"“{clean(kind)[:40]}” is no type of signal", fix="↑ and ↓ go through the types")
        try:
            intensity = float(self._text("intensity") or "1")
        except ValueError as error:
            raise UsageError("The strength is no number", fix="Write it like 0.8") from error
        if not 0 < intensity <= 1:
            raise UsageError("The strength must be above 0 and at most 1")
        half_life = self._text("half")
        if half_life and duration.parse(half_life) <= 0:
            raise UsageError("The half-life must be longer than nothing")
        given: dict[str, Any] = {"type": kind, "intensity": intensity}
        given |= {name: self._text(name) for name in ("payload", "target") if self._text(name)}
        given |= {"halfLife": half_life} if half_life else {}
        return given | ({"claimable": True} if self.query_one(Checkbox).value else {})

    def _text(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value.strip()

    def _renew(self) -> None:
        """What it will do, or why it cannot be emitted as it stands."""
        ink = self.ink
        try:
            given = self._given()
        except UsageError as error:
            self.view(Text(clean(str(error)), ink.style("watch")))
            return
        half_life = duration.parse(given["halfLife"]) if "halfLife" in given else default_half_life(given["type"])
        whom = clean(given.get("target") or "everybody")
        text = Text(style=ink.style("quiet"))
        text.append(f"{given['type']} {given['intensity']:.2f} ", ink.style("text", bold=True))
        told = f"is work that one agent takes, for {whom}" if given.get("claimable") else f"tells {whom}"
        text.append(f"{told} in {clean(self.namespace)}. ")
        gone = lifetime(given["intensity"], half_life)
        text.append(f"Half as strong in {duration.age(half_life)}, gone in {duration.age(gone)}. ")
        reactors = self.terrarium.hive.reactors().get(given["type"], [])
        if given.get("target"):
            reactors = [name for name in reactors if name == given["target"]]
        text.append(_who_reacts([clean(name) for name in reactors]))
        self.view(text)


def _type(text: str) -> str:
    """The type that is meant: its name in any case, or the beginning of just one."""
    wanted = text.strip().upper().replace("-", "_")
    begun = [type for type in TYPES if type.startswith(wanted)] if wanted else []
    return wanted if wanted in TYPES or len(begun) != 1 else begun[0]


def _who_reacts(names: list[str]) -> str:
    if not names:
        return "Nobody reacts to it; who looks sees it."
    shown = ", ".join(sorted(names)[:REACTORS_SHOWN])
    more = f" and {len(names) - REACTORS_SHOWN} more" if len(names) > REACTORS_SHOWN else ""
    return f"{shown}{more} react{'s' if len(names) == 1 else ''} to it."
