"""The grid and the timeline."""

from __future__ import annotations

import pytest

from kgents.looks import LEVELS
from kgents.terrarium.heat.grid import grid, last_top
from kgents.terrarium.heat.scent import Scent
from kgents.terrarium.heat.timeline import timeline, window
from tests.support.scents import AGENTS, ink, mock, scent, text_of


def test_the_grid_has_the_agents_in_their_order_and_a_figure_in_each_cell() -> None:
    lines = text_of(grid(mock(), 80, 12, ink(), AGENTS))
    assert [line.split()[0] for line in lines[1:6]] == [name for _, name in AGENTS]
    assert lines[0].split() == ["WARNING", "SCARCITY", "CAPABILITY", "INTENT", "DREAM"]
    assert "0.95" in lines[1]
    assert lines[2].index("0.55") < lines[2].index("0.28")


def test_those_without_a_line_are_summed_up_as_others() -> None:
    crowd = [("default", f"agent-{nth:03}") for nth in range(1000)]
    scents = [scent(str(nth), source=f"agent-{nth:03}", intensity=0.01) for nth in range(100)]
    lines = text_of(grid(scents, 60, 12, ink(), crowd))
    assert lines[1].startswith("agent-000")
    assert lines[11].startswith("others")
    assert "0.90" in lines[11]
    moved = text_of(grid(scents, 60, 12, ink(), crowd, last_top(1000, 12)))
    assert moved[10].startswith("agent-999")


def test_a_source_that_is_no_agent_is_among_the_others() -> None:
    lines = text_of(grid([scent("a", source="you")], 60, 12, ink(), AGENTS))
    assert "0.90" in next(line for line in lines if line.startswith("others"))


def test_agents_of_one_name_in_two_namespaces_are_two() -> None:
    lines = text_of(grid([scent("a")], 60, 12, ink(), [("other", "b-gent"), ("default", "b-gent")]))
    assert "0.90" not in lines[1]
    assert "0.90" in lines[2]


def test_types_without_room_are_counted() -> None:
    scents = [scent(str(nth), f"TYPE{nth:02}", intensity=0.5) for nth in range(30)]
    assert "+" in text_of(grid(scents, 40, 12, ink(), AGENTS))[0]


def test_the_grid_finds_what_is_in_a_cell() -> None:
    picture = grid(mock(), 80, 12, ink(), AGENTS)
    stop = picture.stops[0]
    assert [found.key[1] for found in picture.scents_at(stop.x, stop.y)] == ["a"]
    assert picture.scents_at(0, 0) == ()


def heights(scents: list[Scent], width: int = 80) -> list[int]:
    """How high the only band of a timeline is, by column, in eighths of a line."""
    lines = text_of(timeline(scents, width, 2, ink()))[0]
    left, right = len("WARNING") + 1, width - 5
    return [LEVELS.find(sign) if sign in LEVELS else 0 for sign in lines[left:right]]


def test_a_signal_rises_when_it_is_emitted_and_decays_until_now() -> None:
    seen = heights([scent("a", intensity=0.25, initial=1.0, age=600.0, half_life=300.0)])
    begin = seen.index(max(seen))
    assert window([scent("a", age=600.0)]) == 900
    assert not any(seen[:begin])
    assert begin == pytest.approx(len(seen) / 3, abs=1)
    assert seen[begin] == 8
    assert seen[begin:] == sorted(seen[begin:], reverse=True)
    assert seen[-1] == 2


def test_the_strongest_is_seen_and_what_it_outshines_can_be_found() -> None:
    loud = scent("loud", intensity=0.8, initial=1.0, age=60.0, half_life=300.0)
    soft = scent("soft", intensity=0.1, initial=0.1, age=0.0, half_life=300.0)
    assert heights([loud, soft]) == heights([loud])
    picture = timeline([loud, soft], 80, 2, ink())
    assert {found.key[1] for found in picture.scents_at(74, 0)} == {"loud", "soft"}


def test_what_was_emitted_before_the_first_column_has_its_tail() -> None:
    old = scent("old", intensity=0.2, initial=0.8, age=600.0, half_life=300.0)
    recent = [scent(str(nth), intensity=0.01, initial=0.01, age=1.0) for nth in range(30)]
    seen = heights([old, *recent])
    assert seen[0] > seen[-1] > 0


def test_the_scale_ends_now() -> None:
    scale = text_of(timeline(mock(), 90, 12, ink()))[-1]
    assert scale.split()[0] == "5m"
    assert scale.rstrip().endswith("now")


def test_a_clock_that_is_ahead_emits_now() -> None:
    assert heights([scent("a", age=-50.0, initial=1.0)])[-1] == 8
