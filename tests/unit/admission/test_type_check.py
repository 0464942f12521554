"""The type check of policies, against schemas that are unlike what one expects."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.apiserver.policies.type_check import warnings
from kgents.embedded.apiserver.registry import Registry, Resource
from kgents.embedded.schema.schema import Schema

TEXT = {"type": "string"}


def check(properties: dict[str, Any], *sources: str, **spec: Any) -> list[str]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    registry = Registry()
    own = Schema.custom(schema, group="e.com", version="v1", kind="Bee")
    registry.add(Resource("e.com", "v1", "bees", "Bee", custom=True, own_schema=own))
    rule = {"apiGroups": ["e.com"], "apiVersions": ["v1"], "resources": ["bees"]}
    rules = [{"expression": source} for source in sources]
    policy = {"spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": rules, **spec}}
    return [found["warning"] for found in warnings(policy, registry)]


@pytest.mark.parametrize("name", ["a-b", "a.b", "1a", "a b", "ü", "", "if", "__a", "a__dash__b", "A" * 300])
def test_odd_names_of_fields_stop_nobody(name: str) -> None:
    assert all("Kind=Bee" in text for text in check({name: TEXT, "a-b": TEXT}, "object.spec.other == 1"))


def test_custom_kinds_have_the_metadata_of_all_objects() -> None:
    assert check({"a": TEXT}, "object.metadata.labels['x'] == object.spec.a && object.kind == 'Bee'") == []


def test_ports_may_be_numbers_or_texts() -> None:
    assert (
        check({"port": {"x-kubernetes-int-or-string": True}}, "object.spec.port == 1 || object.spec.port == 'a'") == []
    )


def test_a_variable_is_known_by_its_type() -> None:
    variables = [{"name": "a", "expression": "object.spec.a"}, {"name": "b", "expression": "object.spec.no"}]
    found = check({"a": TEXT}, "variables.a == 1", "variables.b == 1", variables=variables)
    assert ["'_==_' applied to '(string, int)'" in text for text in found] == [True]


def test_a_wildcard_is_not_checked() -> None:
    rule = {"apiGroups": ["*"], "apiVersions": ["v1"], "resources": ["bees"]}
    assert check({}, "object.anything", matchConstraints={"resourceRules": [rule]}) == []
