"""Which writes rules and selectors mean."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.apiserver.targets import LabelSelector, Rule, Target
from tests.unit.admission.reviews import MAPS, NEW, NODES, OLD, review

ALL = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}


def matches(subresource: str = "", **changes: Any) -> bool:
    asked = review("UPDATE", subresource=subresource, name="a")
    return Rule.of({**ALL, **changes}).matches(asked, asked.call.resource)


@pytest.mark.parametrize(
    ("resources", "subresource", "expected"),
    [
        (["*"], "", True),
        (["*"], "status", False),
        (["*/*"], "status", True),
        (["*/status"], "status", True),
        (["*/status"], "", False),
        (["configmaps/*"], "scale", True),
        (["configmaps"], "scale", False),
        (["secrets", "configmaps"], "", True),
    ],
)
def test_resources_name_subresources_apart(resources: list[str], subresource: str, expected: bool) -> None:
    assert matches(subresource, resources=resources) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"operations": ["CREATE"]}, False),
        ({"operations": ["CREATE", "UPDATE"]}, True),
        ({"apiGroups": ["apps"]}, False),
        ({"apiVersions": ["v2"]}, False),
        ({"scope": "Cluster"}, False),
        ({"scope": "Namespaced"}, True),
        ({"resourceNames": ["b"]}, False),
        ({"resourceNames": ["a"]}, True),
    ],
)
def test_every_part_of_a_rule_narrows_it(changes: dict[str, Any], expected: bool) -> None:
    assert matches(**changes) is expected


@pytest.mark.parametrize(
    ("expression", "labels", "expected"),
    [
        ({"key": "a", "operator": "In", "values": ["1"]}, {"a": "1"}, True),
        ({"key": "a", "operator": "In", "values": ["1"]}, {}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {"a": "1"}, False),
        ({"key": "a", "operator": "Exists"}, {"a": ""}, True),
        ({"key": "a", "operator": "DoesNotExist"}, {"a": ""}, False),
        ({"key": "a", "operator": "Matches"}, {"a": ""}, False),
    ],
)
def test_selectors_select_as_in_kubernetes(expression: dict[str, Any], labels: dict[str, str], expected: bool) -> None:
    assert LabelSelector.of({"matchExpressions": [expression]}).matches(labels) is expected


def labelled(value: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"a": value}}}


@pytest.mark.parametrize(("new", "old"), [("1", "2"), ("2", "1")])
def test_an_object_cannot_leave_a_selector_unseen(new: str, old: str) -> None:
    target = Target.of({"objectSelector": {"matchLabels": {"a": "1"}}}, [ALL])
    assert target.match(review("UPDATE", obj=labelled(new), old=labelled(old))) is MAPS


def test_a_namespace_selector_asks_for_the_labels_of_the_namespace() -> None:
    target = Target.of({"namespaceSelector": {"matchLabels": {"team": "red"}}}, [ALL])
    assert target.match(review(labels={"team": "red"})) is MAPS
    assert target.match(review(labels={"team": "blue"})) is None


def test_what_is_in_no_namespace_is_never_excused_by_one() -> None:
    target = Target.of({"namespaceSelector": {"matchLabels": {"team": "red"}}}, [ALL])
    assert target.match(review(resource=NODES)) is NODES


def test_another_version_of_the_same_objects_is_meant_too() -> None:
    rule = {**ALL, "apiVersions": ["v1"]}
    assert Target.of({}, [rule]).match(review(resource=NEW)) is OLD
    assert Target.of({"matchPolicy": "Exact"}, [rule]).match(review(resource=NEW)) is None


def test_an_exclusion_by_another_version_excludes() -> None:
    target = Target.of({"excludeResourceRules": [{**ALL, "apiVersions": ["v1"]}]}, [ALL])
    assert target.match(review(resource=NEW)) is None
