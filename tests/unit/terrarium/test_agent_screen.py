"""The screen of one agent, as people use it: keys, sections, states of the layer, sizes, hostile text."""

from __future__ import annotations

import copy

import pytest

from kgents.terrarium.screens.agent import SECTIONS, AgentScreen
from kgents.terrarium.screens.signal import SignalScreen
from kgents.terrarium.widgets.about_agent import AgentSignals, is_about
from kgents.terrarium.widgets.log_lines import LogLines
from tests.support.screens import SIZES, opened
from tests.support.terrarium import FixedWorld

B = ("default", "b-gent")
SHOWN = {
    "overview": ("STATUS", "●● 2 of 2 ready", "3 writes that it may not make"),
    "events": ("emitted WARNING 0.97",),
    "logs": ("✖ ERROR could not reach ledger-3", "▲ WARNING ledger-3 answers slowly"),
    "memory": ("KeyValue: durable", "56% of 256Mi", "1287 keys", "30s ago", "stays for the next agent"),
    "umwelt": ("WARNING, SCARCITY", "1 to 3", "hive/*", "200000 in a day"),
    "signals": ("→ gave", "← gets", "SCARCITY", "0.55"),
    "proposals": ("PENDING", "b-gent-scale-", "0.10"),
}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_number_opens_each_section_at_each_size(section: str, size: tuple[int, int]) -> None:
    async with opened(FixedWorld(), lambda: AgentScreen(B), size) as terminal:
        await terminal.pilot.press(str(SECTIONS.index(section) + 1))
        await terminal.sees("b-gent", "Running", SHOWN[section][0])
        if size[1] >= 24:
            await terminal.sees(*SHOWN[section])
        assert all(len(line) <= size[0] for line in terminal.lines())


async def test_tab_goes_through_the_sections_and_escape_goes_back() -> None:
    async with opened(FixedWorld(), lambda: AgentScreen(B)) as terminal:
        for name in [*SECTIONS[1:], "overview"]:
            await terminal.pilot.press("tab")
            assert terminal.app.focused is not None and terminal.app.focused.id == name
        await terminal.pilot.press("shift+tab")
        assert terminal.app.focused is not None and terminal.app.focused.id == "proposals"
        await terminal.pilot.press("escape")
        await terminal.until(lambda: not isinstance(terminal.screen, AgentScreen))


async def test_enter_opens_a_signal_of_its_own() -> None:
    async with opened(FixedWorld(), lambda: AgentScreen(B)) as terminal:
        await terminal.pilot.press("6", "enter")
        await terminal.until(lambda: isinstance(terminal.screen, SignalScreen))
        await terminal.sees("SIGNAL warning-b1")


async def test_what_is_chosen_is_what_keys_act_on() -> None:
    async with opened(FixedWorld(), lambda: AgentScreen(B)) as terminal:
        screen = terminal.screen
        assert isinstance(screen, AgentScreen)
        for key, kind, name in (
            ("1", "agent", "b-gent"),
            ("6", "signal", "warning-b1"),
            ("7", "proposal", "b-gent-scale-x7k2"),
        ):
            await terminal.pilot.press(key)
            await terminal.until(lambda: screen.subject() is not None)
            subject = screen.subject()
            assert subject is not None and (subject.kind, subject.key[1]) == (kind, name)


async def test_its_status_is_followed_live() -> None:
    world = FixedWorld()
    async with opened(world, lambda: AgentScreen(B)) as terminal:
        await terminal.sees("3 writes")
        world.change("agents", "b-gent", refusedWrites=4, phase="Degraded")
        await terminal.sees("4 writes", "◐ b-gent", "Degraded")


async def test_signals_fade_and_go_while_one_looks() -> None:
    world = FixedWorld()
    async with opened(world, lambda: AgentScreen(B)) as terminal:
        await terminal.pilot.press("6")
        await terminal.sees("0.95")
        world.now += 300
        await terminal.sees("0.47")
        world.now += 36_000
        await terminal.sees("No signal in the air is from it or for it.")


async def test_an_agent_that_goes_leaves_the_last_that_was_told() -> None:
    world = FixedWorld()
    async with opened(world, lambda: AgentScreen(B)) as terminal:
        await terminal.sees("3 writes")
        world.remove("agents", "b-gent")
        await terminal.sees("✕ b-gent", "gone: this is the last that was told", "3 writes")


