"""Every key of the main screen and of the app, with what it must do. A new binding fails until it is tested here."""

from __future__ import annotations

from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen

from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.agent import AgentScreen
from kgents.terrarium.screens.base import HiveScreen
from kgents.terrarium.screens.decide import DecideDialog
from kgents.terrarium.screens.dialogs import ConfirmDialog, FreezeDialog
from kgents.terrarium.screens.emit import EmitDialog
from kgents.terrarium.screens.help import HelpScreen
from kgents.terrarium.screens.main import MainScreen
from kgents.terrarium.screens.picker import Picker
from kgents.terrarium.screens.prompt import PromptScreen
from kgents.terrarium.screens.proposal import ProposalScreen
from kgents.terrarium.screens.propose import ProposeDialog
from kgents.terrarium.screens.signal import SignalScreen
from kgents.terrarium.screens.text import LogsScreen, WhyScreen, YamlScreen
from kgents.terrarium.widgets.agents import Agents
from kgents.terrarium.widgets.heatmap import Heatmap
from kgents.terrarium.widgets.proposals import Proposals
from kgents.terrarium.widgets.rows import Rows
from kgents.terrarium.widgets.thoughts import Thoughts
from tests.support import example_hive
from tests.support.showing import Showing, app, lines, log, main, names, said, showing, text, until, write
from tests.support.terrarium import FixedWorld

TESTED: set[tuple[str, str]] = set()


def keys(owner: type, *names: str) -> pytest.MarkDecorator:
    """The keys of a class that a test presses, one after the other in a test each."""
    TESTED.update((owner.__name__, name) for name in names)
    return pytest.mark.parametrize("key", names)


def forty() -> FixedWorld:
    """More agents than there is room for."""
    return FixedWorld(objects=example_hive.many(40))


async def follows(pilot: Showing, screen: type[Screen[Any]]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, screen))


async def on_proposal(pilot: Showing, name: str) -> None:
    """The cursor on a proposal, the focus in its pane."""
    await pilot.press("3")
    assert main(pilot).query_one(Proposals).go_to((example_hive.NAMESPACE, name))
    await pilot.pause()


async def test_every_binding_is_pressed_here() -> None:
    async with showing() as pilot:
        nodes = [pilot.app, main(pilot), *main(pilot).walk_children()]
        bound = {
            (owner.__name__, binding.key)
            for node in nodes
            for owner in type(node).__mro__
            if owner.__module__.startswith("kgents.")
            for binding in Binding.make_bindings(owner.__dict__.get("BINDINGS", []))
        }
    assert bound == TESTED


# a list


@keys(Rows, "down", "j")
async def test_to_the_next_row(key: str) -> None:
    async with showing() as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press(key, key)
        assert (agents.cursor, agents.key) == (2, ("default", "queue-worker"))
        assert "▶ ● queue-worker" in text(pilot).replace("queue-wor…", "queue-worker")


@keys(Rows, "up", "k")
async def test_to_the_row_before(key: str) -> None:
    async with showing() as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("end", key)
        assert agents.cursor == len(agents.keys()) - 2
        await pilot.press("home", key)
        assert agents.cursor == 0


@keys(Rows, "home")
async def test_to_the_first(key: str) -> None:
    async with showing(forty()) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("end", key)
        assert (agents.cursor, agents.top) == (0, 0)


@keys(Rows, "end", "G")
async def test_to_the_last(key: str) -> None:
    async with showing(forty()) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press(key)
        assert agents.cursor == 39
        assert agents.shown()[-1] == agents.keys()[-1]
        assert "40 of 40" in text(pilot)


@keys(Rows, "pagedown", "ctrl+f")
async def test_a_page_on(key: str) -> None:
    async with showing(forty()) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press(key)
        assert agents.cursor == agents.room - 1
        await pilot.press(*[key] * 40)
        assert agents.cursor == 39


@keys(Rows, "pageup", "ctrl+b")
async def test_a_page_back(key: str) -> None:
    async with showing(forty()) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("end", key)
        assert agents.cursor == 39 - (agents.room - 1)
        await pilot.press(*[key] * 40)
        assert agents.cursor == 0


