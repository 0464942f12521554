"""Which match conditions can be settled by the request alone."""

from __future__ import annotations

import pytest

from kgents.embedded.apiserver.policies.conditions import Conditions
from kgents.embedded.apiserver.policies.expressions import BASIC, activation

NAMES = (*BASIC, "params")
REQUEST = {"userInfo": {"username": "ann"}, "operation": "CREATE"}


def conditions(*sources: str) -> Conditions:
    return Conditions.of([{"name": "one", "expression": source} for source in sources], NAMES)


@pytest.mark.parametrize("source", ["request.operation == 'object'", "true", "has(request.dryRun) && request.dryRun"])
def test_those_that_look_at_nothing_else_can(source: str):
    assert conditions(source).of_request


@pytest.mark.parametrize(
    "source",
    [
        "object.metadata.name == 'a'",
        "oldObject == null",
        "params.data.size() == 0",
        "authorizer.group('').resource('pods').check('get').allowed()",
        "request.userInfo.groups.exists(g, g.startsWith('a'))",
    ],
)
def test_those_that_look_further_or_read_text_in_loops_cannot(source: str):
    assert not conditions("true", source).of_request


def test_no_condition_settles_nothing():
    assert not conditions().of_request


def test_they_hold_for_the_request_and_nothing_else():
    shown = activation(NAMES, {**dict.fromkeys(NAMES), "request": REQUEST})

    assert conditions("request.userInfo.username == 'ann'").hold(shown)
    assert not conditions("request.userInfo.username == 'bob'").hold(shown)
