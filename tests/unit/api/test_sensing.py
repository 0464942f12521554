"""Which signals somebody asks for, and what an umwelt lets through."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api.errors import UsageError
from kgents.api.sensing import wish

OWN = {"type": "WARNING", "target": "ant"}
ALL = {"type": "WARNING", "target": None}
FOREIGN = {"type": "WARNING", "target": "bee"}
OTHER = {"type": "CHAOS", "target": None}
ROWS = {"own": OWN, "all": ALL, "foreign": FOREIGN, "other": OTHER}


def ant(*senses: str) -> dict[str, Any]:
    return {"spec": {"umwelt": {"senses": {"sense": list(senses)}}}}


@pytest.mark.parametrize(
    ("arguments", "agent", "taken"),
    [
        ({}, None, "own all foreign other"),
        ({"type": "CHAOS"}, None, "other"),
        ({"type": ["WARNING", "CHAOS"], "target": "bee"}, None, "foreign"),
        ({"as": "ant"}, {"spec": {}}, "own all other"),
        ({"as": "ant"}, ant("WARNING"), "own all"),
        ({"as": "ant"}, ant(), ""),
        ({"as": "ant", "type": "CHAOS"}, ant("WARNING"), ""),
        ({"as": "ant", "target": "bee"}, {"spec": {}}, ""),
        ({"as": "ant", "target": "ant"}, {"spec": {}}, "own"),
    ],
)
def test_what_is_asked_for_and_let_in_is_taken(arguments: dict[str, Any], agent: Any, taken: str):
    wanted = wish(arguments, agent)
    assert [name for name, row in ROWS.items() if wanted.takes(row)] == taken.split()


@pytest.mark.parametrize("type", ["WARNINGS", ["WARNING", "x"]])
def test_a_type_that_there_is_not_is_told(type: Any) -> None:
    with pytest.raises(UsageError, match="there is no signal type"):
        wish({"type": type})


@pytest.mark.parametrize("filter", ["as", "target"])
def test_a_filter_that_names_nobody_does_not_show_everything(filter: str) -> None:
    with pytest.raises(UsageError, match="names no agent"):
        wish({filter: ""})
