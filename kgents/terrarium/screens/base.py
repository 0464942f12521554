"""What every screen shares: it is told what changed, and the keys that act on whatever is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from kgents.terrarium import actions
from kgents.terrarium.hive import Key, Row

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about. `kind` is agent, signal or proposal; `row` as the hive last told it."""

    kind: str
    key: Key
    row: Row

    @property
    def agent(self) -> Key | None:
        """The agent behind it: itself, who gave the signal, or the proposal's target, if that is one."""
        namespace = self.key[0]
        if self.kind == "agent":
            return self.key
        if self.kind == "signal":
            source = str(self.row.get("source") or "")
            return (namespace, source) if source else None
        kind, _, target = str(self.row.get("target") or "").partition("/")
        return (str(self.row.get("targetNamespace") or namespace), target) if kind == "Agent" else None


class HiveScreen(Screen[None]):
    """A screen over the hive. Its keys act on `subject()`; where that cannot be done now, they say why."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "act('logs')", "logs"),
        Binding("e", "act('emit')", "emit"),
        Binding("p", "act('propose')", "propose"),
        Binding("w", "act('why')", "why"),
        Binding("y", "act('yaml')", "yaml"),
        Binding("c", "act('copy')", "copy"),
        Binding("space", "act('pause')", "pause"),
        Binding("a", "act('approve')", "approve"),
        Binding("r", "act('reject')", "reject"),
        Binding("d", "act('diff')", "diff"),
        Binding("R", "act('rollback')", "roll back"),
        Binding("F", "act('freeze')", "freeze"),
    ]

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The widgets themselves show it: the rest of the screen is as it was."""

    @property
    def terrarium(self) -> TerrariumApp:
        return cast("TerrariumApp", self.app)

    def subject(self) -> Subject | None:
        """What is chosen here."""
        return None

    def on_hive(self, changed: set[str]) -> None:
        """Something was heard: agents, signals, proposals, thoughts or source. Once a frame at most."""

    def on_tick(self) -> None:
        """A second has passed: ages grow and signals fade."""

    def _set_dirty(self, *regions: Region) -> None:
        """Parts are marked only where this screen lies under another; Textual paints those again and again."""
        if not regions:
            super()._set_dirty()

    def action_act(self, name: str) -> None:
        actions.act(self, name, self.subject())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that mean nothing for what is chosen are not shown; those that cannot be used now still say why."""
        if action == "act":
            return actions.fits(str(parameters[0]), self.subject())
        return True
