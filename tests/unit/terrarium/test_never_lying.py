"""What is shown says where it is from and how old it is, whatever becomes of the layers; what cannot be done, why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from kgents.api.errors import KgentsError, Unreachable
from kgents.glass.answer import Source
from kgents.glass.stream import Heard
from kgents.terrarium import app as app_module
from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.dialogs import FreezeDialog
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.widgets.proposals import Proposals
from tests.support.example_hive import NAMESPACE
from tests.support.showing import Showing, app, lines, main, said, showing, text, until
from tests.support.terrarium import TRIED, FixedWorld, Pause


def lost(world: FixedWorld, *tried: tuple[str, str]) -> None:
    """Cortex is away; these did not answer."""
    world.extra.put(Heard("LAYER", "", json.dumps({"tried": tried}).encode(), world.source))


def synced(world: FixedWorld, layer: str, age: float = 0.0) -> None:
    staleness = "live" if layer != "ghost" else "fresh"
    world.extra.put(Heard("SYNCED", "", b"", Source(layer, age, staleness)))  # type: ignore[arg-type]


async def head(pilot: Showing, *words: str) -> None:
    await until(pilot, lambda: all(word in lines(pilot)[0] for word in words))


async def test_live_then_lost_then_remembered_then_kubectl_then_live() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        await head(pilot, "● [Live]")
        assert not main(pilot).has_class("-stale")
        lost(world, TRIED[0])
        await head(pilot, "[GHOST 0s]")
        await until(pilot, lambda: main(pilot).has_class("-stale"))
        assert "b-gent" in text(pilot), "what was known is still there"
        world.now += 7
        await head(pilot, "[GHOST 7s]")
        synced(world, "ghost", 8.0)
        await head(pilot, "[GHOST 8s]")
        world.now += 60
        await head(pilot, "[GHOST 68s]")
        lost(world, *TRIED)
        synced(world, "ghost", 70.0)
        await head(pilot, "[GHOST 70s]")
        synced(world, "kubectl")
        await head(pilot, "[kubectl]")
        await until(pilot, lambda: not main(pilot).has_class("-stale"))
        synced(world, "cortex")
        lost(world)
        await head(pilot, "● [Live]")
        assert isinstance(pilot.app.screen, MainScreen)


async def test_being_lost_while_a_dialog_is_open_stays_true_behind_it() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        await pilot.press("F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FreezeDialog))
        lost(world, *TRIED)
        await until(pilot, lambda: "[GHOST" in lines(pilot)[0])
        await pilot.press("escape")
        world.now += 5
        await head(pilot, "[GHOST 5s]")


async def test_before_anything_is_known_it_says_that_it_looks() -> None:
    world = FixedWorld("error")
    async with showing(world) as pilot:
        assert "[…]" in lines(pilot)[0]
        await until(pilot, lambda: "Looking for the hive" in text(pilot))
        assert "0 agents" not in text(pilot)
        assert "No agents" not in text(pilot)


async def test_a_stream_that_fails_is_a_notification_with_the_fix() -> None:
    async with showing(FixedWorld("error")) as pilot:
        await until(pilot, lambda: said(pilot))
        told = "\n".join(said(pilot))
        assert "Nothing answers for kgents-laptop" in told
        assert "connection refused" in told
        assert "kgents infra start" in told
        await pilot.press("down", "enter", "s", "slash", "escape", "m")
        assert isinstance(pilot.app.screen, MainScreen)


class Breaking(FixedWorld):
    """Its stream breaks with no error of ours."""

    def stream(self, pause: Pause) -> Iterator[Heard]:
        raise ZeroDivisionError("[red]no such thing[/]")


async def test_a_stream_that_breaks_is_said_too() -> None:
    world = Breaking()
    made = TerrariumApp(world, clock=world.clock, kept=Kept())
    async with made.run_test(notifications=True) as pilot:
        await until(pilot, lambda: said(pilot))
        assert "The stream of the hive broke" in said(pilot)[0]
        await until(pilot, lambda: "such thing[/]" in text(pilot))


async def test_a_frozen_hive_says_so_over_everything() -> None:
    world = FixedWorld()
    for size in ((60, 18), (120, 40)):
        world.frozen = None
        async with showing(world, size=size) as pilot:
            world.frozen = {"by": "ada", "reason": "[red]a leak\x1b[31m", "since": "2026-01-02T12:00:00Z"}
            await until(pilot, lambda: "❄ FROZEN by ada: [red]a leak" in lines(pilot)[1])
            assert "[Live]" in lines(pilot)[0]
            assert "AGENTS" in lines(pilot)[2]
            assert main(pilot).query_one("Keys").region.bottom == size[1]
            world.frozen = None
            await until(pilot, lambda: "FROZEN" not in text(pilot) and "AGENTS" in lines(pilot)[1])


@pytest.mark.parametrize("key", ["e", "p", "space", "F"])
async def test_in_ghost_mode_what_would_write_says_why_not(key: str) -> None:
    world = FixedWorld("ghost", ghost_only=True)
    async with showing(world) as pilot:
        await pilot.press(key)
        assert isinstance(pilot.app.screen, MainScreen)
        assert "this is the ghost, a memory on this disk".casefold() in said(pilot)[0].casefold()
        assert "g goes back to the hive" in said(pilot)[0]
    assert world.writes == []


@pytest.mark.parametrize("key", ["a", "r"])
async def test_in_ghost_mode_nothing_is_decided(key: str) -> None:
    world = FixedWorld("ghost", ghost_only=True)
    async with showing(world) as pilot:
        await pilot.press("3")
        assert main(pilot).query_one(Proposals).go_to((NAMESPACE, "l-gent-image-p91f"))
        await pilot.press(key)
        assert isinstance(pilot.app.screen, MainScreen)
        assert "a memory on this disk" in said(pilot)[0]


async def test_while_nothing_live_answers_an_action_says_what_was_tried() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        lost(world, *TRIED)
        await head(pilot, "[GHOST")
        await pilot.press("e")
        assert "Cortex: it does not run; kubectl: connection refused" in said(pilot)[0]
        assert isinstance(pilot.app.screen, MainScreen)
        synced(world, "cortex")
        await head(pilot, "[Live]")
        await pilot.press("e")
        await until(pilot, lambda: not isinstance(pilot.app.screen, MainScreen))


@pytest.mark.parametrize("key", ["n", "H"])
async def test_what_cannot_be_looked_up_is_a_notification(key: str) -> None:
    error = Unreachable("It [b]cannot[/] be read", why="no such file", fix="make one")

    class Shut(FixedWorld):
        def namespaces(self) -> list[str]:
            raise error

        def contexts(self) -> list[str]:
            raise error

    async with showing(Shut()) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: said(pilot))
        for part in ("It [b]cannot[/] be read", "no such file", "make one"):
            assert part in said(pilot)[0]
        await until(pilot, lambda: "It [b]cannot[/] be read" in text(pilot))
        assert isinstance(pilot.app.screen, MainScreen)


@pytest.mark.parametrize("error", [Unreachable("There is no such hive", fix="see H"), ValueError("odd")])
@pytest.mark.parametrize("typed", ["ns there", "ctx there", "ghost"])
async def test_a_place_that_cannot_be_gone_to_leaves_everything_as_it_is(error: Exception, typed: str) -> None:
    class Alone(FixedWorld):
        def elsewhere(self, context: str, namespace: str, *, ghost_only: bool = False) -> FixedWorld:
            raise error

    world = Alone()
    async with showing(world) as pilot:
        await pilot.press("colon", *("space" if sign == " " else sign for sign in typed), "enter")
        await until(pilot, lambda: said(pilot))
        assert ("There is no such hive" if isinstance(error, KgentsError) else "odd") in said(pilot)[0]
        assert app(pilot).world is world
        assert "[Live]" in lines(pilot)[0]


async def test_kubectl_knows_no_activity_and_says_so_with_a_dash() -> None:
    async with showing(FixedWorld("kubectl")) as pilot:
        await head(pilot, "[kubectl]")
        assert "pressure" not in lines(pilot)[0]
        row = next(line for line in lines(pilot) if "b-gent" in line)
        assert "–" in row
        assert "%" not in row


class Late(MainScreen):
    """It is made only once the hive has been heard."""

    async def _compose(self) -> None:
        while not self.terrarium.hive.synced:
            await asyncio.sleep(0.01)
        await super()._compose()


async def test_a_hive_that_is_heard_before_the_screen_is_there_is_shown_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MainScreen", Late)
    async with showing() as pilot:
        await until(pilot, lambda: "b-gent" in text(pilot) and "[Live]" in lines(pilot)[0])
