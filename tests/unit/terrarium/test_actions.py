from __future__ import annotations

import pytest

from kgents.terrarium import actions
from kgents.terrarium.hive import Key
from kgents.terrarium.screens.base import HiveScreen, Subject
from kgents.terrarium.screens.decide import DecideDialog
from kgents.terrarium.screens.dialogs import ConfirmDialog, FreezeDialog
from kgents.terrarium.screens.emit import EmitDialog
from kgents.terrarium.screens.proposal import ProposalScreen
from kgents.terrarium.screens.propose import ProposeDialog
from kgents.terrarium.screens.text import LogsScreen, WhyScreen, YamlScreen
from tests.support.terrarium import FixedWorld
from tests.unit.terrarium.deeds import AGENT, BLOCKED, MERGED, REVIEWING, deeds, subject

Patch = pytest.MonkeyPatch
SIGNAL: Key = ("default", "warning-b1")
MEMORY = Subject("proposal", BLOCKED, {"target": "Memory/m-gent", "phase": "Blocked"})
NOBODYS = Subject("signal", SIGNAL, {"source": None})
AN_AGENT = Subject("agent", AGENT, {})
_OPENS = [
    ("agent", AGENT, "l", LogsScreen),
    ("agent", AGENT, "w", WhyScreen),
    ("agent", AGENT, "y", YamlScreen),
    ("agent", AGENT, "e", EmitDialog),
    ("agent", AGENT, "p", ProposeDialog),
    ("agent", AGENT, "space", ConfirmDialog),
    ("agent", AGENT, "F", FreezeDialog),
    ("signal", SIGNAL, "l", LogsScreen),
    ("signal", SIGNAL, "space", ConfirmDialog),
    ("proposal", REVIEWING, "a", DecideDialog),
    ("proposal", REVIEWING, "r", DecideDialog),
    ("proposal", MERGED, "R", DecideDialog),
    ("proposal", REVIEWING, "d", ProposalScreen),
    ("proposal", REVIEWING, "w", WhyScreen),
    ("", AGENT, "F", FreezeDialog),
    ("", AGENT, "e", EmitDialog),
]


def test_every_key_has_its_action() -> None:
    bound = {getattr(one, "action", "") for one in HiveScreen.BINDINGS}

    assert {f"act('{name}')" for name in actions.ACTIONS} == bound


@pytest.mark.parametrize(
    ("name", "chosen", "fits"),
    [
        ("freeze", None, True),
        ("emit", None, True),
        ("approve", None, False),
        ("approve", AN_AGENT, False),
        ("approve", MEMORY, True),
        ("pause", AN_AGENT, True),
        ("pause", MEMORY, False),
        ("logs", MEMORY, False),
        ("logs", NOBODYS, False),
        ("pause", NOBODYS, False),
        ("why", NOBODYS, False),
        ("yaml", NOBODYS, True),
    ],
)
def test_what_an_action_is_for(name: str, chosen: Subject | None, fits: bool) -> None:
    assert actions.fits(name, chosen) is fits


@pytest.mark.parametrize(("kind", "key", "pressed", "opened"), _OPENS)
async def test_a_key_opens_what_it_is_for(
    monkeypatch: Patch, kind: str, key: Key, pressed: str, opened: type[object]
) -> None:
    async with deeds(monkeypatch, kind=kind, key=key) as at:
        await at.press(pressed)
        await at.until(lambda: isinstance(at.screen, opened), f"{opened.__name__} does not open")

        assert at.told == []


async def test_c_copies_the_name(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("c")
        await at.hears("Copied b-gent")

        assert at.app.clipboard == "b-gent"


@pytest.mark.parametrize(
    ("key", "pressed", "why"),
    [
        (MERGED, "a", "it is decided already"),
        (MERGED, "r", "it is decided already"),
        (REVIEWING, "R", "only what is merged can be taken back"),
    ],
)
async def test_what_is_decided_says_so(monkeypatch: Patch, key: Key, pressed: str, why: str) -> None:
    async with deeds(monkeypatch, kind="proposal", key=key) as at:
        await at.press(pressed)
        await at.hears(why)

        assert len(at.app.screen_stack) == 2


async def test_what_has_no_diff_cannot_be_approved_yet(monkeypatch: Patch) -> None:
    world = FixedWorld()
    world.change("proposals", REVIEWING[1], phase="Pending", diff=None, diffDigest=None)
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.hears("there is no diff to look at yet")


@pytest.mark.parametrize("pressed", ["space", "e", "p", "F"])
async def test_where_nothing_live_answers_a_deed_says_what_was_tried(monkeypatch: Patch, pressed: str) -> None:
    async with deeds(monkeypatch, FixedWorld("ghost")) as at:
        await at.press(pressed)
        await at.hears("Nothing live answers (Cortex: it does not run; kubectl: connection refused)")

        assert len(at.app.screen_stack) == 2


@pytest.mark.parametrize("pressed", ["space", "e", "p", "F", "l", "w", "y"])
async def test_the_ghost_says_that_it_is_one(monkeypatch: Patch, pressed: str) -> None:
    async with deeds(monkeypatch, FixedWorld(ghost_only=True)) as at:
        await at.press(pressed)
        await at.hears("a memory on this disk.\nG goes back to the hive".replace("G goes", "g goes"))

        assert len(at.app.screen_stack) == 2


async def test_what_is_remembered_can_be_looked_at(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, FixedWorld(ghost_only=True), kind="proposal", key=REVIEWING) as at:
        chosen = subject(at.app, "proposal", REVIEWING)

        assert actions.why_not("diff", at.app, chosen) is None
        assert actions.why_not("copy", at.app, chosen) is None
        assert actions.why_not("approve", at.app, chosen) is not None
