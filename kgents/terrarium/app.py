"""Terrarium: the feed's changes go into the hive, and once a frame the screen is told what changed."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.theme import Theme

from kgents.api.errors import KgentsError
from kgents.terrarium import actions, keeping
from kgents.terrarium.feed import Feed
from kgents.terrarium.hive import Hive, Key
from kgents.terrarium.ink import Ink
from kgents.terrarium.keeping import Kept
from kgents.terrarium.palette import HiveCommands
from kgents.terrarium.screens.base import HiveScreen
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.themes import DARK_NAME, LIGHT_NAME, THEMES, ink_of, missing
from kgents.terrarium.world import World

log = logging.getLogger(__name__)
T = TypeVar("T")
FRAME = 0.1
"""Seconds between two looks at what the feed has heard. Keys are answered at once, not by these."""
TICK = 1.0
STILL = 2.0
"""Seconds without a key or a mouse after which the collector may look at all that there is."""
COLLECT = 30.0
"""Seconds between two such looks; where somebody is never still, ten times as many."""


class TerrariumApp(App[None]):
    """The window into one hive. The clock, the world and what was kept are arguments."""

    TITLE = "terrarium"
    CSS_PATH = "terrarium.tcss"
    COMMANDS: ClassVar = {HiveCommands}
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-narrow"),
        (100, "-beside"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-short"),
        (24, "-roomy"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "jump", "jump", key_display=":"),
        Binding("ctrl+p", "command_palette", "palette", key_display="^p", priority=True),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("g", "ghost", "ghost"),
        Binding("n", "namespace", "namespace"),
        Binding("H", "hives", "hives"),
        Binding("t", "theme", "theme", show=False),
        Binding("q", "back", "quit"),
        Binding("ctrl+q,ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    def __init__(self, world: World, *, clock: Callable[[], float] = time.time, kept: Kept | None = None) -> None:
        # Without colours there are none: Textual would draw in greys, which are colours to a terminal, too.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.world = world
        self.clock = clock
        self.kept = kept if kept is not None else keeping.load()
        self.hive = Hive()
        self.ink = Ink({})
        self._told_failure: KgentsError | None = None
        self._touched = self._collected = time.monotonic()
        self.feed = Feed(world)
        for theme in THEMES:
            self.register_theme(theme)
        if self.kept.theme not in self.available_themes:
            self.kept.theme = DARK_NAME
        self.theme = self.kept.theme

    def on_mount(self) -> None:
        self.feed.start()
        self._mix()
        self.theme_changed_signal.subscribe(self, self._themed)
        self.push_screen(MainScreen())
        self.set_interval(FRAME, self._frame)
        self.set_interval(TICK, self._tick)
        if not self.is_headless:
            for ending in (signal.SIGTERM, signal.SIGHUP):  # the terminal is left as it was found, however it ends
                asyncio.get_running_loop().add_signal_handler(ending, partial(self.exit, return_code=128 + ending))

    def on_unmount(self) -> None:
        self.feed.stop()
        keeping.save(self.kept)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return missing(self.current_theme)

    # what screens use

    def tell(self, text: str, severity: SeverityLevel = "information", title: str = "") -> None:
        """A notification; its text is data, never markup."""
        self.notify(text, title=title, severity=severity, markup=False, timeout=8 if severity == "error" else 4)

    def fail(self, error: KgentsError, doing: str = "") -> None:
        """An error as a notification: what, why, and what to do."""
        parts = [f"because {error.why}" if error.why else "", error.fix]
        self.tell("\n".join([error.what, *(part for part in parts if part)]), "error", doing)

    def in_thread(self, work: Callable[[], T], then: Callable[[T], Any], doing: str = "") -> None:
        """Does `work` beside the screen, and `then` with what came of it; a KgentsError becomes a notification."""

        def run() -> None:
            try:
                done = work()
            except KgentsError as error:
                self._from_thread(self.fail, error, doing)
            except Exception as error:
                log.exception("%s broke", doing or work)
                self._from_thread(self.fail, KgentsError(f"{doing or 'That'} broke", why=repr(error)), doing)
            else:
                self._from_thread(then, done)

        threading.Thread(target=run, name=doing or "work", daemon=True).start()

    def can(self, action: str) -> bool:
        """Whether a key's action can be done now, as the keys' line shows it."""
        if not action.startswith("act("):
            return True
        name = action[len("act('") : -len("')")]
        screen = self.screen
        subject = screen.subject() if isinstance(screen, HiveScreen) else None
        return actions.why_not(name, self, subject) is None

    def open_agent(self, key: Key) -> None:
        from kgents.terrarium.screens.agent import AgentScreen

        if key in self.hive.agents:
            self.push_screen(AgentScreen(key))
        else:
            self.tell(f"There is no agent {key[1]} in {key[0] or 'this hive'} now", "warning")

    def open_proposal(self, key: Key) -> None:
        from kgents.terrarium.screens.proposal import ProposalScreen

        if key in self.hive.proposals:
            self.push_screen(ProposalScreen(key))
        else:
            self.tell(f"There is no proposal {key[1]} in {key[0] or 'this hive'} now", "warning")

    def open_signal(self, key: Key) -> None:
        from kgents.terrarium.screens.signal import SignalScreen

        if key in self.hive.signals:
            self.push_screen(SignalScreen(key))
        else:
            self.tell("That signal has faded away", "warning")

    def enter(self, world: World) -> None:
        """Look at another hive, namespace, or layer."""
        self.feed.stop()
        self.world, self.hive, self.feed = world, Hive(), Feed(world)
        self._told_failure = None
        self.feed.start()
        while not isinstance(self.screen, MainScreen):
            self.pop_screen()
        self._show({"agents", "signals", "proposals", "thoughts", "source"})

    # keys

    def action_ghost(self) -> None:
        """Look at what the disk remembers, and back."""
        ghost_only = not self.world.ghost_only
        told = "What this disk remembers. g goes back to the hive." if ghost_only else "Back to the hive."
        self._go(self.world.context, self.world.namespace, ghost_only, told)

    def action_namespace(self) -> None:
        from kgents.terrarium.screens.picker import Picker

        def show(found: list[str]) -> None:
            self.push_screen(Picker("namespace", ["", *found], self.world.namespace), self.go_namespace)

        self.in_thread(self.world.namespaces, show, "namespaces")

    def go_namespace(self, namespace: str | None) -> None:
        if namespace is not None and namespace != self.world.namespace:
            self._go(self.world.context, namespace, self.world.ghost_only)

    def action_hives(self) -> None:
        from kgents.terrarium.screens.picker import Picker

        def show(found: list[str]) -> None:
            self.push_screen(Picker("hive", found, self.world.context), self.go_hive)

        self.in_thread(self.world.contexts, show, "hives")

    def go_hive(self, context: str | None) -> None:
        if context is not None and context != self.world.context:
            self._go(context, self.world.namespace, self.world.ghost_only)

    def _go(self, context: str, namespace: str, ghost_only: bool, told: str = "") -> None:
        here = self.world

        def arrive(world: World) -> None:
            self.enter(world)
            if told:
                self.tell(told)

        self.in_thread(lambda: here.elsewhere(context, namespace, ghost_only=ghost_only), arrive, f"hive {context}")

    def action_theme(self) -> None:
        from kgents.terrarium.screens.picker import Picker

        def choose(name: str | None) -> None:
            if name:
                self.theme = name

        names = [DARK_NAME, LIGHT_NAME, *sorted(set(self.available_themes) - {DARK_NAME, LIGHT_NAME})]
        self.push_screen(Picker("theme", names, self.theme, seen=choose), choose)

    def action_jump(self) -> None:
        from kgents.terrarium import jumping

        jumping.ask(self)

    def action_help(self) -> None:
        from kgents.terrarium.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    async def action_back(self) -> None:
        """From a deeper screen one back; from the main screen out."""
        if isinstance(self.screen, MainScreen):
            self.exit()
        else:
            self.pop_screen()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._touched = time.monotonic()
        await super().on_event(event)

    # once a frame, once a second

    def _frame(self) -> None:
        heard = self.feed.take()
        changed = self.hive.apply(heard, self.clock()) if heard else set()
        if changed:
            self._show(changed)
        if "source" in changed and self.hive.synced:
            gc.freeze()  # what is there by now need not be looked through
        failed = self.feed.failed
        if failed is not None and failed is not self._told_failure:
            self._told_failure = failed
            self.fail(failed)

    def _show(self, changed: set[str]) -> None:
        for screen in self._whole():
            screen.on_hive(changed)
            if "source" in changed:  # another layer can do other things
                screen.refresh_bindings()

    def _tick(self) -> None:
        for screen in self._whole():
            screen.on_tick()
        self._collect()

    def _collect(self) -> None:
        """Commands run without the collector; what is open all day needs it: lines on the screen hold themselves.

        Those of the last second are soon found. All of a large hive takes a tenth of a second and more, in which no
        key is answered: so that is looked through while nobody presses any.
        """
        now = time.monotonic()
        whole = now - self._collected >= (COLLECT if now - self._touched >= STILL else 10 * COLLECT)
        gc.collect(2 if whole else 0)
        if whole:
            self._collected = now

    def _whole(self) -> list[HiveScreen]:
        """The screens that are there whole: one that is being made, or taken down at the end, has not all its parts."""
        screens = self.screen_stack if self.is_running else []
        return [screen for screen in screens if isinstance(screen, HiveScreen) and screen.is_mounted]

    def _themed(self, theme: Theme) -> None:
        self.kept.theme = theme.name
        self._mix()
        for screen in self.screen_stack:
            screen.refresh(layout=True)
            for widget in screen.walk_children():
                widget.refresh()

    def _mix(self) -> None:
        self.ink = ink_of(self.current_theme, self.theme_variables, colours=not self.no_color)

    def _from_thread(self, call: Callable[..., Any], *arguments: Any) -> None:
        if self.is_running:
            self.call_from_thread(call, *arguments)
