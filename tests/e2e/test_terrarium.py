"""Terrarium as a person meets it: in a real terminal, over the real example hive."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.test_proposals import as_user
from tests.support.machine import KGENTS, Machine
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
FIVE = ("indexer", "library", "moth", "watchman", "worker")


def terrarium(machine: Machine, *options: str, size: tuple[int, int] = (120, 40), **more: str) -> Terminal:
    return Terminal([str(KGENTS), "terrarium", *options], {**machine.environment, **more}, size)


@pytest.fixture
def terminal(demo: Machine) -> Iterator[Terminal]:
    """Terrarium over the hive, live."""
    with terrarium(demo) as terminal:
        terminal.shows("[Live]", *FIVE)
        yield terminal


def choose(terminal: Terminal, pane: str, name: str) -> None:
    """Puts the cursor of a pane on a row, by its filter."""
    terminal.press(pane, "/")
    terminal.shows("filters ")
    terminal.press(*name, "enter")
    terminal.hides("filters ")


def test_the_hive_is_there_and_the_keys_work(demo: Machine, terminal: Terminal) -> None:
    terminal.shows("AGENTS", "PHEROMONE HEATMAP", "PROPOSALS", "THOUGHT STREAM", "5 agents")
    terminal.press("?")
    terminal.shows("HELP", "esc closes")
    terminal.press("escape")
    terminal.hides("esc closes")
    terminal.press(":")
    terminal.shows("or a name")
    terminal.press(*"library", "enter")
    terminal.hides("THOUGHT STREAM")
    terminal.shows("library", "python:3.12-slim")
    terminal.press("q")
    terminal.shows("THOUGHT STREAM")
    terminal.press("4", "z")
    terminal.hides("AGENTS")
    terminal.press("z")
    terminal.shows("AGENTS")


def test_what_is_emitted_elsewhere_is_heard(demo: Machine, terminal: Terminal) -> None:
    demo("signal", "emit", "OPPORTUNITY", "--payload", "two idle cores")

    terminal.shows("two idle cores")


def test_a_signal_is_emitted_from_the_dialog(demo: Machine, terminal: Terminal) -> None:
    terminal.press("e")
    terminal.shows("emit a signal")
    terminal.press(*"METAPHOR", "tab", *"a queue is a river", "enter")

    terminal.shows("METAPHOR is emitted")
    eventually(lambda: any(row["payload"] == "a queue is a river" for row in demo.json("observe")["items"]))
    terminal.shows("— a queue is a river")


def test_a_killed_cortex_is_told_of_and_comes_back(demo: Machine, terminal: Terminal) -> None:
    pid, seen = demo.pid("cortex"), len(terminal.heads())
    assert pid
    os.kill(pid, signal.SIGKILL)

    eventually(lambda: any("[GHOST" in head or "[kubectl" in head for head in terminal.heads()[seen:]))
    terminal.shows("[Live]", *FIVE)
    demo("signal", "emit", "CAPABILITY", "--payload", "heard after the kill")
    terminal.shows("heard after the kill")


def test_a_hung_cortex_is_passed_by_and_its_waking_is_noticed(demo: Machine, terminal: Terminal) -> None:
    pid = demo.pid("cortex")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        terminal.shows("[kubectl")
        terminal.shows(*FIVE)
    finally:
        os.kill(pid, signal.SIGCONT)
    terminal.shows("[Live]", *FIVE)


def test_a_frozen_hive_says_so_and_is_thawed_with_f_and_y(demo: Machine, terminal: Terminal) -> None:
    demo("freeze", "--reason", "a rehearsal", "--yes")
    terminal.shows("FROZEN by", "a rehearsal")

    terminal.press("F")
    terminal.shows("Thaw the hive of", "kgents-laptop")
    terminal.press("y")

    terminal.hides("FROZEN by")
    terminal.shows("is thawed")
    assert demo.json("status").get("frozen") is None


def test_a_proposal_is_approved_with_its_diff_and_a_reason(demo: Machine, terminal: Terminal) -> None:
    asked = ["propose", "library", "--image", "python:3.13-slim", "--reason", "the new one", "--name", "newer"]
    as_user(demo, "asker")(*asked)
    eventually(lambda: demo.json("proposals", "newer")["item"]["phase"] == "Reviewing")
    choose(terminal, "3", "newer")
    terminal.shows("REVIEWING")

    terminal.press("enter")
    terminal.hides("THOUGHT STREAM")
    terminal.shows("newer", "python:3.13-slim")
    terminal.press("a")
    terminal.shows("approve newer", "python:3.13-slim", "asked for by asker")
    terminal.press(*"I have looked", "enter")

    terminal.shows("newer is approved")
    terminal.press("q")
    terminal.shows("MERGED")
    row = demo.json("proposals", "newer")["item"]
    assert (row["phase"], row["approved"]) == ("Merged", True)
    assert "I have looked" in demo("proposals", "newer")


def test_space_pauses_an_agent_and_resumes_it(demo: Machine, terminal: Terminal) -> None:
    choose(terminal, "1", "indexer")
    terminal.press("space")
    terminal.shows("Pause indexer")
    terminal.press("y")
    terminal.hides("Pause indexer")
    terminal.shows("Suspended")
    eventually(lambda: demo.agents()["indexer"]["phase"] == "Suspended")

    terminal.press("space")
    terminal.shows("indexer is resumed")
    eventually(lambda: demo.agents()["indexer"]["phase"] == "Running")
    terminal.hides("Suspended")


def test_it_fits_the_terminal_whatever_its_size_and_leaves_it_as_it_was(demo: Machine, terminal: Terminal) -> None:
    for size in ((60, 18), (200, 60), (80, 24)):
        terminal.resize(*size)
        terminal.shows("AGENTS", "library", "PROPOSALS")
        eventually(lambda: all(len(line) == size[0] for line in terminal.lines()))  # noqa: B023
        eventually(lambda: "? help" in terminal.lines()[-1])
    assert not terminal.is_restored

    terminal.press("q")

    assert terminal.ended() == 0
    assert terminal.is_restored
    assert "Traceback" not in terminal.text()


@pytest.mark.parametrize("how", ["ctrl+c", "ctrl+q", "SIGTERM", "SIGHUP"])
def test_however_it_ends_the_terminal_is_left_as_it_was(demo: Machine, terminal: Terminal, how: str) -> None:
    if how.startswith("SIG"):
        terminal.process.send_signal(signal.Signals[how])
        assert terminal.ended() == 128 + signal.Signals[how]
    else:
        terminal.press(how)
        assert terminal.ended() == 0
    assert terminal.is_restored
    assert "Traceback" not in terminal.text()


@pytest.mark.parametrize(
    ("settings", "most"),
    [({"TERM": "dumb"}, 1), ({"TERM": "xterm-16color"}, 17), ({"NO_COLOR": "1"}, 1), ({"TERM": "vt100"}, 17)],
    ids=["dumb", "16 colours", "no colours", "vt100"],
)
def test_poor_terminals_show_it_too(demo: Machine, settings: dict[str, str], most: int) -> None:
    with terrarium(demo, size=(100, 30), **settings) as terminal:
        terminal.shows("[Live]", *FIVE)
        assert len(terminal.colours()) <= most
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored


def test_without_a_terminal_it_says_what_to_do(demo: Machine) -> None:
    done = demo.run("terrarium")

    assert (done.returncode, done.stdout) == (2, "")
    assert "needs a terminal" in done.stderr
    assert "kgents status" in done.stderr


def test_an_unknown_theme_is_a_usage_error(demo: Machine) -> None:
    with terrarium(demo, "--theme", "nowhere") as terminal:
        assert terminal.ended() == 2
        terminal.shows("There is no theme “nowhere”", "terrarium-light")


@pytest.fixture
def stopped(demo: Machine) -> Iterator[Machine]:
    demo("infra", "stop")
    yield demo
    demo("infra", "start")


def test_the_ghost_of_a_stopped_hive(stopped: Machine) -> None:
    with terrarium(stopped, "--ghost") as terminal:
        terminal.shows("[GHOST", *FIVE)
        terminal.press("space")
        terminal.shows("Cannot pause", "a memory on this")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored
    assert stopped.processes() == {}


def test_a_hive_that_is_started_while_somebody_looks_becomes_live(stopped: Machine) -> None:
    with terrarium(stopped) as terminal:
        terminal.shows("[GHOST", *FIVE)
        stopped("infra", "start")
        terminal.shows("[Live]", *FIVE)
