"""A Terrarium over a fixed hive in which one thing is chosen, for what can be done with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from kgents.terrarium import app as app_module
from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.hive import Key, Row
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.base import HiveScreen, Subject
from tests.support.terrarium import FixedWorld

PATIENCE = 20.0
AGENT: Key = ("default", "b-gent")
REVIEWING: Key = ("default", "l-gent-image-p91f")
BLOCKED: Key = ("default", "m-gent-forget-0c3d")
MERGED: Key = ("default", "indexer-config-77ab")
SIZE = (80, 24)


class Chosen(HiveScreen):
    """Nothing but what is chosen."""

    kind = "agent"
    key: Key = AGENT

    def compose(self) -> ComposeResult:
        yield Static("")

    def subject(self) -> Subject | None:
        return subject(self.terrarium, self.kind, self.key) if self.kind else None


def subject(app: TerrariumApp, kind: str, key: Key) -> Subject:
    found: Row | None
    if kind == "signal":
        found = app.hive.signals[key].row
    else:
        found = (app.hive.agents if kind == "agent" else app.hive.proposals)[key]
    return Subject(kind, key, found)


class Deeds:
    """The app, and what is on its screen. Every wait has an end."""

    def __init__(self, app: TerrariumApp, pilot: Pilot[None], world: FixedWorld) -> None:
        self.app, self.pilot, self.world = app, pilot, world
        self.told: list[tuple[str, str]] = []

    @property
    def screen(self) -> Any:
        return self.app.screen

    @property
    def wrote(self) -> list[str]:
        return [id for id, _, given, _ in self.world.writes if not given.get("dryRun")]

    def text(self) -> str:
        """All that stands on the screen, line by line."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def shows(self, text: str) -> bool:
        return text in " ".join(self.text().replace("│", " ").split())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        await self.press(*("space" if sign == " " else sign for sign in text))

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"{what}\n{self.told}\n{self.text()}"
            await asyncio.sleep(0.01)
            await self.pilot.pause()

    async def sees(self, text: str) -> None:
        await self.until(lambda: self.shows(text), f"“{text}” does not come")

    async def hears(self, text: str) -> None:
        await self.until(lambda: any(text in told for told, _ in self.told), f"“{text}” is not told")


@asynccontextmanager
async def deeds(
    monkeypatch: pytest.MonkeyPatch,
    world: FixedWorld | None = None,
    *,
    kind: str = "agent",
    key: Key = AGENT,
    size: tuple[int, int] = SIZE,
) -> AsyncIterator[Deeds]:
    """The app with that chosen, once it knows the hive."""
    world = world or FixedWorld()
    monkeypatch.setattr(app_module, "MainScreen", type("Main", (Chosen,), {"kind": kind, "key": key}))
    app = TerrariumApp(world, clock=world.clock, kept=Kept())
    async with app.run_test(size=size) as pilot:
        made = Deeds(app, pilot, world)
        tell = app.tell

        def heard(text: str, severity: Any = "information", title: str = "") -> None:
            made.told.append((text, severity))
            tell(text, severity, title)

        monkeypatch.setattr(app, "tell", heard)
        if world.state != "error":
            await made.until(lambda: app.hive.synced, "the hive is not known")
        yield made
