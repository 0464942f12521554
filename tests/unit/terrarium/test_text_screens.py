"""Screens of text: searching, wrapping, copying; logs, causes and YAML, from every layer."""

from __future__ import annotations

import threading

import pytest

from kgents.api.errors import Unreachable
from kgents.looks import DARK
from kgents.terrarium import facts, yaml_text
from kgents.terrarium.draw import length
from kgents.terrarium.ink import Ink, rgb
from kgents.terrarium.screens.text import LogsScreen, TextScreen, WhyScreen, YamlScreen
from kgents.terrarium.widgets.log_lines import KEPT, LogLines
from kgents.terrarium.widgets.page import marked
from tests.support.screens import SIZES, opened
from tests.support.terrarium import FixedWorld

B = ("default", "b-gent")
INK = Ink({tone: rgb(value) for tone, value in DARK.items()})
LONG = "\n".join(f"line {nth} {'needle' if nth % 40 == 7 else 'hay'}" for nth in range(200))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_text_is_searched_from_place_to_place(size: tuple[int, int]) -> None:
    async with opened(FixedWorld(), lambda: TextScreen("A [b]text", LONG), size) as terminal:
        await terminal.sees("A [b]text", "line 0 hay")
        await terminal.pilot.press("slash", *"NEEDLE", "enter")
        await terminal.sees("1 of 5", "line 7 needle")
        await terminal.pilot.press("n")
        await terminal.sees("2 of 5", "line 47 needle")
        await terminal.pilot.press("N", "N")
        await terminal.sees("5 of 5", "line 167 needle")
        await terminal.pilot.press("escape")
        await terminal.until(lambda: "5 of 5" not in terminal.text())
        assert isinstance(terminal.screen, TextScreen)
        await terminal.pilot.press("escape")
        await terminal.until(lambda: not isinstance(terminal.screen, TextScreen))


async def test_what_is_not_there_is_said() -> None:
    async with opened(FixedWorld(), lambda: TextScreen("T", LONG)) as terminal:
        await terminal.pilot.press("slash", *"zebra", "enter")
        await terminal.sees("/zebra · nowhere")


async def test_long_lines_wrap_or_are_marked_and_looked_along() -> None:
    async with opened(FixedWorld(), lambda: TextScreen("T", "a" * 100 + " end")) as terminal:
        await terminal.sees("wrapped", "end")
        await terminal.pilot.press("w")
        await terminal.sees("not wrapped", "a…")
        assert "end" not in terminal.text()
        await terminal.pilot.press("right", "right", "right", "right")
        await terminal.sees("…a", "end")


async def test_moving_by_keys() -> None:
    async with opened(FixedWorld(), lambda: TextScreen("T", LONG)) as terminal:
        moves = {"G": 199, "home": 0, "pagedown": 20, "pageup": 0, "ctrl+d": 12, "ctrl+u": 0, "end": 199}
        for key, line in moves.items():
            await terminal.pilot.press(key)
            await terminal.sees(f"line {line} ")


async def test_c_copies_the_whole_text() -> None:
    async with opened(FixedWorld(), lambda: TextScreen("T", LONG)) as terminal:
        await terminal.pilot.press("c")
        await terminal.until(lambda: terminal.app.clipboard == LONG)


async def test_why_shows_the_tree() -> None:
    async with opened(FixedWorld(), lambda: WhyScreen("proposal", ("default", "b-gent-scale-x7k2"))) as terminal:
        await terminal.sees("WHY proposal", "asked by b-gent: “High load for 6 min”", "├─", "└─")


async def test_why_of_a_signal_is_what_it_says_itself() -> None:
    async with opened(FixedWorld(), lambda: WhyScreen("signal", ("default", "warning-b1"))) as terminal:
        await terminal.sees("└─ SCARCITY 0.80")


async def test_why_from_the_ghost_says_that_it_is_not_known() -> None:
    async with opened(FixedWorld("ghost"), lambda: WhyScreen("agent", B)) as terminal:
        await terminal.sees("The ghost cannot answer that", "Leave it with g")


async def test_yaml_is_the_object() -> None:
    async with opened(FixedWorld(), lambda: YamlScreen("agent", B), (120, 40)) as terminal:
        await terminal.sees("apiVersion: kgents.io/v1", "kind: Agent", "image: hive/b-gent:1.4")


async def test_yaml_from_the_ghost_is_the_row_and_says_so() -> None:
    async with opened(
        FixedWorld("ghost"), lambda: YamlScreen("signal", ("default", "warning-b1")), (120, 40)
    ) as terminal:
        await terminal.sees("# Only its row is remembered here", "type: WARNING", "payload: 14 errors")


async def test_yaml_of_what_is_gone_says_so() -> None:
    async with opened(FixedWorld(), lambda: YamlScreen("agent", ("default", "nobody"))) as terminal:
        await terminal.sees("# There is no agent “nobody”")


async def test_a_log_that_breaks_says_why_and_comes_back() -> None:
    world = FixedWorld()
    async with opened(world, lambda: LogsScreen(B)) as terminal:
        await terminal.sees("LOG b-gent", "6 lines", "following")
        world.lines["b-gent"].put(Unreachable("Nothing live answers", why="Cortex went"))
        await terminal.sees("Nothing live answers: Cortex went", "not heard now")
        world.say("b-gent", "here again")
        await terminal.sees("· It was not heard for a while: lines may be missing", "here again", "7 lines · following")
        assert "Cortex went" not in terminal.text()


