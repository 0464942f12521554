"""Terrarium shown without a terminal: opened over a fixed world, looked at as text, and waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from rich.segment import Segment
from textual._compositor import LayoutUpdate
from textual.pilot import Pilot
from textual.widgets import Input

from kgents.api import times
from kgents.glass.answer import dump
from kgents.glass.stream import Heard
from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.widgets.rows import Rows
from tests.support.example_hive import NAMESPACE
from tests.support.terrarium import FixedWorld
from tests.support.waiting import eventually_async

T = TypeVar("T")
Showing = Pilot[None]


@asynccontextmanager
async def showing(
    world: FixedWorld | None = None, *, size: tuple[int, int] = (120, 40), kept: Kept | None = None
) -> AsyncIterator[Showing]:
    """The app over a world, once it has shown what the world says."""
    world = world or FixedWorld()
    made = TerrariumApp(world, clock=world.clock, kept=kept or Kept())
    async with made.run_test(size=size, notifications=True) as pilot:
        if world.state != "error":
            await until(pilot, lambda: made.hive.synced)
        await until(pilot, lambda: isinstance(made.screen, MainScreen) and made.screen.focused is not None)
        yield pilot


def app(pilot: Showing) -> TerrariumApp:
    assert isinstance(pilot.app, TerrariumApp)
    return pilot.app


def main(pilot: Showing) -> MainScreen:
    """The main screen, whatever lies over it."""
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, MainScreen))


async def until(pilot: Showing, look: Callable[[], T]) -> T:
    """The first truthy answer, after all that is to be done for it has been done."""

    async def looked() -> T:
        await pilot.pause()
        return look()

    return await eventually_async(looked)


async def write(pilot: Showing, text: str) -> None:
    """Types a text into what has the focus, as if pasted; keys of their own are pressed with `press`."""
    focused = pilot.app.focused
    assert isinstance(focused, Input), f"nothing to write into: {focused!r}"
    focused.insert_text_at_cursor(text)
    await pilot.pause()


def log(world: FixedWorld, agent: str, line: str, ago: float = 0.0) -> None:
    """The agent writes a line, and everybody hears it."""
    row = {"namespace": NAMESPACE, "agent": agent, "pod": f"{agent}-0", "line": line}
    world.extra.put(Heard("ADDED", "logs", dump({**row, "at": times.to_micro_text(world.now - ago)}), world.source))


def names(rows: Rows) -> list[str]:
    """What is listed, in order."""
    return [name for _, name in list(rows.keys())]


def segments(pilot: Showing) -> list[list[Segment]]:
    """What is on the screen, line by line."""
    update = pilot.app.screen._compositor.render_update(full=True, screen_stack=pilot.app._background_screens)
    assert isinstance(update, LayoutUpdate)
    return [[segment for strip in line for segment in strip] for line in update.strips]


def lines(pilot: Showing) -> list[str]:
    """The text that is on the screen."""
    return ["".join(segment.text for segment in line) for line in segments(pilot)]


def text(pilot: Showing) -> str:
    return "\n".join(lines(pilot))


def said(pilot: Showing) -> list[str]:
    """The notifications, oldest first: title and text."""
    return [f"{one.title}: {one.message}" for one in pilot.app._notifications]
