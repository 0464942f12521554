"""The screen of one signal: how it fades, what led to it, who reacts; and the drawing of its curve."""

from __future__ import annotations

import copy

import pytest

from kgents.api.pheromone import Decay
from kgents.looks import DARK
from kgents.terrarium.causes import tree_of
from kgents.terrarium.curve import AXIS, curve
from kgents.terrarium.draw import length
from kgents.terrarium.hive import Signal
from kgents.terrarium.ink import Ink, rgb
from kgents.terrarium.screens.agent import AgentScreen
from kgents.terrarium.screens.signal import SignalScreen
from tests.support.screens import SIZES, opened
from tests.support.terrarium import FixedWorld

WARNING = ("default", "warning-b1")
INK = Ink({tone: rgb(value) for tone, value in DARK.items()})


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_shows_strength_curve_and_facts_at_each_size(size: tuple[int, int]) -> None:
    async with opened(FixedWorld(), lambda: SignalScreen(WARNING), size) as terminal:
        await terminal.sees("WARNING", "b-gent", "everybody", "0.95", "now 0.95", "gone in 32m", "half-life")
        await terminal.pilot.press("G")
        await terminal.sees("↯ queue-worker")


async def test_it_tells_causes_payload_and_times() -> None:
    async with opened(FixedWorld(), lambda: SignalScreen(WARNING), (120, 40)) as terminal:
        await terminal.sees("12s ago, at", "in 32m, at", "14 errors in 60 s in orders.log")
        await terminal.sees("├─ log of b-gent-0", "└─ SCARCITY 0.80 (Pheromone scarcity-l1)", "↯ b-gent")


async def test_a_claimed_one_says_by_whom() -> None:
    async with opened(FixedWorld(), lambda: SignalScreen(("default", "intent-i1")), (120, 40)) as terminal:
        await terminal.sees("l-gent, for 90s")


async def test_it_fades_and_says_when_it_is_gone() -> None:
    world = FixedWorld()
    async with opened(world, lambda: SignalScreen(WARNING)) as terminal:
        await terminal.sees("now 0.95")
        world.now += 300
        await terminal.sees("now 0.47")
        world.now += 36_000
        await terminal.sees("It is not in the hive any more", "faded away")


async def test_enter_opens_its_source_and_escape_goes_back() -> None:
    async with opened(FixedWorld(), lambda: SignalScreen(WARNING)) as terminal:
        await terminal.pilot.press("enter")
        await terminal.until(lambda: isinstance(terminal.screen, AgentScreen))
        await terminal.pilot.press("q")
        await terminal.until(lambda: isinstance(terminal.screen, SignalScreen))
        await terminal.pilot.press("escape")
        await terminal.until(lambda: not isinstance(terminal.screen, SignalScreen))


async def test_hostile_payloads_are_text() -> None:
    world = FixedWorld()
    signal = copy.deepcopy(world.objects["pheromones", *WARNING])
    signal["spec"]["payload"] = "\x1b[31m[bold]one[/]\ntwo\u202e" + "x" * 500
    world.objects["pheromones", *WARNING] = signal
    async with opened(world, lambda: SignalScreen(WARNING), (120, 40)) as terminal:
        await terminal.sees("[bold]one[/]", "two", "x" * 50)
        assert "\x1b" not in terminal.text() and "\u202e" not in terminal.text()


@pytest.mark.parametrize(("width", "height"), [(20, 3), (60, 8), (200, 12)])
@pytest.mark.parametrize("age", [0.0, 150.0, 1e9])
def test_the_curve_fills_its_box_and_marks_now(width: int, height: int, age: float) -> None:
    lines = curve(Decay(1.0, 100.0, 0.0), age, "WARNING", width, height, INK)
    assert len(lines) == height + 2
    assert all(length(line) == width for line in lines)
    axis = "".join(text for text, _, _ in lines[height])
    assert axis.count("┃") == 1
    end = Decay(1.0, 100.0, 0.0).evaporates
    assert axis.index("┃") == AXIS + min(int(age / end * (width - AXIS)), width - AXIS - 1)


def test_the_curve_falls() -> None:
    lines = curve(Decay(1.0, 100.0, 0.0), 0.0, "WARNING", 80, 6, INK)
    filled = [sum(text not in (" ", "┃") for text, _, _ in line[1:]) for line in lines[:6]]
    assert filled == sorted(filled) and filled[0] < filled[-1]


def test_causes_lead_on_and_circles_end() -> None:
    decay = Decay(1.0, 100.0, 0.0)
    signals = {
        ("n", "a"): Signal({"causedBy": ["X 0.5 (Pheromone b)", "a person"]}, decay),
        ("n", "b"): Signal({"causedBy": ["Y 0.5 (Pheromone a)"]}, decay),
    }
    [first, second] = tree_of(("n", "a"), signals)
    assert first["text"] == "X 0.5 (Pheromone b)"
    assert [one["text"] for one in first["children"]] == ["Y 0.5 (Pheromone a)"]
    assert first["children"][0]["children"] == []
    assert second == {"text": "a person", "children": []}
