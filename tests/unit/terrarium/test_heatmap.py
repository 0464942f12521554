"""The heatmap as a widget: keys, mouse, messages, and that it draws no more than it must."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.message import Message

from kgents.terrarium.heat.scent import Scent
from kgents.terrarium.ink import Ink
from kgents.terrarium.widgets.heatmap import Heatmap
from tests.support.scents import AGENTS, ink, mock, scent

REACTORS = {"WARNING": ["m-gent", "n-gent"]}


class Air(App[None]):
    """Nothing but a heatmap."""

    CSS = "Heatmap { width: 100%; height: 100%; }"

    def __init__(self, made: Ink | None = None) -> None:
        super().__init__()
        self.ink = made or ink()
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Heatmap()

    def on_heatmap_opened(self, message: Heatmap.Opened) -> None:
        self.heard.append(message)

    def on_heatmap_mode_changed(self, message: Heatmap.ModeChanged) -> None:
        self.heard.append(message)

    @property
    def map(self) -> Heatmap:
        return self.query_one(Heatmap)

    def show(self, scents: list[Scent], now: float = 1000.0, agents: list[tuple[str, str]] = AGENTS) -> None:
        self.map.show(scents, agents=agents, reactors=REACTORS, now=now)

    def lines(self) -> list[str]:
        return [self.map.render_line(y).text for y in range(self.map.size.height)]


async def test_m_goes_round_the_modes_and_says_so() -> None:
    app = Air()
    async with app.run_test(size=(80, 20)) as pilot:
        app.show(mock())
        assert app.map.mode == "field"
        for mode in ("grid", "time", "field"):
            await pilot.press("m")
            assert app.map.mode == mode
        assert [message.mode for message in app.heard if isinstance(message, Heatmap.ModeChanged)] == [
            "grid",
            "time",
            "field",
        ]


async def test_the_cursor_starts_at_the_strongest_and_tells_what_made_it() -> None:
    app = Air()
    async with app.run_test(size=(100, 20)) as pilot:
        app.show(mock())
        await pilot.press("j")
        told = app.lines()[-2:]
        assert told[0].startswith("WARNING b-gent → m-gent  0.95  60s old, half in 5m")
        assert told[1].startswith("“14 errors in 60 s”  m-gent, n-gent react  because of a log line")
        await pilot.press("enter")
        assert [message.key for message in app.heard if isinstance(message, Heatmap.Opened)] == [("default", "a")]


@pytest.mark.parametrize(("there", "back"), [("left", "right"), ("h", "l"), ("up", "down"), ("k", "j")])
async def test_arrows_and_letters_go_from_spot_to_spot(there: str, back: str) -> None:
    corners = [
        scent("nw", "WARNING", "a", 0.9, position={"x": 0.0, "y": 0.0}),
        scent("ne", "DREAM", "b", 0.8, position={"x": 1.0, "y": 0.0}),
        scent("sw", "STATE", "c", 0.8, position={"x": 0.0, "y": 1.0}),
        scent("se", "INTENT", "d", 0.95, position={"x": 1.0, "y": 1.0}),
    ]
    app = Air()
    async with app.run_test(size=(100, 30)) as pilot:
        app.show(corners)
        await pilot.press("x")
        app.map.focus()
        await pilot.press("right" if app.map.told() else "down")
        assert app.map.told()[0].key[1] == "se"
        await pilot.press(there)
        assert app.map.told()[0].key[1] == ("sw" if there in ("left", "h") else "ne")
        await pilot.press(back)
        assert app.map.told()[0].key[1] == "se"


async def test_the_mouse_tells_and_opens() -> None:
    app = Air()
    async with app.run_test(size=(100, 20)) as pilot:
        app.map.can_focus = False
        app.show([scent("a", position={"x": 0.5, "y": 0.5})])
        await pilot.hover(Heatmap, offset=(50, 9))
        assert app.lines()[-2].startswith("WARNING b-gent → all")
        await pilot.hover(Heatmap, offset=(0, 0))
        assert not app.lines()[-2].startswith("WARNING")
        await pilot.click(Heatmap, offset=(50, 9))
        assert [message.key for message in app.heard if isinstance(message, Heatmap.Opened)] == [("default", "a")]
        await pilot.click(Heatmap, offset=(0, 0))
        assert len(app.heard) == 1


async def test_nothing_is_made_anew_unless_it_looks_different() -> None:
    app = Air()
    async with app.run_test(size=(80, 20)):
        app.show(mock())
        drawn = app.map.drawn
        app.show([replace(one, intensity=one.intensity - 1e-6, age=one.age + 1) for one in mock()], now=1001.0)
        assert app.map.drawn == drawn
        app.show([replace(one, intensity=one.intensity / 2) for one in mock()], now=1300.0)
        assert app.map.drawn == drawn + 1


async def test_the_cursor_stays_with_its_spot_while_others_come() -> None:
    app = Air()
    async with app.run_test(size=(80, 20)) as pilot:
        app.show(mock())
        await pilot.press("m", "j")
        before = app.map.told()
        app.show(
            [*mock(), *(scent(f"n{nth}", "CHAOS", f"a{nth}") for nth in range(3))], agents=[("default", "new"), *AGENTS]
        )
        assert app.map.told() == before


async def test_the_grid_moves_on_where_there_are_more_agents() -> None:
    crowd = [("default", f"agent-{nth:02}") for nth in range(50)]
    scents = [scent(str(nth), source=f"agent-{nth:02}", intensity=0.5) for nth in range(50)]
    app = Air()
    async with app.run_test(size=(60, 12)) as pilot:
        app.show(scents, agents=crowd)
        assert app.map.mode == "grid"
        await pilot.press("j", *["j"] * 20)
        assert app.map.top > 0
        assert any(line.startswith("agent-15") for line in app.lines())
        await pilot.press(*["k"] * 40)
        assert app.map.top == 0


@pytest.mark.parametrize(("width", "height"), [(20, 4), (1, 1), (60, 12), (200, 50)])
@pytest.mark.parametrize("colours", [True, False])
async def test_any_size_is_filled_in_every_mode(width: int, height: int, colours: bool) -> None:
    app = Air(ink(colours=colours))
    async with app.run_test(size=(width, height)) as pilot:
        app.show([*mock(), scent("z", "[bold]x[/]", "\x1b[31m漢字", 0.7)])
        for _ in range(3):
            await pilot.press("m", "j", "l")
            for y in range(height):
                strip = app.map.render_line(y)
                assert strip.cell_length == width
                assert "\x1b" not in strip.text


async def test_it_follows_the_size_of_its_pane() -> None:
    app = Air()
    async with app.run_test(size=(80, 20)) as pilot:
        app.show(mock())
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert [len(line) for line in app.lines()] == [40] * 10


async def test_what_is_old_is_dimmer() -> None:
    app = Air()
    async with app.run_test(size=(60, 12)):
        app.show(mock())
        live = app.map.render_line(2)
        app.map.show(mock(), agents=AGENTS, reactors=REACTORS, now=1000.0, old=True)
        old = app.map.render_line(2)
        assert old.text == live.text
        assert old != live


async def test_an_empty_hive_is_calm_and_nothing_can_be_opened() -> None:
    app = Air()
    async with app.run_test(size=(60, 12)) as pilot:
        app.show([])
        await pilot.press("j", "enter", "l", "m", "enter")
        assert "No signals in the air" in "".join(app.lines())
        assert not any(isinstance(message, Heatmap.Opened) for message in app.heard)
