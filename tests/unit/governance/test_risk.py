"""The score: what it adds up, that it is bounded, and that more never means less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.api.governance import risk, table
from kgents.api.governance.changes import ABSENT, Change, Element, between
from kgents.api.governance.risk import Subject

AGENT = Subject("kgents.io", "Agent", "default")
UMWELT = Subject("kgents.io", "Umwelt", "default")


def base(before: Any, after: Any, subject: Subject = AGENT) -> float:
    return risk.score(subject, between({"spec": before}, {"spec": after})).base


@pytest.mark.parametrize(
    ("before", "after", "weight"),
    [
        ({"replicas": 2}, {"replicas": 4}, 0.1),
        ({"replicas": 2}, {"replicas": 5}, 0.2),
        ({"replicas": 4}, {"replicas": 2}, 0.1),
        ({"replicas": 60}, {"replicas": 100}, 0.1),
        ({"replicas": 60}, {"replicas": 101}, 0.3),
        ({"replicas": 300}, {"replicas": 200}, 0.1),
        ({"replicas": 2}, {"replicas": 0}, 0.4),
        ({}, {"suspend": True}, 0.4),
        ({"image": "a"}, {"image": "b"}, 0.5),
        ({"args": ["a"]}, {"args": ["b"]}, 0.4),
        ({"config": {"a": 1}}, {"config": {"a": 2}}, 0.25),
        ({"env": []}, {"env": [{"name": "MODE", "value": "x"}]}, 0.25),
        ({"env": []}, {"env": [{"name": "LD_PRELOAD", "value": "x"}]}, 0.4),
        ({}, {"env": [{"name": "PYTHONPATH", "value": "x"}]}, 0.4),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "2"}}}, 0.2),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "3"}}}, 0.3),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {}}, 0.3),
        ({}, {"template": {"spec": {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}}}, 0.7),
        ({"template": {"spec": {"volumes": []}}}, {"template": {"spec": {"volumes": [{"name": "a"}]}}}, 0.4),
        ({}, {"signals": [{"match": "x"}]}, 0.7),
        ({"replicas": 1, "image": "a"}, {"replicas": 2, "image": "b"}, 0.6),
    ],
)  # fmt: skip
def test_a_change_weighs_what_the_table_says(before: Any, after: Any, weight: float) -> None:
    assert base(before, after) == weight


@pytest.mark.parametrize(
    ("subject", "weight"),
    [
        (AGENT, 0.7),
        (Subject("kgents.io", "Memory", "default"), 0.8),
        (Subject("rbac.authorization.k8s.io", "Role", "default"), 0.9),
        (Subject("", "ConfigMap", "kgents-system"), 0.9),
        (Subject("", "ConfigMap", "default"), 0.7),
    ],
)
def test_a_deletion_weighs_by_what_is_gone(subject: Subject, weight: float) -> None:
    assert risk.score(subject, [Change((), {"spec": {}}, ABSENT)]).base == weight


LOADERS = ["GIT_SSH_COMMAND", "https_proxy", "MAVEN_OPTS", "HOME", "BASH_FUNC_ls%%", "KGENTS_AGENT", "XDG_CONFIG_HOME"]


@pytest.mark.parametrize("name", LOADERS)
def test_a_variable_that_chooses_the_code_weighs_as_the_code_does(name: str) -> None:
    assert base({"env": []}, {"env": [{"name": name, "value": "x"}]}) == 0.4


def test_an_umwelt_that_gives_more_weighs_more_than_one_that_takes() -> None:
    more = base({"affordances": ["self.*"]}, {"affordances": ["self.*", "world.**"]}, UMWELT)
    less = base({"affordances": ["self.*", "world.**"]}, {"affordances": ["self.*"]}, UMWELT)
    assert (more, less) == (0.5, 0.1)


def test_a_filter_that_goes_widens() -> None:
    assert base({"senses": {"emit": ["TEST"]}}, {"senses": {}}, UMWELT) == 0.5


def test_the_threshold_is_not_missed_by_a_hair() -> None:
    scored = risk.score(AGENT, between({"spec": {"replicas": 2}}, {"spec": {"replicas": 3}}), others_last_hour=2)
    assert (scored.total, scored.level) == (0.3, "Medium")


def test_every_addend_is_explained() -> None:
    made = between({"spec": {"replicas": 1, "image": "a"}}, {"spec": {"replicas": 2, "image": "b"}})
    scored = risk.score(AGENT, made, others_last_hour=1, merged_last_day=2.0)
    assert sum(term.weight for term in scored.terms) == pytest.approx(scored.total)
    assert [term.row for term in scored.terms] == ["scale", "image", "velocity", "cumulative"]


def test_a_weight_of_the_config_map_counts_and_a_slip_of_the_pen_does_not() -> None:
    read, problems = table.read({"risk.image": "0.9", "risk.scale": "none", "risk.nothing": "0", "other": "x"})
    assert (read.weights["image"], read.weights["scale"]) == (0.9, 0.1)
    assert len(problems) == 2


step = st.sampled_from(["replicas", "image", "suspend", "env", "resources", "template", "config", "x"])
deep = st.lists(st.sampled_from(["a", "limits", "cpu", "volumes", Element("name", "LD_X")]), max_size=3)
value = st.sampled_from([0, 1, 7, True, None, "2", "1Gi", [], {}, {"a": 1}, [{"name": "A"}], ABSENT])
change = st.builds(lambda f, d, b, a: Change(("spec", f, *d), b, a), step, deep, value, value)
several = st.lists(change, max_size=6)
weights = st.fixed_dictionaries({row.id: st.floats(0, 1).map(lambda number: round(number, 3)) for row in table.ROWS})


@given(several, several, st.integers(0, 99), st.floats(0, 99), weights)
def test_more_changes_and_more_history_never_mean_less(
    some: list[Change], more: list[Change], others: int, merged: float, weighing: dict[str, float]
) -> None:
    weighed = table.Table(weighing)
    low = risk.score(AGENT, some, others_last_hour=others, merged_last_day=merged, table=weighed)
    high = risk.score(AGENT, [*some, *more], others_last_hour=others + 1, merged_last_day=merged + 1, table=weighed)
    assert 0 <= low.total <= high.total <= 1
    assert low.base <= high.base


@given(several.filter(bool))
def test_nothing_is_free(some: list[Change]) -> None:
    assert risk.score(AGENT, some).base > 0
