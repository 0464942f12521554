"""`:` goes anywhere by name: a pane, a screen, an agent, a proposal, a namespace, a hive, a theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kgents.api.errors import UsageError
from kgents.terrarium.screens.main import PANES, MainScreen
from kgents.terrarium.screens.prompt import PromptScreen

if TYPE_CHECKING:
    from kgents.terrarium.app import TerrariumApp

HINT = "agents  signals  proposals  thoughts  ns NAME  ctx HIVE  or a name"
_PANES = {
    "agents": "agents", "ag": "agents", "agent": "agents",
    "signals": "heat", "heatmap": "heat", "heat": "heat", "ph": "heat", "pheromones": "heat",
    "proposals": "proposals", "prop": "proposals", "proposal": "proposals",
    "thoughts": "thoughts", "stream": "thoughts", "events": "thoughts", "logs": "thoughts",
}  # fmt: skip


def ask(app: TerrariumApp) -> None:
    """Show the prompt, and go where it says."""

    def done(text: str | None) -> None:
        if text:
            goal(app, text)()

    app.push_screen(PromptScreen(":", "", HINT, lambda: words(app)), done)


def words(app: TerrariumApp) -> Iterator[str]:
    """What can be completed, the usual ones first."""
    yield from ("agents", "signals", "proposals", "thoughts", "help", "theme", "quit", "freeze", "ns ", "ctx ")
    hive = app.hive
    yield from (f"ns {namespace}" for namespace in sorted({key[0] for key in hive.agents}))
    yield from sorted({key[1] for key in hive.agents})
    yield from sorted({key[1] for key in hive.proposals})


def goal(app: TerrariumApp, text: str) -> Callable[[], object]:
    """What `text` means, as something to do. A name that means nothing says so when it is done."""
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if word in _PANES and not rest:
        return lambda: _pane(app, _PANES[word])
    if word in ("ns", "namespace"):
        return lambda: app.go_namespace("" if rest in ("all", "*", "") else rest)
    if word in ("ctx", "context", "hive"):
        return (lambda: app.go_hive(rest)) if rest else app.action_hives
    simple: dict[str, Callable[[], object]] = {
        "help": app.action_help, "?": app.action_help, "theme": app.action_theme, "themes": app.action_theme,
        "q": app.exit, "q!": app.exit, "quit": app.exit, "exit": app.exit, "ghost": app.action_ghost,
    }  # fmt: skip
    if word in simple and not rest:
        return simple[word]
    if word in ("freeze", "thaw"):
        return lambda: _act(app, "freeze")
    return lambda: _named(app, text.strip())


def _act(app: TerrariumApp, name: str) -> None:
    from kgents.terrarium import actions
    from kgents.terrarium.screens.base import HiveScreen

    if isinstance(app.screen, HiveScreen):
        actions.act(app.screen, name, app.screen.subject())


def _pane(app: TerrariumApp, name: str) -> None:
    while not isinstance(app.screen, MainScreen):
        app.pop_screen()
    assert name in PANES
    app.screen.action_pane(name)


def _named(app: TerrariumApp, text: str) -> None:
    """An agent or a proposal of that name, here or `namespace/name`; else one whose name begins like it."""
    namespace, _, name = text.rpartition("/")
    for rows, open_one in ((app.hive.agents, app.open_agent), (app.hive.proposals, app.open_proposal)):
        for key in rows:
            if key[1] == name and namespace in ("", key[0]):
                open_one(key)
                return
    for rows, open_one in ((app.hive.agents, app.open_agent), (app.hive.proposals, app.open_proposal)):
        begun = [key for key in rows if key[1].startswith(name) and namespace in ("", key[0])]
        if len(begun) == 1:
            open_one(begun[0])
            return
    app.fail(UsageError(f"Nothing here is called “{text[:60]}”", fix=f"Try: {HINT}"))
