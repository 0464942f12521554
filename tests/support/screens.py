"""Terrarium over a hive that stands still, with one deeper screen open: what the tests of those screens share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.keeping import Kept
from tests.support.terrarium import FixedWorld
from tests.support.waiting import eventually_async

SIZES = ((60, 18), (80, 24), (200, 60))


@dataclass
class Opened:
    """`text()` is what stands on the terminal, a line each."""

    app: TerrariumApp
    pilot: Pilot[None]

    @property
    def screen(self) -> Screen[Any]:
        return self.app.screen

    def lines(self) -> list[str]:
        made = []
        for strip in self.screen._compositor.render_strips():
            made.append("".join(segment.text for segment in strip))
        return made

    def text(self) -> str:
        return "\n".join(self.lines())

    async def until(self, look: Callable[[], Any]) -> None:
        async def once() -> Any:
            await self.pilot.pause()
            return look()

        await eventually_async(once)

    async def sees(self, *texts: str) -> None:
        """Until all of these stand on the terminal."""
        try:
            await self.until(lambda: all(text in self.text() for text in texts))
        except AssertionError:
            raise AssertionError(f"{texts} do not all stand on\n{self.text()}") from None


@asynccontextmanager
async def opened(
    world: FixedWorld, make: Callable[[], Screen[Any]], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Opened]:
    """The app with the hive heard and that screen on top."""
    app = TerrariumApp(world, clock=world.clock, kept=Kept())
    async with app.run_test(size=size) as pilot:
        terminal = Opened(app, pilot)
        await terminal.until(lambda: app.hive.synced or app.feed.failed)
        await app.push_screen(make())
        await pilot.pause()
        yield terminal
