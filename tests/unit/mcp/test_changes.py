"""Which resources a change is about."""

from __future__ import annotations

import json

from kgents.glass.answer import Source
from kgents.glass.stream import Heard
from kgents.mcp.changes import STATUS, About

GHOST, CORTEX = Source("ghost", 3.0, "fresh"), Source("cortex")


def heard(type: str, resource: str = "", name: str = "", source: Source = CORTEX) -> Heard:
    return Heard(type, resource, json.dumps({"name": name}).encode(), source)


def test_what_there_is_at_first_is_no_change() -> None:
    about = About()
    assert about.take(heard("ADDED", "agents", "a", GHOST)) == set()
    assert about.take(heard("SYNCED", source=GHOST)) == set()
    assert about.take(heard("ADDED", "agents", "b")) == {"kgents://agents", "kgents://agents/b"}


def test_each_change_is_about_its_list_and_itself() -> None:
    about = About()
    about.take(heard("SYNCED"))
    assert about.take(heard("MODIFIED", "proposals", "p")) == {"kgents://proposals", "kgents://proposals/p"}
    assert about.take(heard("DELETED", "pheromones", "s")) == {"kgents://pheromones"}
    assert about.take(heard("ADDED", "logs")) == about.take(heard("ADDED", "witness")) == set()


def test_who_answers_and_the_brakes_are_the_hives_status() -> None:
    about = About()
    about.take(heard("SYNCED"))
    assert about.take(heard("SYNCED")) == set()
    assert about.take(heard("SYNCED", source=GHOST)) == {STATUS}
    assert about.take(heard("BRAKES")) == about.take(heard("LAYER")) == {STATUS}
