"""The command palette: every key of this screen as a command, every agent and proposal, every theme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from kgents.terrarium.draw import clean

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

SHOWN = 50
"""Names that are offered at most."""


class Command(NamedTuple):
    text: str
    help: str
    run: Any


class HiveCommands(Provider):
    """Commands first, then names."""

    @property
    def terrarium(self) -> TerrariumApp:
        return cast("TerrariumApp", self.app)

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(Content(command.text), command.run, text=command.text, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.text)) > 0:
                yield Hit(score + 0.5, Content(command.text), command.run, text=command.text, help=command.help)
        best = []
        for command in self._names():
            if (score := matcher.match(command.text)) > 0:
                best.append((score, command))
        best.sort(key=lambda pair: -pair[0])
        for score, command in best[:SHOWN]:
            yield Hit(score, Content(command.text), command.run, text=command.text, help=command.help)

    def _commands(self) -> Iterator[Command]:
        from kgents.terrarium.screens.help import entries

        for entry in entries(self.screen):
            namespace = "app." if entry.node is self.app else ""
            if entry.action in ("command_palette",) or entry.node not in (self.app, self.screen):
                continue
            run = partial(self.screen.run_action, namespace + entry.action)
            yield Command(entry.words, f"key {entry.key}", run)

    def _names(self) -> Iterator[Command]:
        app = self.terrarium
        for key, row in app.hive.agents.items():
            yield Command(clean(key[1]), f"agent, {_word(row)}", partial(app.open_agent, key))
        for key, row in app.hive.proposals.items():
            yield Command(clean(key[1]), f"proposal, {_word(row)}", partial(app.open_proposal, key))
        for theme in app.available_themes:
            yield Command(f"theme {theme}", "colours", partial(setattr, app, "theme", theme))


def _word(row: Mapping[str, Any]) -> str:
    """A phase as it may stand where Textual reads markup."""
    return "".join(sign for sign in str(row.get("phase")) if sign.isalpha())
