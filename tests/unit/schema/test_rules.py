from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema.cel import CelError, OverBudget, compile_expression
from kgents.embedded.schema.cel_values import escape
from kgents.embedded.schema.node import compile_schema
from kgents.embedded.schema.rule_paths import field_suffix
from kgents.embedded.schema.rules import check_rules, mentions_old_self
from kgents.embedded.schema.schema import Schema
from tests.unit.schema.plants import custom, plant


def ruled(properties: dict[str, Any], *rules: dict[str, Any]) -> Any:
    return custom({"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)})


BOUNDS = {"min": {"type": "integer"}, "max": {"type": "integer"}}
ORDERED = {"rule": "!has(self.min) || !has(self.max) || self.min <= self.max", "message": "min above max"}


def test_a_broken_rule_tells_its_message_at_its_field() -> None:
    schema = ruled(BOUNDS, {**ORDERED, "fieldPath": ".min", "reason": "FieldValueForbidden"})
    (cause,) = schema.validate(plant(min=2, max=1))
    assert str(cause) == "spec.min: Forbidden: min above max"
    assert cause.reason == "FieldValueForbidden"
    assert schema.validate(plant(min=1)) == []


def test_a_scalar_is_shown_with_its_message_expression() -> None:
    rule = {"rule": "!self.startsWith('x')", "messageExpression": "'not ' + self"}
    schema = custom({"type": "object", "properties": {"a": {"type": "string", "x-kubernetes-validations": [rule]}}})
    (cause,) = schema.validate(plant(a="xy"))
    assert str(cause) == 'spec.a: Invalid value: "xy": not xy'


def test_other_errors_keep_the_rules_from_being_checked() -> None:
    causes = ruled(BOUNDS, ORDERED).validate(plant(min="a"))
    assert [cause.field for cause in causes] == ["spec.min", "<nil>"]


def test_a_transition_rule_needs_an_old_value() -> None:
    rule = {"rule": "self == oldSelf", "message": "immutable"}
    schema = custom({"type": "object", "properties": {"a": {"type": "string", "x-kubernetes-validations": [rule]}}})
    assert schema.validate(plant(a="1")) == []
    assert schema.validate(plant(a="1"), plant()) == []
    assert schema.validate(plant(), plant(a="1")) == []
    assert [str(c) for c in schema.validate(plant(a="2"), plant(a="1"))] == ['spec.a: Invalid value: "2": immutable']


def test_transition_rules_follow_elements_by_their_key() -> None:
    item = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n"}],
    }
    parts = {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    schema = custom({"type": "object", "properties": {"parts": parts}})
    old = plant(parts=[{"name": "a", "n": 5}, {"name": "b", "n": 1}])
    new = plant(parts=[{"name": "b", "n": 2}, {"name": "a", "n": 4}])
    assert [c.field for c in schema.validate(new, old)] == ["spec.parts[1]"]


def test_an_optional_old_self_is_there_on_create() -> None:
    rule = {"rule": "oldSelf.hasValue() || self.a == 1", "optionalOldSelf": True}
    schema = ruled({"a": {"type": "integer"}}, rule)
    assert schema.validate(plant(a=1)) == []
    assert len(schema.validate(plant(a=2))) == 1
    assert schema.validate(plant(a=2), plant(a=1)) == []


def test_what_was_broken_and_is_untouched_is_tolerated() -> None:
    schema = ruled(BOUNDS, ORDERED)
    old = plant(min=2, max=1)
    assert schema.validate(plant(min=2, max=1), old) == []
    assert len(schema.validate(plant(min=3, max=1), old)) == 1


def test_of_a_tolerated_rule_the_client_is_warned() -> None:
    schema, warnings = ruled(BOUNDS, ORDERED), list[str]()
    assert schema.validate(plant(min=2, max=1), plant(min=2, max=1), warnings=warnings) == []
    assert warnings == ["spec: Invalid value: min above max"]


@pytest.mark.parametrize("kind", ["atomic", "set"])
def test_elements_without_an_identity_are_tolerated_while_their_list_is_unchanged(kind: str) -> None:
    items = {"type": "string", "x-kubernetes-validations": [{"rule": "self != 'b'"}]}
    tags = {"type": "array", "items": items, "x-kubernetes-list-type": kind}
    schema = custom({"type": "object", "properties": {"tags": tags, "n": {"type": "integer"}}})
    assert schema.validate(plant(tags=["b"], n=2), plant(tags=["b"], n=1)) == []
    assert [c.field for c in schema.validate(plant(tags=["a", "b"]), plant(tags=["b"]))] == ["spec.tags[1]"]


def test_a_rule_that_fails_to_evaluate_is_told_even_of_what_is_unchanged() -> None:
    schema = ruled(BOUNDS, {"rule": "self.min < self.max"})
    assert len(schema.validate(plant(min=1), plant(min=1))) == 1


def test_a_message_expression_sees_the_bare_old_value() -> None:
    rule = {"rule": "self == oldSelf.orValue(1)", "optionalOldSelf": True, "message": "told"}
    for expression, texts in (
        ("'was ' + string(oldSelf)", ["told", "was 3"]),
        ("string(oldSelf.value())", ["told"] * 2),
    ):
        field = {"type": "integer", "x-kubernetes-validations": [{**rule, "messageExpression": expression}]}
        schema = custom({"type": "object", "properties": {"a": field}})
        found = [*schema.validate(plant(a=2)), *schema.validate(plant(a=2), plant(a=3))]
        assert [str(one) for one in found] == [f"spec.a: Invalid value: 2: {text}" for text in texts]


@pytest.mark.parametrize(
    ("form", "value", "rule"),
    [
        ({"type": "number"}, 1, "self.v + 0.5 == 1.5"),
        ({"type": "string", "format": "date-time"}, "2026-01-01T00:00:00Z", "self.v.getFullYear() == 2026"),
        ({"type": "string", "format": "duration"}, "1h30m", "self.v > duration('80m')"),
        ({"type": "string", "format": "byte"}, "YQ==", "self.v == b'a'"),
    ],
)
def test_values_have_the_type_their_schema_gives_them(form: dict[str, Any], value: Any, rule: str) -> None:
    assert ruled({"v": form}, {"rule": rule}).validate(plant(v=value)) == []


def test_property_names_are_escaped() -> None:
    schema = ruled({"a-b": {"type": "integer"}, "in": {"type": "integer"}}, {"rule": "self.a__dash__b < self.__in__"})
    assert schema.validate(plant(**{"a-b": 1, "in": 2})) == []
    assert escape("a.b/c__d") == "a__dot__b__slash__c__underscores__d"
    assert escape("ä") is None


def test_a_rule_that_fails_to_evaluate_is_a_cause() -> None:
    (cause,) = ruled(BOUNDS, {"rule": "self.min < self.max"}).validate(plant(min=1))
    assert cause.message == 'Invalid value: "object": no such key: max evaluating rule: self.min < self.max'


def test_rules_that_run_too_long_are_stopped() -> None:
    nested = "self.a.all(x, self.a.all(y, self.a.all(z, x + y + z >= 0)))"
    schema = ruled({"a": {"type": "array", "items": {"type": "integer"}}}, {"rule": nested})
    (cause,) = schema.validate(plant(a=list(range(100))))
    assert "actual cost limit exceeded" in cause.message


def test_old_self_inside_a_text_is_only_text() -> None:
    assert mentions_old_self("self == oldSelf")
    assert not mentions_old_self("self != 'oldSelf' && self != \"oldSelf\"")


@pytest.mark.parametrize(
    ("path", "told"),
    [(".a['b.c']", ".a.b.c"), ("['a'].m.k", ".a.m[k]"), (".a.m['x.y']", ".a.m[x.y]"), ("", "")],
)
def test_field_paths_name_fields_with_dots_and_keys_in_brackets(path: str, told: str) -> None:
    text = {"type": "string"}
    notes = {"type": "object", "additionalProperties": text}
    inner = {"type": "object", "properties": {"b.c": text, "m": notes}}
    assert field_suffix(compile_schema({"type": "object", "properties": {"a": inner}}), path) == told
    assert field_suffix(compile_schema(notes), ".k") == ".[k]"


@pytest.mark.parametrize(
    "source",
    [
        "[1, 2, 2].isSorted()",
        "[1, 2].sum() == 3",
        "'a1b22'.findAll('[0-9]+') == ['1', '22']",
        "'abc'.find('b.') == 'bc'",
        "sets.contains([1, 2], [1])",
        "quantity('1Gi') == quantity('1024Mi')",
        "quantity('1500m').isGreaterThan(quantity('1'))",
        "quantity('50k').add(1).asInteger() == 50001",
        "!isQuantity('1 Gi')",
        "ip('127.0.0.1').isLoopback() && ip('::1').family() == 6",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
        "!cidr('10.0.0.0/8').containsCIDR('11.0.0.0/9')",
        "url('https://u@a.b:80/x?y=1').getHost() == 'a.b:80'",
        "!isURL('nope')",
        "v.?missing.orValue(3) == 3",
        "'a,b'.split(',').size() == 2",
        "cel.bind(x, 2, x * x) == 4",
        "timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp('2026-01-01T00:30:00Z')",
    ],
)
def test_kubernetes_functions_are_there(source: str) -> None:
    assert compile_expression(source, {"v": "dyn"}).evaluate({"v": {}}) is True


def test_an_expression_that_does_not_compile_says_where() -> None:
    with pytest.raises(CelError, match=r"compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope'"):
        compile_expression("nope", {})


def test_a_running_expression_is_stopped() -> None:
    expression = compile_expression("v.all(x, v.all(y, v.all(z, true)))", {"v": "list"})
    with pytest.raises(OverBudget):
        expression.evaluate({"v": list(range(100))})


def named(**metadata: Any) -> Any:
    root = {
        "type": "object",
        "properties": {"metadata": metadata} if metadata else {},
        "x-kubernetes-validations": [{"rule": "self.metadata.name.size() <= 3", "message": "name too long"}],
    }
    return Schema.custom(root, group="grow.example.com", version="v1", kind="Plant")


def test_rules_of_the_root_see_the_name_and_nothing_else_of_metadata() -> None:
    long = {**plant(), "metadata": {"name": "long", "creationTimestamp": "2026-01-01T00:00:00Z"}}
    assert [str(cause) for cause in named().validate(long)] == ["<nil>: Invalid value: name too long"]
    assert named().validate(plant()) == []


def test_the_name_may_have_a_schema_of_its_own() -> None:
    schema = named(type="object", properties={"name": {"type": "string", "pattern": "^q"}})
    (cause,) = schema.validate(plant())
    assert cause.field == "metadata.name"


def test_rules_have_a_budget_of_processor_time() -> None:
    ticks = iter(range(0, 1000, 3))
    (cause,) = check_rules(ruled(BOUNDS, ORDERED).root, plant(min=1), clock=lambda: float(next(ticks)))
    assert "running out of cost budget" in cause.message


def test_a_rule_is_not_run_on_values_that_make_it_too_dear() -> None:
    properties = {"a": {"type": "string"}, "b": {"type": "string"}}
    schema = ruled(properties, {"rule": "!self.a.contains(self.b)", "message": "held"})
    assert schema.validate(plant(a="x" * 1000, b="y" * 1000)) == []
    (cause,) = schema.validate(plant(a="x" * 100_000, b="y" * 50_000))
    assert cause.message == (
        "Invalid value: \"object\": 'operation cancelled: actual cost limit exceeded': no further validation rules "
        "will be run due to call cost exceeds limit for rule: held"
    )


def test_a_message_that_is_too_long_gives_way() -> None:
    rule = {"rule": "false", "message": "plain", "messageExpression": "self.a + self.a"}
    schema = ruled({"a": {"type": "string"}}, rule)
    assert schema.validate(plant(a="x" * 10))[0].message == "Invalid value: " + "x" * 20
    assert schema.validate(plant(a="x" * 5_000))[0].message == "Invalid value: plain"


def test_a_call_without_an_overload_says_so() -> None:
    form = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    (cause,) = ruled({"v": form}, {"rule": "self.v + 1 == 2"}).validate(plant(v={}))
    assert "call arguments did not match a supported operator, function or macro signature for rule" in cause.message


def test_a_string_is_not_cut_short_at_its_first_nul() -> None:
    rule = {"rule": "self.a == 'ann' || self.a.size() == 6", "message": "cut"}
    schema = ruled({"a": {"type": "string"}}, rule)
    assert schema.validate(plant(a="ann\0xy")) == []
    assert schema.validate(plant(a="ann\0x"))[0].message == "Invalid value: cut"