@keys(Rows, "ctrl+d")
async def test_half_a_page_on(key: str) -> None:
    async with showing(forty()) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press(key)
        assert agents.cursor == (agents.room - 1) // 2


@keys(Rows, "ctrl+u")
async def test_half_a_page_back(key: str) -> None:
    async with showing(forty()) as pilot:
        agents = main(pilot).query_one(Agents)
        await pilot.press("end", key)
        assert agents.cursor == 39 - (agents.room - 1) // 2


@pytest.mark.parametrize(("there", "back"), [("ctrl+d", "ctrl+u"), ("ctrl+f", "ctrl+b"), ("pagedown", "pageup")])
async def test_where_one_row_fits_a_page_is_a_row(there: str, back: str) -> None:
    async with showing(size=(60, 18)) as pilot:
        proposals = main(pilot).query_one(Proposals)
        await pilot.press("3")
        assert proposals.room == 1
        await pilot.press(there, there)
        assert proposals.cursor == 2
        await pilot.press(back)
        assert proposals.cursor == 1


@keys(Rows, "enter")
async def test_enter_opens_what_is_chosen(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("down", key)
        await follows(pilot, AgentScreen)
        assert "l-gent" in text(pilot)
        await pilot.press("q")
        await on_proposal(pilot, "l-gent-image-p91f")
        await pilot.press(key)
        await follows(pilot, ProposalScreen)
        assert "l-gent-image-p91f" in text(pilot)
        await pilot.press("q", "4", "end", "up", "up", key)  # x-gent is Failed
        await follows(pilot, AgentScreen)
        await pilot.press("q")
        assert isinstance(pilot.app.screen, MainScreen)


async def test_enter_in_the_stream_opens_the_proposal_it_speaks_of() -> None:
    async with showing() as pilot:
        await pilot.press("4", "end", "up", "enter")
        await follows(pilot, ProposalScreen)
        assert "indexer-config-77ab" in text(pilot)


async def test_enter_on_a_thought_whose_agent_is_gone_says_so() -> None:
    world = FixedWorld()
    async with showing(world) as pilot:
        world.remove("agents", "dreamer")
        await until(pilot, lambda: ("default", "dreamer") not in app(pilot).hive.agents)
        await pilot.press("4", "end", "enter")
        assert any("not there any more" in one for one in said(pilot))
        assert isinstance(pilot.app.screen, MainScreen)


async def test_the_keys_of_an_empty_list_do_nothing() -> None:
    async with showing(FixedWorld("empty")) as pilot:
        names = [binding.key for binding in Binding.make_bindings(Rows.BINDINGS)]
        for pane in "1234":
            await pilot.press(pane, *names)
            assert isinstance(pilot.app.screen, MainScreen)
        assert all(not rows.keys() and rows.cursor == 0 for rows in main(pilot).query(Rows))


# panes


@keys(MainScreen, "tab")
async def test_to_the_next_pane(key: str) -> None:
    async with showing() as pilot:
        seen = []
        for _ in range(5):
            seen.append(pilot.app.focused.id if pilot.app.focused else None)
            await pilot.press(key)
        assert seen == ["agents", "heat", "proposals", "thoughts", "agents"]


@keys(MainScreen, "shift+tab")
async def test_to_the_pane_before(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        assert isinstance(pilot.app.focused, Thoughts)
        await pilot.press(key)
        assert isinstance(pilot.app.focused, Proposals)


@keys(MainScreen, "1", "2", "3", "4")
async def test_to_a_pane_by_its_number(key: str) -> None:
    async with showing(kept=Kept(focused="heat" if key == "1" else "agents")) as pilot:
        await pilot.press(key)
        assert isinstance(pilot.app.focused, (Agents, Heatmap, Proposals, Thoughts)[int(key) - 1])
        assert app(pilot).kept.focused == ("agents", "heat", "proposals", "thoughts")[int(key) - 1]


@keys(MainScreen, "z")
async def test_one_pane_alone_and_all_again(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("3", key)
        assert "PROPOSALS" in text(pilot)
        assert "AGENTS" not in text(pilot)
        assert main(pilot).query_one(Proposals).size.height > 30
        await pilot.press("2")
        assert "PHEROMONE HEATMAP" in text(pilot)
        assert "PROPOSALS" not in text(pilot)
        await pilot.press("tab")
        assert "PROPOSALS" in text(pilot), "the next pane of a zoomed one is zoomed"
        await pilot.press(key)
        assert all(title in text(pilot) for title in ("AGENTS", "HEATMAP", "PROPOSALS", "STREAM"))


@keys(MainScreen, "escape")
async def test_escape_takes_back_the_filter_and_then_the_zoom(key: str) -> None:
    async with showing(kept=Kept(filters={"agents": "b-gent"}, zoomed="agents")) as pilot:
        agents = main(pilot).query_one(Agents)
        assert len(agents.keys()) == 1
        await pilot.press(key)
        assert len(agents.keys()) == 9
        assert app(pilot).kept.filters == {"agents": ""}
        assert "PROPOSALS" not in text(pilot)
        await pilot.press(key)
        assert "PROPOSALS" in text(pilot)
        assert app(pilot).kept.zoomed == ""


@keys(MainScreen, "slash")
async def test_slash_asks_what_to_show(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("3", key)
        await follows(pilot, PromptScreen)
        assert "filters PROPOSALS" in lines(pilot)[-1]


@keys(MainScreen, "s")
async def test_the_next_order_until_the_first_again(key: str) -> None:
    async with showing() as pilot:
        agents = main(pilot).query_one(Agents)
        seen = {}
        for _ in agents.SORTS:
            assert f"by {agents.sort}" in text(pilot)
            seen[agents.sort] = names(agents)
            await pilot.press(key)
        assert agents.sort == "activity"
        assert seen["activity"][0] == "b-gent"
        assert seen["name"] == sorted(seen["name"])
        assert seen["trouble"][:3] == ["x-gent", "psi-gent", "m-gent"]
        assert seen["restarts"][:3] == ["x-gent", "psi-gent", "indexer"]
        assert seen["age"][0] == "x-gent"
        assert seen["age"][-1] == "dreamer"
        await pilot.press("4", key)
        assert any("one order only" in one for one in said(pilot))


@keys(MainScreen, "m")
async def test_the_heatmap_has_three_modes_from_any_pane(key: str) -> None:
    async with showing() as pilot:
        heat = main(pilot).query_one(Heatmap)
        seen = []
        for _ in range(3):
            seen.append(heat.mode)
            assert f"{heat.mode} · m" in text(pilot)
            await pilot.press(key)
            await until(pilot, lambda: app(pilot).kept.heat == heat.mode)
        assert sorted(seen) == ["field", "grid", "time"]
        assert heat.mode == seen[0]


# the heatmap


@keys(Heatmap, "m")
async def test_the_heatmap_itself_changes_its_mode(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("2", key)
        assert main(pilot).query_one(Heatmap).mode == "grid"


@keys(Heatmap, "left", "right", "up", "down", "h", "j", "k", "l")
async def test_from_spot_to_spot(key: str) -> None:
    back = {"left": "l", "right": "h", "up": "j", "down": "k", "h": "right", "l": "left", "j": "up", "k": "down"}
    async with showing(kept=Kept(heat="grid")) as pilot:
        await pilot.press("2")
        heat = main(pilot).query_one(Heatmap)
        await pilot.press(*[back[key]] * 15)
        before = heat.told()
        assert before
        await pilot.press(key)
        assert heat.told()
        assert heat.told() != before
        assert isinstance(pilot.app.screen, MainScreen), "l and h go, they open nothing here"


@keys(Heatmap, "enter")
async def test_enter_opens_the_strongest_signal(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("2", key)
        await follows(pilot, SignalScreen)
        assert "14 errors in 60 s in orders.log" in text(pilot)


# the thought stream


@keys(Thoughts, "f")
async def test_the_stream_pauses_and_follows(key: str) -> None:
    world = FixedWorld()
    async with showing(world, kept=Kept(focused="thoughts")) as pilot:
        thoughts = main(pilot).query_one(Thoughts)
        await pilot.press(key)
        assert "paused · f follows" in text(pilot)
        before = thoughts.key
        count = len(thoughts.keys())
        log(world, "b-gent", "something new")
        await until(pilot, lambda: len(thoughts.keys()) == count + 1)
        assert thoughts.key == before
        await pilot.press(key)
        assert thoughts.cursor == len(thoughts.keys()) - 1
        assert "something new" in text(pilot)
        assert "following" in text(pilot)


@keys(Thoughts, "v")
async def test_the_stream_from_a_level_on(key: str) -> None:
    async with showing(kept=Kept(focused="thoughts")) as pilot:
        thoughts = main(pilot).query_one(Thoughts)

        def levels() -> set[str]:
            return {one.level for one in thoughts._shown.values()}

        assert "info" in levels()
        await pilot.press(key)
        assert levels() == {"warning", "error"}
        assert "warnings and errors" in text(pilot)
        await pilot.press(key)
        assert levels() == {"error"}
        assert app(pilot).kept.level == "error"
        await pilot.press(key)
        assert "info" in levels()


# what can be done


@keys(HiveScreen, "l", "w", "y", "e", "p", "space")
async def test_what_can_be_done_with_an_agent(key: str) -> None:
    screens: dict[str, type[Screen[Any]]] = {
        "l": LogsScreen, "w": WhyScreen, "y": YamlScreen, "e": EmitDialog, "p": ProposeDialog, "space": ConfirmDialog,
    }  # fmt: skip
    async with showing() as pilot:
        await pilot.press("down", key)
        await follows(pilot, screens[key])
        await until(pilot, lambda: "l-gent" in text(pilot))
        await pilot.press("escape")
        await follows(pilot, MainScreen)


@keys(HiveScreen, "c")
async def test_the_name_is_copied(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("down", key)
        assert pilot.app.clipboard == "l-gent"
        await on_proposal(pilot, "l-gent-image-p91f")
        await pilot.press(key)
        assert pilot.app.clipboard == "l-gent-image-p91f"
        await pilot.press("2", key)
        assert pilot.app.clipboard == "warning-b1"


@keys(HiveScreen, "a", "r")
async def test_a_proposal_is_decided(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        assert isinstance(pilot.app.screen, MainScreen), "an agent cannot be approved"
        await on_proposal(pilot, "l-gent-image-p91f")
        await pilot.press(key)
        await follows(pilot, DecideDialog)
        await until(pilot, lambda: "hive/l-gent:1.5" in text(pilot))


@keys(HiveScreen, "R")
async def test_a_merged_proposal_is_taken_back(key: str) -> None:
    async with showing() as pilot:
        await on_proposal(pilot, "l-gent-image-p91f")
        await pilot.press(key)
        assert any("only what is merged can be taken back" in one for one in said(pilot))
        assert isinstance(pilot.app.screen, MainScreen)
        await on_proposal(pilot, "indexer-config-77ab")
        await pilot.press(key)
        await follows(pilot, DecideDialog)


@keys(HiveScreen, "d")
async def test_the_diff_of_a_proposal(key: str) -> None:
    async with showing() as pilot:
        await on_proposal(pilot, "l-gent-image-p91f")
        await pilot.press(key)
        await follows(pilot, ProposalScreen)
        await until(pilot, lambda: "hive/l-gent:1.5" in text(pilot))


@keys(HiveScreen, "F")
async def test_the_hive_is_frozen_from_any_pane(key: str) -> None:
    for pane in "1234":
        async with showing() as pilot:
            await pilot.press(pane, key)
            await follows(pilot, FreezeDialog)
            assert "kgents-laptop" in text(pilot)


# the app


@keys(TerrariumApp, "colon")
async def test_colon_asks_where_to(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        await follows(pilot, PromptScreen)
        assert lines(pilot)[-1].startswith(" :")


@keys(TerrariumApp, "ctrl+p")
async def test_the_palette_has_commands_and_names(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        await follows(pilot, CommandPalette)
        await until(pilot, lambda: "logs" in text(pilot))
        await write(pilot, "psi-gent")
        await until(pilot, lambda: "agent, Safemode" in text(pilot))
        await pilot.press("enter")
        await follows(pilot, AgentScreen)
        assert "psi-gent" in text(pilot)


async def test_a_command_of_the_palette_does_what_its_key_does() -> None:
    async with showing() as pilot:
        await pilot.press("ctrl+p")
        await follows(pilot, CommandPalette)
        await write(pilot, "freeze")
        await until(pilot, lambda: "key F" in text(pilot))
        await pilot.press("enter")
        await follows(pilot, FreezeDialog)


@keys(TerrariumApp, "question_mark")
async def test_help_says_every_key_that_works_here(key: str) -> None:
    async with showing(size=(100, 60)) as pilot:
        await pilot.press(key)
        await follows(pilot, HelpScreen)
        for words in (
            "down",
            "half a page up",
            "filter",
            "freeze",
            "namespace",
            "ghost",
            "theme",
            "palette",
            "heatmap",
        ):
            assert words in text(pilot)
        await pilot.press(key)
        await follows(pilot, MainScreen)


@keys(TerrariumApp, "g")
async def test_to_the_ghost_and_back(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        await until(pilot, lambda: "[GHOST 42s]" in text(pilot))
        assert "b-gent" in text(pilot)
        assert not main(pilot).query_one(Thoughts).keys(), "the ghost has no thoughts"
        await pilot.press(key)
        await until(pilot, lambda: "[Live]" in text(pilot) and main(pilot).query_one(Thoughts).keys())


@keys(TerrariumApp, "n")
async def test_another_namespace(key: str) -> None:
    async with showing(forty()) as pilot:
        assert "all namespaces" in text(pilot)
        await pilot.press(key)
        await follows(pilot, Picker)
        assert all(f"team-{nth}" in text(pilot) for nth in range(7))
        await write(pilot, "team-3")
        await pilot.press("enter")
        await until(pilot, lambda: {where for where, _ in app(pilot).hive.agents} == {"team-3"})
        await until(pilot, lambda: len(main(pilot).query_one(Agents).keys()) == len(app(pilot).hive.agents))
        assert "kgents-laptop/team-3" in text(pilot)
        await pilot.press(key)
        await follows(pilot, Picker)
        await pilot.press("escape")
        assert app(pilot).world.namespace == "team-3"


@keys(TerrariumApp, "H")
async def test_another_hive(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        await follows(pilot, Picker)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "kgents-lab" in lines(pilot)[0] and "[Live]" in lines(pilot)[0])
        assert app(pilot).world.context == "kgents-lab"


@keys(TerrariumApp, "t")
async def test_a_theme_is_seen_before_it_is_chosen(key: str) -> None:
    async with showing() as pilot:
        await pilot.press(key)
        await follows(pilot, Picker)
        await pilot.press("down")
        await until(pilot, lambda: pilot.app.theme == "terrarium-light")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.theme == "terrarium-dark")
        assert app(pilot).kept.theme == "terrarium-dark"
        await pilot.press(key)
        await follows(pilot, Picker)
        await write(pilot, "nord")
        await pilot.press("enter")
        await until(pilot, lambda: app(pilot).kept.theme == "nord" and isinstance(pilot.app.screen, MainScreen))


@keys(TerrariumApp, "q")
async def test_q_goes_one_back_and_then_out(key: str) -> None:
    async with showing() as pilot:
        await pilot.press("enter")
        await follows(pilot, AgentScreen)
        await pilot.press(key)
        assert isinstance(pilot.app.screen, MainScreen)
        assert pilot.app.return_code is None
        await pilot.press(key)
        await until(pilot, lambda: not pilot.app.is_running)
        assert pilot.app.return_code == 0


@keys(TerrariumApp, "ctrl+q", "ctrl+c")
async def test_out_from_anywhere(key: str) -> None:
    for before in ("slash", "question_mark", "F", "enter", "t", "x"):
        async with showing() as pilot:
            await pilot.press(before)
            await pilot.press(key)
            await until(pilot, lambda: not pilot.app.is_running)
            assert pilot.app.return_code == 0
