"""Every screen in every state that looks different, against pictures that somebody has looked at.

`pytest tests/unit/terrarium/test_snapshots.py --snapshot-update` draws them anew: look at each before it is committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual.app import App
from textual.notifications import SeverityLevel
from textual.pilot import Pilot
from textual.widgets import Input

from kgents import terrarium
from kgents.glass.stream import Heard
from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.feed import Feed
from kgents.terrarium.keeping import Kept
from kgents.terrarium.themes import LIGHT_NAME
from tests.support.terrarium import FixedWorld, State
from tests.support.waiting import eventually_async

SMALL, OLD, USUAL, HUGE = (60, 18), (80, 24), (120, 40), (200, 60)
FROZEN = {"by": "you", "reason": "a storm of writes", "since": "2026-01-02T12:30:00Z"}
FOR_EVER = 3600.0


@dataclass(frozen=True)
class Shot:
    """A picture: of which hive, how large, after which keys, and the words that must be there before it is taken."""

    name: str
    keys: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    state: State = "live"
    size: tuple[int, int] = USUAL
    kept: dict[str, str] = field(default_factory=dict)
    frozen: bool = False
    no_color: bool = False


QUIET = {"heat": "grid"}
"""For pictures of something else: a field is many colours."""


def _light(**more: str) -> dict[str, str]:
    return {"theme": LIGHT_NAME, **more}


SHOTS = (
    # The main screen: sizes, states, themes.
    Shot("main", sees=("[Live]", "dreamer")),
    Shot("main-60x18", size=SMALL, sees=("[Live]", "b-gent")),
    Shot("main-80x24", size=OLD, sees=("[Live]", "b-gent")),
    Shot("main-200x60", size=HUGE, sees=("[Live]", "b-gent")),
    Shot("main-light", kept=_light(heat="field"), sees=("[Live]",)),
    Shot("main-light-80x24", kept=_light(), size=OLD, sees=("[Live]",)),
    Shot("main-nord", kept={"theme": "nord", **QUIET}, sees=("[Live]",)),
    Shot("main-monochrome", no_color=True, sees=("[Live]",)),
    Shot("main-ghost", state="ghost", sees=("GHOST 42s",)),
    Shot("main-ghost-60x18", state="ghost", size=SMALL, sees=("GHOST 42s",)),
    Shot("main-kubectl", size=OLD, kept=QUIET, state="kubectl", sees=("[kubectl]",)),
    Shot("main-empty", state="empty", sees=("No agents yet",)),
    Shot("main-empty-60x18", state="empty", size=SMALL, sees=("No agents yet",)),
    Shot("main-one", state="one", sees=("1 agent",)),
    Shot("main-many", state="many", sees=("10 000 agents", "1 of 10000")),
    Shot("main-many-80x24", state="many", size=OLD, sees=("1 of 10000",)),
    Shot("main-error", state="error", sees=("kgents infra start",)),
    Shot("main-frozen", size=OLD, kept=QUIET, frozen=True, sees=("FROZEN by you",)),
    Shot("main-frozen-60x18", frozen=True, size=SMALL, sees=("FROZEN by you",)),
    # The heatmap.
    Shot(
        "heat-field", size=OLD, keys=("2", "z"), sees=("PHEROMONE HEATMAP", "field", "12s old"), kept={"heat": "field"}
    ),
    Shot("heat-grid", keys=("2", "z"), sees=("grid", "12s old"), kept={"heat": "grid"}),
    Shot("heat-time", keys=("2", "z"), sees=("time", "12s old"), kept={"heat": "time"}),
    Shot("heat-grid-80x24", keys=("2",), sees=("grid", "12s old"), size=OLD, kept={"heat": "grid"}),
    Shot("heat-grid-monochrome", keys=("2",), sees=("grid", "12s old"), no_color=True, kept={"heat": "grid"}),
    Shot("heat-time-monochrome", keys=("2",), sees=("time", "12s old"), no_color=True, kept={"heat": "time"}),
    # What lies over the main screen.
    Shot("help", kept=QUIET, keys=("question_mark",), sees=("HELP", "esc closes")),
    Shot("help-60x18", keys=("question_mark",), sees=("HELP",), size=SMALL),
    Shot("palette", kept=QUIET, keys=("ctrl+p",), sees=("freeze",)),
    Shot("filter", size=OLD, keys=("slash", *"phase!=Running"), sees=("/phase!=Running",)),
    Shot("filter-wrong", size=OLD, keys=("slash", *"age>"), sees=("age>", "is no number")),
    Shot("jump", size=OLD, kept=QUIET, keys=("colon",), sees=(":",)),
    Shot("themes", size=OLD, kept=QUIET, keys=("t",), sees=("terrarium-light",)),
    Shot("namespaces", size=OLD, kept=QUIET, keys=("n",), sees=("default",)),
    Shot("proposals", kept=QUIET, keys=("3",), sees=("wait for you", "approve")),
    Shot("thoughts-zoomed", keys=("4", "z"), sees=("THOUGHT STREAM",)),
    Shot("refused", size=OLD, kept=QUIET, state="ghost", keys=("e",), sees=("Cannot emit a signal",)),
    # An agent.
    Shot("agent", keys=("enter",), sees=("b-gent", "CONDITIONS")),
    Shot("agent-60x18", size=SMALL, keys=("enter",), sees=("b-gent",)),
    Shot("agent-80x24", size=OLD, keys=("enter",), sees=("b-gent",)),
    Shot("agent-200x60", size=HUGE, keys=("enter",), sees=("b-gent",)),
    Shot("agent-light", kept=_light(), keys=("enter",), sees=("b-gent",)),
    Shot("agent-monochrome", no_color=True, keys=("enter",), sees=("b-gent",)),
    Shot("agent-ghost", state="ghost", keys=("enter",), sees=("GHOST 42s",)),
    Shot("agent-failed", keys=("end", "enter"), sees=("dreamer",)),
    Shot("agent-memory", keys=("enter", "4"), sees=("b-gent",)),
    Shot("agent-umwelt", keys=("enter", "5"), sees=("b-gent",)),
    Shot("agent-signals-80x24", size=OLD, keys=("enter", "6"), sees=("b-gent",)),
    # A proposal, and deciding on it.
    Shot("proposal", keys=("3", "down", "enter"), sees=("l-gent-image-p91f", "TIMELINE")),
    Shot("proposal-60x18", size=SMALL, keys=("3", "down", "enter"), sees=("l-gent-image-p91f",)),
    Shot("proposal-80x24", size=OLD, keys=("3", "down", "enter"), sees=("l-gent-image-p91f",)),
    Shot("proposal-light", kept=_light(), keys=("3", "down", "enter"), sees=("l-gent-image-p91f",)),
    Shot("proposal-monochrome", no_color=True, keys=("3", "down", "enter"), sees=("l-gent-image-p91f",)),
    Shot("approve", kept=QUIET, keys=("3", "down", "a"), sees=("approve l-gent-image-p91f", "hive/l-gent:1.5")),
    Shot("approve-60x18", size=SMALL, keys=("3", "down", "a"), sees=("approve l-gent-image-p91f", "hive/l-gent:1.5")),
    Shot(
        "reject-light",
        kept=_light(**QUIET),
        keys=("3", "down", "r"),
        sees=("reject l-gent-image-p91f", "hive/l-gent:1.5"),
    ),
    Shot("emit", kept=QUIET, keys=("e",), sees=("emit",)),
    Shot("emit-60x18", size=SMALL, keys=("e",), sees=("emit",)),
    Shot("propose", kept=QUIET, keys=("p",), sees=("propose",)),
    Shot("propose-60x18", size=SMALL, keys=("p",), sees=("propose",)),
    Shot("pause", size=OLD, kept=QUIET, keys=("space",), sees=("pause b-gent",)),
    Shot("freeze", kept=QUIET, keys=("F",), sees=("kgents-laptop", "Freeze")),
    Shot("freeze-monochrome", no_color=True, keys=("F",), sees=("kgents-laptop", "Freeze")),
    # A signal, a log, causes, YAML.
    Shot("signal", keys=("2", "enter"), sees=("WARNING", "14 errors")),
    Shot("signal-60x18", size=SMALL, keys=("2", "enter"), sees=("WARNING",)),
    Shot("signal-light", kept=_light(), keys=("2", "enter"), sees=("WARNING",)),
    Shot("logs", keys=("l",), sees=("Processing invoice batch",)),
    Shot("logs-60x18", size=SMALL, keys=("l",), sees=("Processing invoice batch",)),
    Shot("why", keys=("w",), sees=("WHY",)),
    Shot("yaml", keys=("y",), sees=("apiVersion",)),
    Shot("yaml-light-80x24", kept=_light(), size=OLD, keys=("y",), sees=("apiVersion",)),
)


class WholeFeed(Feed):
    """Gives nothing before the hive is told whole, and then all of it: a picture must not hang on how frames fell."""

    def __init__(self, world: FixedWorld) -> None:
        super().__init__(world)
        self._whole: list[Heard] = []
        self._synced = False

    def take(self) -> list[Heard]:
        if not self._synced:
            return []
        taken, self._whole = self._whole, []
        return taken

    def _put(self, heard: Heard) -> None:
        self._whole.append(heard)
        self._synced = self._synced or heard.type == "SYNCED"


class StillApp(TerrariumApp):
    """Nothing moves by itself: no animation, and notifications stay."""

    CSS_PATH = Path(terrarium.__file__).with_name("terrarium.tcss")

    def __init__(self, world: FixedWorld, kept: Kept) -> None:
        super().__init__(world, clock=world.clock, kept=kept)
        self.animation_level = "none"

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        super().notify(message, title=title, severity=severity, timeout=FOR_EVER, markup=markup)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same terminal, hour and home for everybody."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("kgents.terrarium.app.Feed", WholeFeed)
    monkeypatch.setattr(Input, "cursor_blink", False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(app: App[None]) -> str:
    """The text that is on the screen."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def _steps(shot: Shot) -> Callable[[Pilot[None]], object]:
    async def take(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, TerrariumApp)

        async def synced() -> bool:
            await pilot.pause()
            return app.hive.synced or app.feed.failed is not None

        async def seen() -> bool:
            await pilot.pause()
            text = shown(app)
            missing = [words for words in shot.sees if words not in text]
            assert not missing, f"{missing} cannot be seen:\n{text}"
            return True

        await eventually_async(synced)
        for key in shot.keys:
            await pilot.press(key)
        await eventually_async(seen)

    return take


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_it_looks_as_accepted(shot: Shot, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    if shot.no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    world = FixedWorld(state=shot.state, frozen=FROZEN if shot.frozen else None)
    app = StillApp(world, Kept(**shot.kept))
    assert snap_compare(app, terminal_size=shot.size, run_before=_steps(shot))
