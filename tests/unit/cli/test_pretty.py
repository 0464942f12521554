"""Tables for a terminal: colours by meaning, bars in eighths, and nothing that a payload could do to the screen."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from kgents.cli.columns import AGENTS, SIGNALS
from kgents.cli.dating import dated, spelled
from kgents.cli.output import aligned, count
from kgents.cli.pretty import bar, table
from kgents.glass.answer import Answer, Source
from kgents.looks import DARK

LIVE = Source("cortex")
ROW = {"name": "scholar", "phase": "Running", "readyReplicas": 1, "replicas": 1, "restarts": 0, "activity": 0.44}


def drawn(rows: list[dict[str, Any]], sheet: Any = AGENTS, source: Source = LIVE, *, width: int = 100) -> str:
    console = Console(width=width, force_terminal=True, color_system="truecolor", highlight=False)
    with console.capture() as capture:
        console.print(table(rows, sheet.chosen(wide=False, everywhere=False), "5 agents · lab", source, width))
    return capture.get()


@pytest.mark.parametrize(
    ("phase", "glyph"),
    [("Running", "●"), ("Degraded", "◐"), ("Safemode", "◍"), ("Failed", "✖"), ("Suspended", "○")],
)
def test_each_phase_has_its_glyph(phase: str, glyph: str):
    assert f"{glyph} {phase}" in drawn([{**ROW, "phase": phase}])


@pytest.mark.parametrize(
    ("value", "cells"), [(0.0, ""), (0.001, "▏"), (0.44, "███▌"), (0.5, "████"), (1.0, "████████"), (7.0, "████████")]
)
def test_a_bar_is_drawn_in_eighths(value: float, cells: str):
    assert bar(value).plain[:8].rstrip() == cells


def test_a_strong_signal_glows_and_a_weak_one_is_calm():
    assert bar(0.9).spans[0].style == DARK["trouble"]
    assert bar(0.1).spans[0].style == DARK["well"]


def test_the_unknown_is_shown_as_unknown():
    assert "–" in drawn([{**ROW, "activity": None}])


def test_old_data_is_dimmed():
    assert "\x1b[2" in drawn([ROW], source=Source("ghost", 9000.0, "old"))


def test_a_narrow_terminal_marks_what_it_cuts():
    signal = {"name": "w", "type": "WARNING", "intensity": 0.5, "payload": "word " * 60, "halfLifeSeconds": 60.0}
    lines = drawn([signal], SIGNALS, width=80).splitlines()
    assert "…" in lines[-1]
    assert len(lines) == 4  # title, header, rule, row


@pytest.mark.parametrize("hostile", ["\x1b[2Jgone", "two\nlines", "\x07bell", "[red]markup[/red]"])
def test_a_payload_cannot_reach_the_terminal(hostile: str):
    signal = {"name": "w", "type": "WARNING", "intensity": 0.5, "payload": hostile, "halfLifeSeconds": 60.0}
    assert "\x1b[2J" not in drawn([signal], SIGNALS)
    plain = aligned([signal], SIGNALS.chosen(wide=False, everywhere=False))
    assert len(plain) == 2
    assert all(sign.isprintable() for sign in plain[1])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source("cortex"), "live [CORTEX]"),
        (Source("ghost", 42.0, "fresh"), "cached 42 s ago [GHOST]"),
        (Source("ghost", 150.0, "stale"), "cached 2 min ago, stale [GHOST]"),
        (Source("ghost", 3 * 86400.0, "old"), "cached 3 d ago, OLD [GHOST]"),
    ],
)
def test_every_answer_is_dated(source: Source, words: str):
    assert dated(source) == words


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (121, "2 min"), (7300, "2 h")])
def test_an_age_in_a_sentence(seconds: float, text: str):
    assert spelled(seconds) == text


@pytest.mark.parametrize(
    ("shown", "total", "text"), [(1, 1, "1 agent"), (5, 5, "5 agents"), (50, 12_000, "50 of 12 000 agents")]
)
def test_a_cut_list_says_of_how_many(shown: int, total: int, text: str):
    assert count(Answer("p", Source("cortex"), [b"{}"] * shown, True, total), AGENTS) == text
