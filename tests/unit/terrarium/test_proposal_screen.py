from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from kgents.api.errors import Unreachable
from kgents.looks import DARK
from kgents.terrarium import change
from kgents.terrarium.ink import Ink
from kgents.terrarium.screens.decide import DecideDialog
from kgents.terrarium.screens.proposal import ProposalScreen
from kgents.terrarium.screens.text import WhyScreen, YamlScreen
from tests.support.terrarium import FixedWorld
from tests.unit.terrarium.deeds import AGENT, BLOCKED, MERGED, REVIEWING, deeds

Patch = pytest.MonkeyPatch
NAME = REVIEWING[1]
REASONS = [
    "+0.5 image (spec.image): all of the code changes",
    "+0.1 velocity: 1 other proposals of this proposer in the last hour",
]
INK = Ink(dict.fromkeys(DARK, (0, 0, 0)))
SIZES = [(60, 18), (80, 24), (120, 40), (200, 60)]


def weighed() -> FixedWorld:
    world = FixedWorld()
    said: list[dict[str, Any]] = [
        {"source": "risk", "message": "weighed", "time": "2026-01-02T12:31:52Z"},
        {"source": "t-gent", "message": "the image is signed", "time": "2026-01-02T12:32:00Z"},
    ]
    world.change("proposals", NAME, risk={"total": 0.6, "level": "Medium", "reasons": REASONS}, evidence=said)
    return world


def lines(shown: object, width: int = 80) -> list[str]:
    console = Console(width=width, color_system=None)
    return ["".join(part.text for part in line).rstrip() for line in console.render_lines(shown)]  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
async def test_it_says_what_is_wanted_why_and_what_it_risks(monkeypatch: Patch, size: tuple[int, int]) -> None:
    async with deeds(monkeypatch, weighed(), kind="proposal", key=REVIEWING, size=size) as at:
        at.app.open_proposal(REVIEWING)
        for words in ("REVIEWING", NAME, "Agent/l-gent", "“New index format”", "waits 23h more", "hive/l-gent:1.5"):
            await at.sees(words)
        seen = ""
        for _ in range(30):
            seen += " ".join(at.text().split())
            await at.press("j")
        for words in ("+0.50", "+0.10", "0.60", "medium: a person looks at it", "the image is signed", "nobody yet"):
            assert words in seen


def test_bars_add_up_to_the_total_with_the_thresholds_marked() -> None:
    scale, first, second, total = lines(change.risk(0.6, REASONS, INK, 100), 120)
    start = 6

    assert scale.index("0.3") == start + 8
    assert scale.index("0.7") == start + 20
    assert first[start:].startswith("█" * 15 + "·" * 6 + "┊")
    assert second[start:].startswith("·" * 9 + "┊" + "·" * 5 + "█" * 3)
    assert total[start:].startswith("█" * 18)


@pytest.mark.parametrize(
    ("total", "reasons", "words"),
    [
        (None, [], "not weighed yet"),
        (0.0, [], "low"),
        (1.0, ["+0.9 law (x): y", "+0.8 delete-memory (z): w"], "high"),
        (0.5, ["[bold]no weight\x1b[0m"], "[bold]no weight"),
    ],
)
def test_odd_risks_are_drawn(total: float | None, reasons: list[str], words: str) -> None:
    drawn = "\n".join(lines(change.risk(total, reasons, INK, 40), 40))

    assert words in drawn
    assert "\x1b" not in drawn


def test_what_of_a_diff_is_not_shown_is_counted() -> None:
    drawn = lines(change.diff([f"+ spec.a{n}: 1" for n in range(change.MOST + 7)], INK), 40)

    assert "7 more lines" in drawn[-1]


@pytest.mark.parametrize(
    "given", [None, "", [], "~ spec.x: 1 → 2", "no sign at all", "+ a: " + "x" * 5000, "- [red]x[/]: \x1b[2J\u202e"]
)
def test_any_diff_is_drawn(given: Any) -> None:
    drawn = lines(change.diff(given, INK), 40)

    assert drawn
    assert not any("\x1b" in line or "\u202e" in line for line in drawn)


@pytest.mark.parametrize(
    ("pressed", "opened"), [("a", DecideDialog), ("r", DecideDialog), ("w", WhyScreen), ("y", YamlScreen)]
)
async def test_its_keys(monkeypatch: Patch, pressed: str, opened: type[object]) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        at.app.open_proposal(REVIEWING)
        await at.sees("hive/l-gent:1.5")
        await at.press(pressed)
        await at.until(lambda: isinstance(at.screen, opened))


async def test_what_is_merged_is_taken_back_from_here(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=MERGED) as at:
        at.app.open_proposal(MERGED)
        await at.sees("MERGED")
        await at.press("d", "R")
        await at.until(lambda: isinstance(at.screen, DecideDialog))


async def test_enter_goes_to_the_target_if_that_is_an_agent(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=BLOCKED) as at:
        at.app.open_proposal(BLOCKED)
        await at.sees("Memory/m-gent")
        await at.press("enter")
        await at.hears("Its target is no agent")


async def test_it_follows_what_becomes_of_it(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        at.app.open_proposal(REVIEWING)
        await at.sees("REVIEWING")
        at.world.change("proposals", NAME, phase="Blocked", diff="~ spec.image: 1 → 3", diffDigest="sha256:new")
        await at.sees("BLOCKED")
        await at.sees("1 → 3")

        at.world.remove("proposals", NAME)
        await at.sees("GONE")
        await at.sees("It is there no longer")
        assert at.screen.subject() is None
        await at.press("a")
        assert isinstance(at.screen, ProposalScreen)


async def test_what_cannot_be_read_is_said_and_read_once_it_can_be(monkeypatch: Patch) -> None:
    world = FixedWorld()
    world.fails["proposals.get"] = Unreachable("Nothing answers", fix="Start it")
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING) as at:
        at.app.open_proposal(REVIEWING)
        await at.sees("Nothing answers. Start it")
        await at.sees(NAME)
        world.fails.clear()
        world.change("proposals", NAME, diff="~ spec.image: 1 → 3", diffDigest="sha256:new")
        await at.sees("1 → 3")
        assert not at.shows("Nothing answers")


async def test_from_memory_it_says_so(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, FixedWorld("ghost"), kind="proposal", key=REVIEWING) as at:
        at.app.open_proposal(REVIEWING)
        await at.sees("Remembered: nothing can be decided")
        await at.press("a")
        await at.hears("Nothing live answers")


async def test_text_of_the_hive_is_text(monkeypatch: Patch) -> None:
    world = FixedWorld()
    evil = "[red]x[/red] \x1b[2J\x07\u202e]"
    kept = world.objects["proposals", "default", NAME]
    kept["spec"] |= {"reason": evil, "proposer": evil, "via": evil}
    world.change("proposals", NAME, diff=f"+ {evil}: {evil}", evidence=[{"source": evil, "message": evil}])
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING) as at:
        at.app.open_proposal(REVIEWING)
        await at.sees("“[red]x[/red]")
        assert not any(sign in at.text() for sign in "\x1b\x07\u202e")


async def test_back(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, key=AGENT) as at:
        at.app.open_proposal(REVIEWING)
        await at.sees(NAME)
        await at.press("escape")
        await at.until(lambda: not isinstance(at.screen, ProposalScreen))
