from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.widgets import Checkbox, Input

from kgents.api.errors import Refused, Unreachable
from kgents.api.pheromone import TYPES
from kgents.glass.answer import Answer
from kgents.terrarium.screens.decide import DecideDialog
from kgents.terrarium.screens.dialogs import ConfirmDialog, FreezeDialog
from kgents.terrarium.screens.emit import EmitDialog
from kgents.terrarium.screens.propose import ProposeDialog
from tests.support.terrarium import FixedWorld
from tests.unit.terrarium.deeds import BLOCKED, MERGED, REVIEWING, deeds

Patch = pytest.MonkeyPatch
HOSTILE = "[bold red]x[/] \x1b[31m\x07\u202e"


class SlowWorld(FixedWorld):
    """Its writes end when the test lets them."""

    def write(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        assert self.may_end.wait(20)
        return super().write(id, namespace, arguments, **names)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.may_end = threading.Event()


# approve, reject, roll back


async def test_what_is_approved_is_what_was_shown(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        await at.write("looked at it")
        await at.press("enter")
        await at.hears("l-gent-image-p91f is approved")

        given = {"reason": "looked at it", "digest": "sha256:l-gent-image-p91f"}
        assert at.world.writes == [("proposals.approve", "default", given, {"proposal": REVIEWING[1]})]
        assert not isinstance(at.screen, DecideDialog)


async def test_the_button_approves_as_enter_does(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        await at.pilot.click("#do")
        await at.hears("is approved")

        assert at.wrote == ["proposals.approve"]


async def test_a_block_is_lifted_with_a_reason_only(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=BLOCKED) as at:
        await at.press("a")
        await at.sees("Memory/m-gent")
        await at.press("enter")
        await at.sees("takes a written reason")
        assert at.wrote == []

        await at.write("agreed")
        await at.press("enter")
        await at.hears("is approved")
        assert at.world.writes[0][2]["reason"] == "agreed"


async def test_rejecting_takes_a_reason(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        await at.press("r")
        await at.sees("hive/l-gent:1.5")
        await at.press("enter")
        await at.sees("Rejecting takes a written reason")
        await at.write("no")
        await at.press("enter")
        await at.hears("is rejected")

        assert at.world.writes == [("proposals.reject", "default", {"reason": "no"}, {"proposal": REVIEWING[1]})]


async def test_what_is_merged_is_taken_back(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=MERGED) as at:
        await at.press("R")
        await at.sees("spec.config.batch")
        await at.press("enter")
        await at.hears("is being taken back")

        assert at.wrote == ["proposals.rollback"]


async def test_a_change_while_it_is_open_is_shown_and_decided_on_anew(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        at.world.change("proposals", REVIEWING[1], diff="~ spec.image: 1.4 → evil:6", diffDigest="sha256:other")
        await at.sees("evil:6")
        await at.sees("another one now")
        assert at.wrote == []

        await at.press("enter")
        await at.hears("is approved")
        assert at.world.writes[0][2]["digest"] == "sha256:other"


async def test_a_change_that_the_hive_has_not_told_yet_is_found_before_it_is_sent(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        at.app.feed.stop()  # from here on nothing is heard
        at.world.change("proposals", REVIEWING[1], diff="~ spec.image: 1.4 → evil:6", diffDigest="sha256:other")
        await at.press("enter")
        await at.sees("evil:6")
        await at.sees("another one now, and nothing was sent")

        assert at.wrote == []


async def test_a_refusal_is_said_in_the_dialog_and_it_can_be_tried_again(monkeypatch: Patch) -> None:
    world = FixedWorld()
    world.fails["proposals.approve"] = Refused("You asked for it yourself", fix="Have somebody else approve it")
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        await at.press("enter")
        await at.sees("You asked for it yourself. Have somebody else approve it")
        world.fails.clear()
        await at.press("enter")
        await at.hears("is approved")


async def test_a_diff_that_cannot_be_read_is_not_decided_on(monkeypatch: Patch) -> None:
    world = FixedWorld()
    world.fails["proposals.diff"] = Unreachable("Nothing answers", fix="Start it")
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("Nothing answers. Start it")
        await at.press("enter")
        await at.sees("has not been read yet")

        assert at.wrote == []


async def test_nothing_is_sent_twice(monkeypatch: Patch) -> None:
    world = SlowWorld()
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        await at.press("enter", "enter", "enter")
        world.may_end.set()
        await at.hears("is approved")
        await at.press("enter")

        assert at.wrote == ["proposals.approve"]


async def test_who_leaves_sends_nothing(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, kind="proposal", key=REVIEWING) as at:
        await at.press("a")
        await at.sees("hive/l-gent:1.5")
        await at.press("escape")
        await at.until(lambda: not isinstance(at.screen, DecideDialog))

        assert at.wrote == []


# pause and resume


async def test_y_pauses(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("space")
        await at.sees("Pause b-gent in default?")
        await at.press("y", "y")
        await at.hears("b-gent is paused")

        assert at.world.writes == [("agents.suspend", "default", {}, {"agent": "b-gent"})]


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_a_pause_can_be_left(monkeypatch: Patch, key: str) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("space")
        await at.sees("Pause b-gent")
        await at.press("enter")
        await at.press(key)
        await at.until(lambda: not isinstance(at.screen, ConfirmDialog))

        assert at.wrote == []


async def test_resuming_asks_nothing(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch, key=("default", "dreamer")) as at:
        await at.press("space")
        await at.hears("dreamer is resumed")

        assert at.wrote == ["agents.resume"]


# freeze and thaw


async def test_freezing_names_the_hive_and_wants_a_reason_and_a_y(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("F")
        await at.sees("Freeze the hive of kgents-laptop?")
        await at.press("enter")
        await at.sees("Say why")
        await at.write("yes yes")
        await at.press("enter")
        assert at.wrote == []
        await at.press("y")
        await at.hears("kgents-laptop is frozen")

        assert at.world.writes == [("cluster.freeze", "", {"reason": "yes yes"}, {})]


async def test_thawing_takes_a_y(monkeypatch: Patch) -> None:
    frozen = {"by": "ada", "reason": HOSTILE, "since": "2026-01-02T12:00:00Z"}
    async with deeds(monkeypatch, FixedWorld(frozen=frozen)) as at:
        await at.until(lambda: at.app.hive.frozen)
        await at.press("F")
        await at.sees("Thaw the hive of kgents-laptop?")
        await at.sees("Frozen by ada: [bold red]x[/]")
        await at.press("enter")
        assert at.wrote == []
        await at.press("y")
        await at.hears("is thawed")

        assert at.wrote == ["cluster.thaw"]
        assert not isinstance(at.screen, FreezeDialog)


# emit


async def test_a_signal_is_emitted_as_it_was_told(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("e")
        await at.sees("WARNING 1.00 tells b-gent")
        at.screen.query_one("#type", Input).value = "scar"
        await at.sees("SCARCITY 1.00")
        await at.press("tab")
        await at.write("no paper")
        at.screen.query_one("#intensity", Input).value = "0.5"
        at.screen.query_one("#half", Input).value = "10m"
        at.screen.query_one("#claimable", Checkbox).value = True
        await at.sees("Half as strong in 10m")
        await at.sees("one agent takes")
        await at.press("enter", "enter")
        await at.hears("SCARCITY is emitted")

        id, namespace, given, _ = at.world.writes[0]
        assert (id, namespace, len(at.world.writes)) == ("pheromones.emit", "default", 1)
        assert given == {
            "type": "SCARCITY", "intensity": 0.5, "payload": "no paper",
            "target": "b-gent", "halfLife": "10m", "claimable": True,
        }  # fmt: skip


async def test_the_arrows_go_through_the_types(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("e")
        seen = []
        for _ in TYPES:
            seen.append(at.screen.query_one("#type", Input).value)
            await at.press("down")

        assert sorted(seen) == sorted(TYPES)
        await at.press("up")
        assert at.screen.query_one("#type", Input).value == seen[-1]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("type", "NOISE", "no type of signal"),
        ("type", "", "no type of signal"),
        ("intensity", "2", "above 0 and at most 1"),
        ("intensity", "nan", "above 0 and at most 1"),
        ("intensity", "much", "no number"),
        ("half", "soon", "not a duration"),
        ("half", "0", "longer than nothing"),
    ],
)
async def test_what_cannot_be_emitted_is_said(monkeypatch: Patch, field: str, value: str, said: str) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("e")
        at.screen.query_one(f"#{field}", Input).value = value
        await at.press("enter")
        await at.sees(said)

        assert at.wrote == []
        assert isinstance(at.screen, EmitDialog)


# propose


async def test_a_change_is_tried_and_then_proposed(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("p")
        await at.until(lambda: at.screen.focused is not None and at.screen.focused.id == "replicas")
        await at.write("3")
        at.screen.query_one("#sets", Input).value = "config.mode=fast; config.batch=64"
        at.screen.query_one("#reason", Input).value = "busy"
        await at.press("enter")
        await at.sees("spec.config")
        await at.sees("Nothing is made yet")
        assert at.wrote == []
        await at.press("enter", "enter")
        await at.hears("is proposed in default")

        assert at.wrote == ["proposals.define"]
        given = at.world.writes[-1][2]
        patch = {"spec": {"replicas": 3, "config": {"mode": "fast", "batch": 64}}}
        assert given == {"target": "b-gent", "patch": patch, "patchType": "apply", "reason": "busy"}


async def test_what_is_changed_after_the_trial_is_tried_again(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("p")
        at.screen.query_one("#replicas", Input).value = "3"
        at.screen.query_one("#reason", Input).value = "busy"
        await at.press("enter")
        await at.sees("Nothing is made yet")
        at.screen.query_one("#replicas", Input).value = "5"
        await at.until(lambda: not at.shows("Nothing is made yet"))
        await at.press("enter")
        await at.sees("Nothing is made yet")

        assert at.wrote == []
        assert [given["patch"]["spec"]["replicas"] for _, _, given, _ in at.world.writes] == [3, 5]


async def test_who_may_not_change_it_himself_may_propose_it(monkeypatch: Patch) -> None:
    class Strict(FixedWorld):
        def write(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
            if (arguments or {}).get("dryRun"):
                raise Refused("You may not patch agents")
            return super().write(id, namespace, arguments, **names)

    async with deeds(monkeypatch, Strict()) as at:
        await at.press("p")
        at.screen.query_one("#delete", Checkbox).value = True
        at.screen.query_one("#reason", Input).value = "it is idle"
        at.screen.query_one("#reason", Input).focus()
        await at.press("enter")
        await at.sees("You may not patch agents")
        await at.press("enter")
        await at.hears("is proposed")

        assert at.world.writes[-1][2] == {"target": "b-gent", "delete": True, "reason": "it is idle"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Say what should change"),
        ({"replicas": "3"}, "Say why"),
        ({"target": "", "replicas": "3"}, "Say what should change"),
        ({"replicas": "-1"}, "whole number"),
        ({"replicas": "3", "patch": "{}"}, "Give one change"),
        ({"sets": "config"}, "is not PATH=VALUE"),
        ({"sets": "config=1; config.a=2"}, "goes into what another"),
        ({"patch": "{"}, "holds no JSON or YAML"),
        ({"patch": "text"}, "holds no change"),
        ({"target": HOSTILE, "replicas": "3", "reason": "x"}, "is no target"),
        ({"target": "secret/x", "patch": "{}", "reason": "x"}, "never the target"),
    ],
)
async def test_what_cannot_be_proposed_is_said(monkeypatch: Patch, fields: dict[str, str], said: str) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("p")
        for name, value in fields.items():
            at.screen.query_one(f"#{name}", Input).value = value
        await at.press("enter")
        await at.sees(said)

        assert at.wrote == []
        assert isinstance(at.screen, ProposeDialog)


@pytest.mark.parametrize("key", ["e", "p", "F", "space"])
@pytest.mark.parametrize("size", [(60, 18), (200, 60)])
async def test_a_dialog_shows_its_buttons_at_every_size(monkeypatch: Patch, key: str, size: tuple[int, int]) -> None:
    async with deeds(monkeypatch, size=size) as at:
        await at.press(key)
        await at.sees("leave it")
        await at.sees("esc leaves")
        await at.pilot.click("#leave")
        await at.until(lambda: len(at.app.screen_stack) == 2)

        assert at.world.writes == []


async def test_a_long_diff_scrolls_and_leaves_the_buttons(monkeypatch: Patch) -> None:
    world = FixedWorld()
    lines = [f"+ spec.config.k{n}: {HOSTILE!r}" for n in range(300)]
    world.change("proposals", REVIEWING[1], diff="\n".join(lines), diffDigest="sha256:long")
    async with deeds(monkeypatch, world, kind="proposal", key=REVIEWING, size=(60, 18)) as at:
        await at.press("a")
        await at.sees("spec.config.k0")
        await at.sees("leave it")
        assert "\x1b" not in at.text()
        at.screen.query_one("#view").scroll_end(animate=False)
        await at.sees("0.50")
        await at.press("pageup")
        await at.sees("spec.config.k299")


async def test_a_freeze_is_not_pressed_by_an_enter_too_many(monkeypatch: Patch) -> None:
    async with deeds(monkeypatch) as at:
        await at.press("F")
        await at.write("odd")
        await at.press("enter", "enter", "enter")
        await at.sees("y freezes kgents-laptop")

        assert at.wrote == []
