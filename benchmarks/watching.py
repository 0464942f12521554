"""Terrarium over a crowd, with somebody at its keys: how long until each key is seen, and what it costs.

    python -m benchmarks.watching SECONDS [--profile FILE]

Prints one JSON object. Everything is as in a terminal, to the bytes that would be written there; only nobody reads
them. A key's time is from its arrival to the end of the frame in which what it changed is drawn.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import itertools
import json
import random
import resource
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from benchmarks.crowd import TARGET
from kgents.terrarium import app as app_module
from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.agent import AgentScreen
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.screens.prompt import PromptScreen
from kgents.terrarium.widgets.agents import Agents
from kgents.terrarium.widgets.heatmap import Heatmap
from kgents.terrarium.widgets.pane import Pane
from kgents.terrarium.world import GlassWorld

SIZE = (160, 50)
WARM = 5.0
"""Seconds after all is there that are not counted."""
Seen = Callable[[Widget], bool]
"""Whether what a key has changed is in what this widget draws now."""


@dataclass(slots=True)
class Press:
    """One key on its way. The screen's thread says when it was drawn, and then painted.

    `took` in seconds; `worked` of them the screen's thread was computing: the rest it waited, for the next frame, the
    other threads, or a processor.
    """

    seen: Seen
    at: float = 0.0
    worked_before: float = 0.0
    drawn: bool = False
    took: float = 0.0
    worked: float = 0.0
    painted: threading.Event = field(default_factory=threading.Event)


class Paper(HeadlessDriver):
    """A terminal that takes everything and shows nothing."""

    written = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        Paper.written += len(data)


class Watched(TerrariumApp):
    """Knows when a frame is out."""

    CSS_PATH = str(Path(app_module.__file__).with_name("terrarium.tcss"))
    frames = 0
    pressed: Press | None = None

    def post_display_hook(self) -> None:
        self.frames += 1
        press = self.pressed
        if press is not None and press.drawn:
            press.took, press.worked = time.perf_counter() - press.at, self.worked() - press.worked_before
            self.pressed = None
            press.painted.set()

    def worked(self) -> float:
        """Seconds that the screen's thread has computed."""
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread_id))

    def press(self, key: str, seen: Seen) -> Press | None:
        """From another thread: the key once it was seen, None where it was not within five seconds."""
        driver = self._driver
        assert driver is not None
        press = Press(seen)
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(self)
        press.worked_before, press.at = self.worked(), time.perf_counter()
        self.pressed = press
        driver.send_message(event)
        return press if press.painted.wait(5.0) else None


def watch_drawing(app: Watched) -> None:
    """Tells the pressed key of every widget that is drawn."""
    render_lines = Widget.render_lines

    def watched(self: Widget, crop: Region) -> list[Strip]:
        press = app.pressed
        if press is not None and not press.drawn and press.seen(self):
            press.drawn = True
        return render_lines(self, crop)

    Widget.render_lines = watched  # type: ignore[method-assign]


class Person:
    """Presses keys, each once the last one is seen and a moment has passed."""

    def __init__(self, app: Watched, profile: cProfile.Profile | None) -> None:
        self.app, self.profile = app, profile
        self.took: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.missed: list[str] = []
        self._chance = random.Random(3)

    def press(self, name: str, key: str, seen: Seen) -> None:
        press = self.app.press(key, seen)
        if press is None:
            self.missed.append(name)
        else:
            self.took[name].append((press.took, press.worked))
        time.sleep(self._chance.uniform(0.03, 0.15))

    def round(self) -> None:
        """Every sort of key, from AGENTS and back to it."""
        app = self.app
        main = next(screen for screen in app.screen_stack if isinstance(screen, MainScreen))
        agents, heat = main.query_one(Agents), main.query_one(Heatmap)
        for _ in range(6):
            cursor = agents.cursor
            self.press("down", "down", lambda one, cursor=cursor: one is agents and agents.cursor != cursor)  # type: ignore[misc]
        sort, mode = agents.sort, heat.mode
        self.press("s", "s", lambda one: one is agents and agents.sort != sort)
        self.press("m", "m", lambda one: one is heat and heat.mode != mode)
        for nth in range(4):
            key, before = ("tab", "shift+tab")[nth % 2], app.focused
            self.press(key, key, lambda one, before=before: one is app.focused and one is not before)  # type: ignore[misc]
        self.press("/", "slash", lambda one: isinstance(one.screen, PromptScreen) and one.screen is app.screen)
        for typed in itertools.accumulate("agent-0"):
            self.press("/ typing", typed[-1], lambda one, typed=typed: one is agents and _filter_of(agents) == typed)  # type: ignore[misc]
        self.press("/ esc", "escape", lambda one: one is agents and not agents.selector)
        self.press("enter", "enter", lambda one: isinstance(one.screen, AgentScreen) and one.screen is app.screen)
        self.press("esc", "escape", lambda one: one.screen is main and app.screen is main)

    def sit(self, seconds: float) -> None:
        """Uses it for so long, tells, and leaves."""
        try:
            print(json.dumps(self._sat(seconds)), file=sys.__stdout__, flush=True)  # the screen has taken sys.stdout
        finally:
            self.app.call_from_thread(self.app.exit)

    def _sat(self, seconds: float) -> dict[str, Any]:
        """What it was like, from when all is there."""
        app = self.app
        while not (app.hive.synced and app.hive.live):
            time.sleep(0.1)
        time.sleep(WARM)
        frames, written, cpu, began = app.frames, Paper.written, time.process_time(), time.perf_counter()
        thoughts = app.hive.thought
        quiet = self.quiet(min(seconds / 3, 10.0))
        if self.profile is not None:
            app.call_from_thread(lambda profile: profile.enable(), self.profile)
        while time.perf_counter() - began < seconds:
            self.round()
        if self.profile is not None:
            app.call_from_thread(lambda profile: profile.disable(), self.profile)
        lasted = time.perf_counter() - began
        return {
            "seconds": lasted,
            "cpu": (time.process_time() - cpu) / lasted,
            "cpu_quiet": quiet,
            "frames": (app.frames - frames) / lasted,
            "bytes": (Paper.written - written) / lasted,
            "thoughts": (app.hive.thought - thoughts) / lasted,
            "agents": len(app.hive.agents),
            "signals": len(app.hive.signals),
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "took": self.took,
            "missed": self.missed,
        }

    def quiet(self, seconds: float) -> float:
        """The share of a core while nobody presses a key."""
        cpu, began = time.process_time(), time.perf_counter()
        time.sleep(seconds)
        return (time.process_time() - cpu) / (time.perf_counter() - began)


def _filter_of(pane: Pane) -> str:
    return pane.selector.text if pane.selector else ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--profile")
    options = parser.parse_args()
    threading.excepthook = lambda broke: traceback.print_exception(broke.exc_value, file=sys.__stderr__)
    profile = cProfile.Profile() if options.profile else None
    app = Watched(GlassWorld(TARGET, "", tell=lambda line: print(line, file=sys.stderr)), kept=Kept())
    app.driver_class = Paper
    gc.disable()  # as every command begins
    watch_drawing(app)
    threading.Thread(target=Person(app, profile).sit, args=(options.seconds,), daemon=True).start()
    app.run(size=SIZE)
    if profile is not None:
        profile.dump_stats(options.profile)


if __name__ == "__main__":
    main()
