"""What an agent may change of itself without anybody looking."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api.governance import envelope
from kgents.api.governance.changes import ABSENT, Change, between

AUTONOMY: dict[str, Any] = {
    "replicas": {"min": 1, "max": 5},
    "resources": {"max": {"cpu": "500m"}},
    "images": ["reg/bot:*"],
    "configKeys": ["mode"],
}


def reasons(before: Any, after: Any, autonomy: Any = AUTONOMY) -> list[str]:
    return envelope.outside(autonomy, between({"spec": before}, {"spec": after}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"replicas": 2}, {"replicas": 5}),
        ({"image": "reg/bot:1"}, {"image": "reg/bot:2"}),
        ({"config": {"mode": "a"}}, {"config": {"mode": "b"}}),
        ({}, {"config": {"mode": "b"}}),
        ({"resources": {}}, {"resources": {"limits": {"cpu": "0.5"}}}),
    ],
)
def test_what_it_names_is_inside(before: Any, after: Any) -> None:
    assert reasons(before, after) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"replicas": 2}, {"replicas": 6}),
        ({"replicas": 2}, {"replicas": 0}),
        ({"image": "reg/bot:1"}, {"image": "evil/bot:1"}),
        ({"config": {"mode": "a"}}, {"config": {"mode": "a", "other": 1}}),
        ({"resources": {}}, {"resources": {"limits": {"memory": "1Gi"}}}),
        ({"resources": {}}, {"resources": {"limits": {"cpu": "501m"}}}),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {}}}),
        ({}, {"command": ["sh"]}),
        ({"replicas": 2}, {"replicas": 3, "suspend": False}),
    ],
)
def test_what_it_does_not_name_is_outside(before: Any, after: Any) -> None:
    assert reasons(before, after) != []


def test_a_deletion_is_never_inside() -> None:
    assert envelope.outside(AUTONOMY, [Change((), {"spec": {}}, ABSENT)]) != []


def test_without_a_minimum_an_agent_may_not_make_itself_vanish() -> None:
    assert reasons({"replicas": 1}, {"replicas": 0}, {"replicas": {"max": 3}}) != []


def test_only_the_star_is_special_in_a_pattern() -> None:
    assert reasons({"image": "a"}, {"image": "b"}, {"images": ["[ab]"]}) != []
