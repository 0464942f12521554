from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgents.sdk import reactions
from kgents.sdk.kept import MountedFile
from kgents.sdk.umwelt import Umwelt

TOLD = {"type": "WARNING", "active": True, "intensity": 1.5, "since": "2026-01-01T00:00:00.000000Z"}


def umwelt(spec: Any) -> Umwelt:
    return Umwelt(lambda: spec)


def test_a_file_is_read_anew_when_it_is_replaced(tmp_path: Path) -> None:
    file, new = tmp_path / "umwelt.json", tmp_path / "new"
    said = MountedFile(file)
    assert said() is None
    file.write_text('{"a": 1}')
    assert said() == {"a": 1}
    new.write_text('{"a": 2}')
    new.replace(file)
    assert said() == {"a": 2}


def test_a_half_written_file_says_what_it_said_before(tmp_path: Path) -> None:
    file = tmp_path / "umwelt.json"
    said = MountedFile(file)
    file.write_text('{"a": 1}')
    said()
    file.write_text('{"a": ')
    assert said() == {"a": 1}


def test_without_an_umwelt_nothing_is_narrowed_and_nothing_afforded() -> None:
    for nothing in (None, {}, [], {"senses": None}, {"senses": 3, "affordances": None}):
        assert umwelt(nothing).senses("WARNING")
        assert umwelt(nothing).emits("WARNING")
        assert not umwelt(nothing).affords("self.deployment.manifest")


def test_an_empty_list_of_senses_is_deaf() -> None:
    deaf = umwelt({"senses": {"sense": [], "emit": ["STATE"]}})
    assert not deaf.senses("WARNING")
    assert [deaf.emits("STATE"), deaf.emits("WARNING")] == [True, False]


@pytest.mark.parametrize(
    ("pattern", "path", "afforded"),
    [
        ("self.deployment.*", "self.deployment.define", True),
        ("self.*", "self.deployment.define", False),
        ("void.**", "void.pheromone.emit", True),
        ("world.cluster.agents.*.manifest", "world.cluster.agents.bot.manifest", True),
        ("world.cluster.agents.*.manifest", "world.cluster.agents.manifest", False),
    ],
)
def test_affordances_are_patterns(pattern: str, path: str, afforded: bool) -> None:
    assert umwelt({"affordances": [pattern]}).affords(path) is afforded


def test_persona_and_budget_are_read() -> None:
    made = umwelt({"persona": {"warmth": 0.7}, "constraints": {"tokenBudget": 1000}})
    assert (made.persona, made.token_budget) == ({"warmth": 0.7}, 1000)
    assert (umwelt({}).persona, umwelt({}).token_budget) == ({}, None)


def test_a_reaction_is_true_while_it_is_active() -> None:
    told = reactions.read(json.loads(json.dumps(TOLD)), "careful")
    assert told
    assert (told.type, told.intensity, told.since) == ("WARNING", 1.5, TOLD["since"])
    assert not reactions.read({**TOLD, "active": False}, "careful")


@pytest.mark.parametrize("said", [None, 3, [], {}, {"active": "yes", "intensity": "much"}])
def test_what_is_no_reaction_is_an_inactive_one(said: Any) -> None:
    assert not reactions.read(said, "careful")