async def test_its_log_is_paused_followed_and_filtered() -> None:
    world = FixedWorld()
    async with opened(world, lambda: AgentScreen(B)) as terminal:
        await terminal.pilot.press("3")
        await terminal.sees("Processing invoice batch", "following")
        await terminal.pilot.press("f")
        await terminal.sees("paused")
        await terminal.pilot.press("f")
        world.say("b-gent", "a new line")
        await terminal.sees("a new line", "following")
        await terminal.pilot.press("slash", *"ledger", "enter")
        await terminal.sees("/ledger", "could not reach ledger-3", "2 of 7 lines")
        assert "a new line" not in terminal.text()
        await terminal.pilot.press("escape")
        await terminal.sees("a new line")
        assert isinstance(terminal.screen, AgentScreen)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("1", "is not known from the ghost"),
        ("2", "What happened is not known from the ghost."),
        ("3", "the ghost keeps no logs"),
        ("4", "Its memory is not known from the ghost."),
        ("5", "Its umwelt is not known from the ghost."),
    ],
)
async def test_what_the_ghost_does_not_know_is_said(key: str, words: str) -> None:
    async with opened(FixedWorld("ghost"), lambda: AgentScreen(("default", "x-gent"))) as terminal:
        await terminal.pilot.press(key)
        await terminal.sees("[GHOST 42s]", "Failed", words)


async def test_what_the_ghost_has_of_an_agent_is_shown_whole() -> None:
    async with opened(FixedWorld("ghost", ghost_only=True), lambda: AgentScreen(B)) as terminal:
        await terminal.sees("CONDITIONS", "3 writes")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2", "Nothing has happened that was told of."),
        ("4", "It keeps no memory."),
        ("5", "It has no umwelt of its own"),
        ("7", "Nobody wants to change it"),
    ],
)
async def test_what_is_empty_says_so(key: str, words: str) -> None:
    async with opened(FixedWorld(), lambda: AgentScreen(("default", "n-gent"))) as terminal:
        await terminal.pilot.press(key)
        await terminal.sees(words)


async def test_an_error_of_a_section_stands_in_it() -> None:
    from kgents.api.errors import Refused

    world = FixedWorld()
    world.fails["objects.get"] = Refused("You may not read that", why="no rule lets you", fix="Ask who administers it")
    async with opened(world, lambda: AgentScreen(B)) as terminal:
        await terminal.pilot.press("4")
        await terminal.sees("Not known: You may not read that")


async def test_text_of_the_hive_is_never_markup_nor_moves_the_cursor() -> None:
    world = FixedWorld()
    nasty = "\x1b[2J[bold red]x[/] \r\n\u202e" + "長" * 300
    agent = copy.deepcopy(world.objects["agents", "default", "b-gent"])
    agent["spec"]["image"] = nasty
    agent["spec"]["config"] = {nasty: nasty}
    agent["status"]["conditions"][0] |= {"message": nasty, "reason": nasty}
    signal = copy.deepcopy(world.objects["pheromones", "default", "warning-b1"])
    signal["spec"]["payload"] = nasty
    world.objects |= {("agents", "default", "b-gent"): agent, ("pheromones", "default", "warning-b1"): signal}
    async with opened(world, lambda: AgentScreen(B), (60, 18)) as terminal:
        for key in "1234567":
            await terminal.pilot.press(key)
            world.say("b-gent", nasty)
            await terminal.pilot.pause()
            text = terminal.text()
            assert "\x1b" not in text and "\u202e" not in text and "\r" not in text
        await terminal.pilot.press("3")
        await terminal.sees("[bold red]x[/]")


async def test_a_log_of_many_lines_stays_bounded() -> None:
    world = FixedWorld()
    for nth in range(12_000):
        world.say("b-gent", f"line {nth}")
    async with opened(world, lambda: AgentScreen(B)) as terminal:
        await terminal.pilot.press("3")
        await terminal.sees("line 11999")
        assert terminal.screen.query_one(LogLines).virtual_size.height <= 5000


async def test_resizing_moves_the_sections() -> None:
    async with opened(FixedWorld(), lambda: AgentScreen(B), (60, 18)) as terminal:
        await terminal.pilot.press("6")
        assert not terminal.screen.query_one("#overview").display
        await terminal.pilot.resize_terminal(160, 50)
        await terminal.sees("OVERVIEW", "SIGNALS", "LOGS", "hive/b-gent:1.4")
        await terminal.pilot.resize_terminal(60, 18)
        await terminal.until(lambda: not terminal.screen.query_one("#overview").display)
        assert isinstance(terminal.app.focused, AgentSignals)


@pytest.mark.parametrize(
    ("row", "about"),
    [
        ({"target": "Agent/b-gent", "namespace": "default"}, True),
        ({"target": "Memory/b-gent", "namespace": "x", "targetNamespace": "default"}, True),
        ({"target": "Agent/b-gent", "namespace": "other"}, False),
        ({"target": "ConfigMap/b-gent", "namespace": "default"}, False),
        ({"target": "ConfigMap/c", "namespace": "x", "proposer": "system:serviceaccount:default:b-gent"}, True),
        ({"target": "ConfigMap/c", "namespace": "default", "proposer": "b-gent"}, True),
    ],
)
def test_proposals_of_an_agent_are_those_about_it_and_by_it(row: dict[str, str], about: bool) -> None:
    assert is_about(row, B) is about