async def test_a_log_that_is_heard_again_and_silent_does_not_say_that_it_is_not_heard() -> None:
    world = FixedWorld()
    async with opened(world, lambda: LogsScreen(B)) as terminal:
        world.lines["b-gent"].put(Unreachable("Nothing live answers", why="Cortex went"))
        await terminal.sees("Cortex went", "not heard now")
        await terminal.sees("lines may be missing", "6 lines · following")
        assert "Cortex went" not in terminal.text()


def listeners() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "listener"]


async def test_nobody_listens_on_once_a_screen_has_gone() -> None:
    async with opened(FixedWorld(), lambda: TextScreen("T")) as terminal:
        for _ in range(50):
            await terminal.app.push_screen(LogsScreen(B))
        assert len(listeners()) == 50
        for _ in range(50):
            await terminal.app.pop_screen()
        await terminal.until(lambda: not listeners())


async def test_what_one_looks_at_stays_when_a_full_log_forgets_its_oldest_lines() -> None:
    world = FixedWorld()
    async with opened(world, lambda: LogsScreen(B)) as terminal:
        for nth in range(KEPT):
            world.say("b-gent", f"line {nth}.")
        await terminal.sees(f"line {KEPT - 1}.", "following")
        await terminal.pilot.press("pageup", "pageup")
        await terminal.sees("paused")
        before = [line[:-3] for line in terminal.lines()[2:-2]]  # without the scroll bar
        for nth in range(700):
            world.say("b-gent", f"later {nth}.")
        lines = terminal.screen.query_one(LogLines)
        await terminal.until(lambda: "later 699." in lines.plain()[-1])
        assert [line[:-3] for line in terminal.lines()[2:-2]] == before


async def test_a_log_keeps_indentation_and_loses_what_moves_the_cursor() -> None:
    world = FixedWorld()
    async with opened(world, lambda: LogsScreen(B)) as terminal:
        world.say("b-gent", "\tat \x1b[31mline[/b] 3\x07")
        await terminal.sees("    at", "line[/b] 3")
        assert "\x1b" not in terminal.text() and "\x07" not in terminal.text()


async def test_looking_back_pauses_a_log_and_the_end_follows_again() -> None:
    world = FixedWorld()
    async with opened(world, lambda: LogsScreen(B)) as terminal:
        for nth in range(100):
            world.say("b-gent", f"line {nth}")
        await terminal.sees("line 99", "following")
        await terminal.pilot.press("home")
        await terminal.sees("INFO ready", "paused")
        world.say("b-gent", "the newest")
        await terminal.sees("107 lines")
        assert "the newest" not in terminal.text()
        await terminal.pilot.press("G")
        await terminal.sees("the newest", "following")


async def test_a_log_is_filtered_by_level() -> None:
    async with opened(FixedWorld(), lambda: LogsScreen(B)) as terminal:
        await terminal.pilot.press("slash", *"level=error", "enter")
        await terminal.sees("1 of 6 lines", "✖ ERROR could not reach")
        assert "took job" not in terminal.text()
        await terminal.pilot.press("escape")
        await terminal.sees("took job")


@pytest.mark.parametrize("text", ["", "a", "word " * 30, "x" * 100, "  - 長い" * 20, "│  ├─ deep " * 9])
@pytest.mark.parametrize("width", [1, 2, 10, 33])
def test_folded_lines_fit_and_keep_every_word(text: str, width: int) -> None:
    from rich.segment import Segment

    made = facts.folded([Segment(text)], width)
    assert all(length(line) <= max(width, 2) for line in made)
    if width >= 10:
        joined = "".join(part for line in made for part, _, _ in line)
        assert "".join(joined.split()) == "".join(text.split())


def test_places_that_are_sought_are_marked_and_nothing_else_changes() -> None:
    from rich.segment import Segment
    from rich.style import Style

    style = Style(bold=True)
    line = marked([Segment("One tw"), Segment("o one")], "two", style)
    assert "".join(text for text, _, _ in line) == "One two one"
    assert "".join(text for text, own, _ in line if own == style) == "two"


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("  name: b-gent", "name:", " b-gent"),
        ("- type: WARNING", "type:", " WARNING"),
        ("  replicas: 2", "replicas:", " 2"),
        ("- http://a:8080/x", "", "http://a:8080/x"),
        ("'a: b': c", "'a: b':", " c"),
    ],
)
def test_yaml_lines_have_their_keys_apart(line: str, key: str, value: str) -> None:
    parts = {text: style for text, style, _ in yaml_text.coloured(line, INK)}
    assert "".join(parts) == line
    assert value in parts
    assert not key or parts[key] == INK.style("activity")


def test_yaml_of_hostile_values_is_text() -> None:
    import yaml

    value = {"a": "x\x1b[31m", "b": "one\ntwo\n", "c": "yes", "d": "[bold]"}
    text = yaml_text.dump(value)
    assert "\x1b" not in text
    assert yaml.safe_load(text) == value
