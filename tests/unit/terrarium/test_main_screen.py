"""The main screen in the hands of somebody: what is typed, clicked, resized, and what stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual import events
from textual._compositor import LayoutUpdate
from textual.widgets import Input

from kgents.terrarium import keeping
from kgents.terrarium.draw import length
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.agent import AgentScreen
from kgents.terrarium.screens.dialogs import FreezeDialog
from kgents.terrarium.screens.help import HelpScreen
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.screens.picker import Picker
from kgents.terrarium.screens.prompt import PromptScreen
from kgents.terrarium.screens.proposal import ProposalScreen
from kgents.terrarium.screens.signal import SignalScreen
from kgents.terrarium.widgets.agents import Agents
from kgents.terrarium.widgets.header import Header
from kgents.terrarium.widgets.heatmap import Heatmap
from kgents.terrarium.widgets.keys import Keys
from kgents.terrarium.widgets.proposals import Proposals
from kgents.terrarium.widgets.thoughts import Thoughts
from tests.support import example_hive
from tests.support.showing import (
    Showing,
    app,
    lines,
    log,
    main,
    names,
    said,
    segments,
    showing,
    text,
    until,
    write,
)
from tests.support.terrarium import FixedWorld

SIZES = [(60, 18), (79, 23), (80, 24), (99, 30), (100, 24), (120, 40), (160, 50), (200, 60), (300, 80), (60, 18)]


async def prompt(pilot: Showing, sign: str, typed: str) -> Input:
    await pilot.press(sign)
    await until(pilot, lambda: isinstance(pilot.app.screen, PromptScreen))
    entry = pilot.app.screen.query_one(Input)
    entry.value = typed
    await pilot.pause()
    return entry


async def shows(pilot: Showing, screen: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))


# /


async def test_a_filter_narrows_while_it_is_typed_and_stays() -> None:
    async with showing() as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("slash", "p", "s")
        await until(pilot, lambda: names(agents) == ["psi-gent"])
        await pilot.press("backspace", "backspace")
        await until(pilot, lambda: len(names(agents)) == 9)
        await pilot.press(*"phase", "equals_sign", *"Failed", "vertical_line", *"Suspended", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        assert names(agents) == ["x-gent", "dreamer"]
        assert "/phase=Failed|Suspended" in lines(pilot)[1]
        assert app(pilot).kept.filters["agents"] == "phase=Failed|Suspended"


async def test_keys_that_were_typed_ahead_of_the_screen_mean_what_they_will() -> None:
    async with showing() as pilot:
        for sign in "3/image\r":  # at once, as from a terminal's buffer
            pilot.app.post_message(events.Key({"/": "slash", "\r": "enter"}.get(sign, sign), sign))
        await until(pilot, lambda: bool(app(pilot).kept.filters))
        assert app(pilot).kept.filters == {"proposals": "image"}


async def test_a_letter_paints_what_it_changes_and_not_the_whole_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing() as pilot:
        entry = await prompt(pilot, "slash", "")
        await until(pilot, lambda: entry.has_focus)
        await pilot.pause()
        painted: list[object] = []
        display = pilot.app._display
        monkeypatch.setattr(
            pilot.app, "_display", lambda screen, update: [painted.append(update), display(screen, update)]
        )
        await pilot.press("n")  # all agents have one: as many as before, so that nothing is laid out anew
        await until(pilot, lambda: bool(painted))
        assert len(names(main(pilot).query_one(Agents))) == 9
        assert [update for update in painted if isinstance(update, LayoutUpdate)] == []


async def test_what_was_sensed_before_all_was_told_is_not_shown_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing() as pilot:
        screen, hive = main(pilot), app(pilot).hive
        shown: list[int] = []
        show = Heatmap.show
        monkeypatch.setattr(
            Heatmap, "show", lambda heat, scents, **rest: [shown.append(len(scents)), show(heat, scents, **rest)]
        )
        told = dict(hive.signals)
        hive.signals.clear()
        screen._sense()
        hive.signals.update(told)
        screen._renew_heat()
        await until(pilot, lambda: len(shown) >= 3)
        assert set(shown) == {len(told)}


async def test_escape_takes_a_filter_back_to_what_it_was() -> None:
    async with showing(kept=Kept(filters={"agents": "gent"})) as pilot:
        agents = main(pilot).query_one(Agents)
        before = names(agents)
        entry = await prompt(pilot, "slash", "x-gent")
        await until(pilot, lambda: names(agents) == ["x-gent"])
        assert entry.has_focus
        await pilot.press("escape")
        assert names(agents) == before
        assert app(pilot).kept.filters["agents"] == "gent"


async def test_wrong_syntax_is_said_beside_it_and_cannot_be_entered() -> None:
    async with showing() as pilot:
        agents = main(pilot).query_one(Agents)
        await prompt(pilot, "slash", "name~(")
        assert "name~(" in lines(pilot)[-1]
        assert "filters AGENTS" not in lines(pilot)[-1]
        wrong = lines(pilot)[-1]
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PromptScreen)
        assert lines(pilot)[-1] == wrong
        assert len(names(agents)) == 9
        await pilot.press("escape")
        assert len(names(agents)) == 9


@pytest.mark.parametrize(
    ("pane", "typed", "found"), [("3", "risk>=0.5", 2), ("4", "who=b-gent", 2), ("4", "orders.log", 1)]
)
async def test_every_list_is_filtered_in_the_same_way(pane: str, typed: str, found: int) -> None:
    async with showing() as pilot:
        await pilot.press(pane)
        await prompt(pilot, "slash", typed)
        await pilot.press("enter")
        rows = main(pilot).query_one(Proposals if pane == "3" else Thoughts)
        await until(pilot, lambda: len(rows.keys()) == found)
        await pilot.press("escape")
        assert len(rows.keys()) > found


async def test_a_filter_that_nothing_passes_says_so() -> None:
    async with showing(kept=Kept(filters=dict.fromkeys(("agents", "proposals", "thoughts"), "nobody"))) as pilot:
        for words in ("No agent is like that", "No proposal is like that", "Nothing like that was said"):
            assert words in text(pilot)


async def test_brackets_in_a_filter_are_text() -> None:
    async with showing() as pilot:
        await prompt(pilot, "slash", '"[red]x[/]"')
        await pilot.press("enter")
        assert '/"[red]x[/]"' in lines(pilot)[1]


# :


@pytest.mark.parametrize(
    ("typed", "pane"),
    [("agents", Agents), ("signals", Heatmap), ("ph", Heatmap), ("prop", Proposals), ("thoughts", Thoughts)],
)
async def test_colon_goes_to_a_pane_also_from_deeper(typed: str, pane: type) -> None:
    async with showing(kept=Kept(focused="thoughts" if pane is Agents else "agents")) as pilot:
        await pilot.press("1", "enter")
        await shows(pilot, AgentScreen)
        await prompt(pilot, "colon", typed)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, pane))


@pytest.mark.parametrize(
    ("typed", "screen"),
    [
        ("x-gent", AgentScreen), ("default/x-gent", AgentScreen), ("queue", AgentScreen),
        ("m-gent-forget-0c3d", ProposalScreen), ("m-gent-f", ProposalScreen),
        ("help", HelpScreen), ("theme", Picker), ("ctx", Picker), ("freeze", FreezeDialog),
    ],
)  # fmt: skip
async def test_colon_goes_to_what_is_named(typed: str, screen: type) -> None:
    async with showing() as pilot:
        await prompt(pilot, "colon", typed)
        await pilot.press("enter")
        await shows(pilot, screen)


async def test_colon_goes_to_a_namespace_and_a_hive() -> None:
    async with showing(FixedWorld(objects=example_hive.many(20))) as pilot:
        await prompt(pilot, "colon", "ns team-2")
        await pilot.press("enter")
        await until(pilot, lambda: "kgents-laptop/team-2" in lines(pilot)[0] and len(app(pilot).hive.agents) == 3)
        await prompt(pilot, "colon", "ns all")
        await pilot.press("enter")
        await until(pilot, lambda: "all namespaces" in lines(pilot)[0] and len(app(pilot).hive.agents) == 20)
        await prompt(pilot, "colon", "ctx kgents-lab")
        await pilot.press("enter")
        await until(pilot, lambda: "kgents-lab" in lines(pilot)[0] and app(pilot).hive.synced)


async def test_colon_completes_and_quits() -> None:
    async with showing() as pilot:
        entry = await prompt(pilot, "colon", "psi")
        await until(pilot, lambda: entry._suggestion == "psi-gent")
        await pilot.press("tab")
        assert entry.value == "psi-gent"
        entry.value = "q"
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.is_running)


@pytest.mark.parametrize("typed", ["nobody", "[red]x[/]", "x\u202ey", "gent", "   ", "a/b/c"])
async def test_a_name_that_means_nothing_is_said_to(typed: str) -> None:
    async with showing() as pilot:
        await prompt(pilot, "colon", typed)
        await pilot.press("enter")
        await shows(pilot, MainScreen)
        assert len(said(pilot)) == 1
        assert "Nothing here is called" in said(pilot)[0]


# the mouse


async def test_a_click_chooses_and_two_open() -> None:
    async with showing() as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("4")
        await pilot.click(Agents, offset=(8, 4))
        assert (agents.key, agents.has_focus) == (("default", "queue-worker"), True)
        assert isinstance(pilot.app.screen, MainScreen)
        await pilot.click(Agents, offset=(8, 1))
        assert agents.key == ("default", "queue-worker"), "the titles are no row"
        await pilot.click(Agents, offset=(8, 13))
        assert agents.key == ("default", "queue-worker"), "nor is what lies below"
        await pilot.double_click(Agents, offset=(8, 5))
        await shows(pilot, AgentScreen)
        assert "indexer" in text(pilot)


async def test_a_double_click_opens_a_proposal_and_a_signal_its_spot() -> None:
    async with showing() as pilot:
        await pilot.double_click(Proposals, offset=(20, 2))
        await shows(pilot, ProposalScreen)
        await pilot.press("q")
        await pilot.click(Heatmap, offset=(26, 2))
        await shows(pilot, SignalScreen)


async def test_the_wheel_moves_the_window() -> None:
    async with showing(FixedWorld(objects=example_hive.many(200))) as pilot:
        agents = main(pilot).query_one(Agents)
        for _ in range(4):
            await pilot._post_mouse_events([_wheel(down=True)], Agents, offset=(8, 4))
        assert agents.top == 12
        assert agents.cursor == 12, "the cursor stays in sight"
        for _ in range(9):
            await pilot._post_mouse_events([_wheel(down=False)], Agents, offset=(8, 4))
        assert agents.top == 0
        assert agents.cursor <= agents.room


def _wheel(*, down: bool) -> type:
    from textual import events

    return events.MouseScrollDown if down else events.MouseScrollUp


async def test_looking_back_with_the_wheel_pauses_the_stream() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        thoughts = main(pilot).query_one(Thoughts)
        for nth in range(60):
            log(world, "b-gent", f"line {nth}")
        await until(pilot, lambda: "line 59" in text(pilot))
        await pilot._post_mouse_events([_wheel(down=False)], Thoughts, offset=(8, 2))
        seen = thoughts.shown()
        assert not thoughts.following
        log(world, "b-gent", "one more")
        await until(pilot, lambda: len(thoughts.keys()) == 69)
        assert thoughts.shown() == seen
        for _ in range(30):
            await pilot._post_mouse_events([_wheel(down=True)], Thoughts, offset=(8, 2))
        assert thoughts.following
        assert "one more" in text(pilot)


async def test_a_click_on_a_key_presses_it() -> None:
    async with showing(size=(200, 40)) as pilot:
        for label, screen in (("? help", HelpScreen), ("F freeze", FreezeDialog), (": jump", PromptScreen)):
            await pilot.click(Keys, offset=(lines(pilot)[-1].index(label) + 1, 0))
            await shows(pilot, screen)
            await pilot.press("escape")
            await shows(pilot, MainScreen)


async def test_the_keys_say_what_fits_what_is_chosen() -> None:
    async with showing(size=(200, 40)) as pilot:
        assert "approve" not in lines(pilot)[-1]
        assert "pause" in lines(pilot)[-1]
        await pilot.press("3")
        await until(pilot, lambda: "approve" in lines(pilot)[-1])
        assert "pause" not in lines(pilot)[-1]
        await pilot.press("4")
        await until(pilot, lambda: "follow" in lines(pilot)[-1])


# sizes


async def test_every_size_is_filled_and_nothing_overflows() -> None:
    async with showing(size=SIZES[0]) as pilot:
        first = text(pilot)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda: len(lines(pilot)) == height)  # noqa: B023
            shown = segments(pilot)
            assert [length(line) for line in shown] == [width] * height
            for title in ("AGENTS", "HEATMAP", "PROPOSALS", "b-gent", "dreamer"):
                assert title in text(pilot), f"{title} at {width}x{height}"
            assert main(pilot).query_one(Keys).region.bottom == height
            for pane in ("#agents", "#heat", "#proposals", "#thoughts"):
                region = main(pilot).query_one(pane).region
                assert region.right <= width
                assert region.bottom < height
                assert region.height >= 1
        assert text(pilot) == first


async def test_what_does_not_fit_is_marked() -> None:
    async with showing(size=(60, 18)) as pilot:
        assert "…" in lines(pilot)[-1], "there are more keys"
        assert "1 of 9" in text(pilot)
        assert "1 of 4" in text(pilot)
        assert "what if the …" in text(pilot)
    async with showing(size=(200, 60)) as pilot:
        assert "what if the queue drained at night?" in text(pilot)


async def test_the_cursor_stays_in_sight_when_the_window_shrinks() -> None:
    async with showing(FixedWorld(objects=example_hive.many(100)), size=(200, 60)) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press(*["down"] * 25)
        assert agents.key is not None
        await pilot.resize_terminal(60, 18)
        await until(pilot, lambda: agents.size.height < 10)
        assert agents.key in agents.shown()
        assert f"▶ ● {agents.key[1]}" in text(pilot).replace("◐", "●").replace("✖", "●").replace("○", "●")


# what moves


async def test_the_cursor_goes_with_its_row() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("s", "s")  # by trouble
        assert agents.go_to(("default", "b-gent"))
        before = agents.cursor
        world.change("agents", "b-gent", phase="Failed")
        await until(pilot, lambda: agents.cursor != before)
        assert agents.key == ("default", "b-gent")
        assert names(agents)[agents.cursor] == "b-gent"
        assert agents.cursor == 0


async def test_when_its_row_goes_the_cursor_stays_where_it_is() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("down", "down")
        world.remove("agents", "queue-worker")
        await until(pilot, lambda: len(names(agents)) == 8)
        assert (agents.cursor, agents.key) == (2, ("default", "indexer"))
        await pilot.press("end")
        world.remove("agents", "dreamer")
        await until(pilot, lambda: len(names(agents)) == 7)
        assert (agents.cursor, agents.key) == (6, ("default", "x-gent"))
        world.objects = {}
        await until(pilot, lambda: "No agents yet" in text(pilot) and "Nobody wants a change" in text(pilot))
        assert agents.cursor == 0


async def test_a_change_is_seen_at_once_and_a_new_agent_comes() -> None:
    world = FixedWorld("one")
    async with showing(world) as pilot:
        world.change("agents", "b-gent", phase="Degraded")
        await until(pilot, lambda: "Degraded" in text(pilot))
        world.objects = example_hive.objects()
        await until(pilot, lambda: "psi-gent" in text(pilot))
        assert "9 agents" in lines(pilot)[0]


async def test_what_is_said_later_stands_below() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        for nth in range(3):
            log(world, "b-gent", f"line {nth}")
        await until(pilot, lambda: "line 2" in text(pilot))
        places = [next(y for y, line in enumerate(lines(pilot)) if f"line {nth}" in line) for nth in range(3)]
        assert places == sorted(places)


# what is kept


async def test_how_it_was_left_is_how_it_comes_back() -> None:
    async with showing(kept=keeping.load()) as pilot:
        await pilot.press("s", "m", "3", "s")
        await prompt(pilot, "slash", "risk>0.2")
        await pilot.press("enter", "4", "v", "z", "t")
        await shows(pilot, Picker)
        await write(pilot, "terrarium-light")
        await pilot.press("enter")
        await shows(pilot, MainScreen)
        await until(pilot, lambda: pilot.app.theme == "terrarium-light")
    async with showing(kept=keeping.load()) as pilot:
        assert pilot.app.theme == "terrarium-light"
        assert isinstance(pilot.app.focused, Thoughts)
        assert "AGENTS" not in text(pilot), "zoomed"
        assert "warnings and errors" in text(pilot)
        await pilot.press("z")
        assert "by name" in text(pilot)
        assert "grid · m" in text(pilot)
        assert "/risk>0.2" in text(pilot)
        assert main(pilot).query_one(Proposals).sort == "risk"
        assert len(main(pilot).query_one(Proposals).keys()) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"{", b"[]", b"null", b"7", b'{"theme": 7, "filters": [], "sorts": 1, "level": null}',
        b'{"theme": "no such", "heat": "no", "zoomed": "no", "focused": "no", "level": "no", "more": 1}',
        b'{"filters": {"agents": "name~(", "proposals": "x in (", "nothing": "x"}, "sorts": {"agents": "colour"}}',
        b'{"filters": {"agents": ["x"]}, "sorts": {"agents": {"a": 1}}}', b"[" * 100_000,
        json.dumps({"theme": "x" * 10_000, "filters": {"agents": "y" * 10_000}}).encode(),
    ],
)  # fmt: skip
async def test_a_broken_file_costs_what_was_kept_and_nothing_else(own_home: Path, content: bytes) -> None:
    _written(own_home, content)
    async with showing(kept=keeping.load()) as pilot:
        assert pilot.app.theme == "terrarium-dark"
        assert len(main(pilot).query_one(Agents).keys()) == 9
        assert isinstance(pilot.app.focused, Agents)
        assert main(pilot).query_one(Header).region.y == 0
    assert keeping.load().theme == "terrarium-dark"


def _written(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "terrarium.json").write_bytes(content)


@pytest.fixture
def no_home(own_home: Path) -> None:
    own_home.write_text("a file where the home should be")


@pytest.mark.usefixtures("no_home")
async def test_a_home_that_cannot_be_written_to_is_no_reason_to_stop() -> None:
    async with showing(kept=keeping.load()) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
    assert pilot.app.return_code == 0


async def test_a_list_is_narrowed_and_gone_through_round_and_round() -> None:
    async with showing() as pilot:
        await pilot.press("t")
        await shows(pilot, Picker)
        await write(pilot, "terrarium")
        await until(pilot, lambda: "nord" not in text(pilot))
        for theme in ("terrarium-light", "terrarium-dark", "terrarium-light"):
            await pilot.press("down" if theme.endswith("dark") else "up")
            await until(pilot, lambda: pilot.app.theme == theme)  # noqa: B023
        await write(pilot, " nothing is called so")
        await pilot.press("up", "down", "enter")
        assert isinstance(pilot.app.screen, Picker), "there is nothing to choose"
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.theme == "terrarium-dark")
