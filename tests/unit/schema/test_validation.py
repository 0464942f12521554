from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema.causes import invalid_message
from kgents.embedded.schema.depth import TooDeep, check_depth
from kgents.embedded.schema.node import compile_schema
from kgents.embedded.schema.validation import validate
from tests.unit.schema.plants import PLANTS, custom, plant

TOO_LARGE = '<nil>: Invalid value: "": Checked value must be of type integer (default format)'


def complaints(**spec: Any) -> list[str]:
    return [str(cause) for cause in PLANTS.validate(plant(**spec))]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "spec.size: Required value"),
        ({"size": 0}, "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        ({"size": 101}, "spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100"),
        ({"size": "big"}, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'),
        ({"size": True}, 'spec.size: Invalid value: "boolean": spec.size in body must be of type integer: "boolean"'),
        (
            {"size": 1, "color": "pink"},
            'spec.color: Unsupported value: "pink": supported values: "red", "green"',
        ),
        ({"size": 1, "code": "A"}, "spec.code: Invalid value: \"A\": spec.code in body should match '^[a-z]+$'"),
        (
            {"size": 1, "label": "a"},
            'spec.label: Invalid value: "a": spec.label in body should be at least 2 chars long',
        ),
        ({"size": 1, "label": "abcde"}, "spec.label: Too long: may not be more than 4 bytes"),
        ({"size": 1, "ratio": 0.3}, "spec.ratio: Invalid value: 0.3: spec.ratio in body should be a multiple of 0.5"),
        (
            {"size": 1, "port": True},
            'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        ),
        (
            {"size": 1, "due": "soon"},
            'spec.due: Invalid value: "soon": spec.due in body must be of type date-time: "soon"',
        ),
        (
            {"size": 1, "notes": {"a": 1}},
            'spec.notes.a: Invalid value: "integer": spec.notes.a in body must be of type string: "integer"',
        ),
        ({"size": 1, "notes": dict.fromkeys("abcd", "")}, "spec.notes: Too many: 4: must have at most 3 items"),
        ({"size": 1, "steps": []}, "spec.steps: Invalid value: 0: spec.steps in body should have at least 1 items"),
        ({"size": 1, "tags": ["a", "b", "a"]}, 'spec.tags[2]: Duplicate value: "a"'),
        ({"size": 1, "tags": list("abcd")}, "spec.tags: Too many: 4: must have at most 3 items"),
        ({"size": 1, "parts": [{"name": "p"}, {"name": "p"}]}, 'spec.parts[1]: Duplicate value: {"name":"p"}'),
        ({"size": 1, "parts": [{}]}, "spec.parts[0].name: Required value"),
    ],
)
def test_each_violation_is_told_as_kubernetes_tells_it(spec: dict[str, Any], told: str) -> None:
    assert complaints(**spec) == [told]


def test_integers_may_come_as_whole_floats() -> None:
    assert complaints(size=2.0) == []
    assert complaints(size=2.5) != []


def test_null_fits_only_what_is_nullable() -> None:
    assert complaints(size=1, hint=None) == []
    assert "null" in complaints(size=1, steps=["a", None])[0]


def test_several_causes_make_one_bracketed_line() -> None:
    causes = PLANTS.validate(plant(size=0, label="a"))
    assert invalid_message(causes).startswith("[spec.label: ")
    assert invalid_message(causes[:1]).startswith("spec.label: ")


@pytest.mark.parametrize("word, bad, good", [("anyOf", 2.5, 3), ("oneOf", 10, 3), ("not", 3, 2.5)])
def test_junctors_combine_schemas(word: str, bad: Any, good: Any) -> None:
    parts = [{"type": "integer", "maximum": 9}, {"minimum": 5, "type": "string"}]
    node = compile_schema({word: parts if word != "not" else parts[0]})

    def faults(value: Any) -> list[Any]:
        causes: list[Any] = []
        validate(node, value, "x", causes)
        return causes

    assert faults(bad)
    assert not faults(good)


SHAPES = [{"required": ["circle"]}, {"required": ["box"], "properties": {"box": {"minimum": 2}}}]


@pytest.mark.parametrize(
    ("spec", "word", "told"),
    [
        ({}, "oneOf", ["spec.circle: Required value", "(oneOf). Found none valid"]),
        ({"box": 1}, "oneOf", ["spec.box: Invalid value: 1: ", "(oneOf). Found none valid"]),
        ({"circle": 1, "box": 2}, "oneOf", ["(oneOf). Found 2 valid alternatives"]),
        ({"box": 1}, "anyOf", ["spec.box: Invalid value: 1: ", "at least one schema (anyOf)"]),
        ({"box": 1}, "allOf", ["spec.box: ", "spec.circle: Required", "all the schemas (allOf). None validated"]),
        ({"box": 2}, "allOf", ["spec.circle: Required value", '<nil>: Invalid value: "": "spec" must validate all']),
    ],
)
def test_what_the_alternative_that_was_meant_lacks_is_told(spec: Any, word: str, told: list[str]) -> None:
    whole = {"type": "integer"}
    schema = custom({"type": "object", "properties": {"circle": whole, "box": whole}, word: SHAPES})
    causes = [str(cause) for cause in schema.validate(plant(**spec))]
    assert len(causes) == len(told)
    assert all(text in cause for cause, text in zip(causes, told, strict=True))
    assert causes[-1].startswith('<nil>: Invalid value: "": "spec" must validate')


def test_what_an_alternative_asks_of_an_unchanged_value_is_tolerated() -> None:
    field = {"type": "object", "properties": {"box": {"type": "integer"}}, "oneOf": SHAPES}
    schema = custom({"type": "object", "properties": {"a": field, "b": {"type": "string"}}})
    assert schema.validate(plant(a={"box": 1}, b="new"), plant(a={"box": 1})) == []
    assert len(schema.validate(plant(a={"box": 0}), plant(a={"box": 1}))) == 2


@pytest.mark.parametrize(
    ("form", "value", "told"),
    [
        ({"type": "string", "minLength": 2, "pattern": "^b"}, "a", ["at least 2 chars long"]),
        ({"type": "string", "maxLength": 1, "pattern": "^b"}, "aa", ["Too long: may not be more than 1 bytes"]),
        (
            {"type": "string", "enum": ["a"]},
            1,
            ['of type string: "integer"', 'Unsupported value: 1: supported values: "a"'],
        ),
        ({"type": "string", "enum": ["a"]}, None, ['of type string: "null"', "Unsupported value: null: "]),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None, ["Unsupported value: null: "]),
        ({"type": "string", "format": "date-time"}, 5, ['"int64": spec.a in body must be of type date-time: "int64"']),
        ({"type": "string", "format": "date"}, True, ['Invalid value: "": spec.a in body must be of type date: ""']),
        ({"type": "string", "format": "odd"}, 5, ['of type string: "integer"']),
        ({"type": "integer", "format": "int32"}, "5", ['of type integer: "string"']),
        ({"type": "integer", "format": "int32"}, 1.5, ['of type int32: "float64"', "with format int32 in spec.a"]),
        ({"type": "integer"}, 1.5, ['of type integer: "number"', "must be of type integer (default format) in spec.a"]),
    ],
)
def test_a_value_is_held_against_all_that_can_be_asked_of_it(form: Any, value: Any, told: list[str]) -> None:
    causes = [str(c) for c in custom({"type": "object", "properties": {"a": form}}).validate(plant(a=value))]
    assert len(causes) == len(told)
    assert all(text in cause for cause, text in zip(causes, told, strict=True))


def test_a_hostile_pattern_is_linear() -> None:
    schema = custom({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})
    assert schema.validate(plant(a="a" * 100_000 + "!"))


def test_an_unchanged_bad_value_is_tolerated() -> None:
    old = plant(size=500, code="A")
    assert PLANTS.validate(plant(size=500, code="a"), old) == []
    assert [c.field for c in PLANTS.validate(plant(size=501, code="A"), old)] == ["spec.size"]


def test_elements_of_a_map_list_are_tolerated_wherever_they_moved() -> None:
    old = plant(size=1, parts=[{"name": "a", "count": "x"}, {"name": "b"}])
    moved = plant(size=1, parts=[{"name": "b"}, {"name": "a", "count": "x"}])
    assert PLANTS.validate(moved, old) == []


def test_true_is_not_the_one_that_was_there() -> None:
    assert PLANTS.validate(plant(size=True), plant(size=1))


def test_nesting_has_a_bound() -> None:
    deep: Any = {}
    for _ in range(1000):
        deep = {"a": [deep]}
    with pytest.raises(TooDeep):
        check_depth(deep)
    check_depth(plant(size=1))


def test_what_is_unchanged_in_a_long_list_is_tolerated_in_one_pass() -> None:
    item = {"type": "object", "required": ["k"], "properties": {"k": {"type": "integer"}, "v": {"maximum": 0}}}
    keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}
    schema = custom({"type": "object", "properties": {"a": {"type": "array", "items": item, **keyed}}})
    old = plant(a=[{"k": at, "v": 1} for at in range(20_000)])
    new = plant(a=[*old["spec"]["a"][1:], {"k": -1, "v": 2}])
    assert [cause.field for cause in schema.validate(new, old)] == ["spec.a[19999].v"]


def test_a_wrong_type_among_many_right_ones_is_found() -> None:
    schema = custom({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}})
    assert schema.validate(plant(a=[1, 2.0, 3])) == []
    assert [cause.field for cause in schema.validate(plant(a=[1, True, "x"]))] == ["spec.a[1]", "spec.a[2]"]


@pytest.mark.parametrize(("value", "shown"), [(2**63, "number"), (2.0**60, "number"), (1e300, "number")])
def test_numbers_beyond_an_integer_are_floats_as_in_go(value: Any, shown: str) -> None:
    schema = custom(
        {
            "type": "object",
            "properties": {"n": {"type": "integer"}, "ns": {"type": "array", "items": {"type": "integer"}}},
        }
    )
    for spec in ({"n": value}, {"ns": [1, value]}):
        cause, *rest = schema.validate(plant(**spec))
        assert cause.message.endswith(f'must be of type integer: "{shown}"')
        assert [str(one).split(" in ")[0] for one in rest] == [TOO_LARGE] * (not -(2**63) <= value < 2**63)


@pytest.mark.parametrize(
    ("inner", "field", "told"),
    [
        ({}, "apiVersion", "Required value"),
        ({"apiVersion": "", "kind": "A"}, "apiVersion", 'Invalid value: "": must not be empty'),
        ({"apiVersion": "a/b/c", "kind": "A"}, "apiVersion", "unexpected GroupVersion string: a/b/c"),
        ({"apiVersion": "v1", "kind": "A_b"}, "kind", "may have mixed case, but should otherwise match"),
        ({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a/b"}}, "metadata.name", "may not contain '/'"),
        ({"apiVersion": "v1", "kind": "A", "metadata": {"labels": {"-": "v"}}}, "metadata.labels", "name part must"),
        ({"apiVersion": "v1", "kind": "A", "metadata": {"labels": {"k": "v v"}}}, "metadata.labels", "a valid label"),
    ],
)
def test_an_embedded_resource_is_a_whole_object(inner: dict[str, Any], field: str, told: str) -> None:
    form = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    found = custom({"type": "object", "properties": {"inner": form}}).validate(plant(inner=inner))
    assert any(cause.field == f"spec.inner.{field}" and told in cause.message for cause in found)


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ({"kind": 5}, "spec.inners[0].kind: Invalid value: 5: must be a string"),
        ({"metadata": {"name": 5}}, 'Invalid value: {"name":5}: json: cannot unmarshal number into Go struct field'),
        ({"metadata": {"labels": {"a": "b"}}, "free": {"metadata": 5}}, None),
    ],
)
def test_the_head_of_an_embedded_resource_must_decode(inner: dict[str, Any], told: str | None) -> None:
    form = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    schema = custom({"type": "object", "properties": {"inners": {"type": "array", "items": form}}})
    found = schema.decode_error(plant(inners=[inner]))
    assert found is None if told is None else told in str(found)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.25, "0.25"), (2.0, "2"), (1e20, "100000000000000000000"), (1e21, "1e+21")]
)
def test_numbers_are_shown_as_go_shows_them(value: float, shown: str) -> None:
    schema = custom({"type": "object", "properties": {"n": {"type": "number", "maximum": -1}}})
    (cause,) = schema.validate(plant(n=value))
    assert cause.message.startswith(f"Invalid value: {shown}: ")


def test_numeric_formats_bound_their_values() -> None:
    forms = {"i": {"type": "integer", "format": "int32"}, "f": {"type": "number", "format": "float"}}
    schema = custom({"type": "object", "properties": forms})
    assert schema.validate(plant(i=2**31 - 1, f=1e38)) == []
    told = "Checked value must be of type integer with format int32 in spec.i"
    assert [str(cause) for cause in schema.validate(plant(i=2**31))] == [f'<nil>: Invalid value: "": {told}']
    assert len(schema.validate(plant(f=1e39))) == 1


def test_a_whole_number_written_as_a_float_is_an_integer_or_a_string() -> None:
    schema = custom({"type": "object", "properties": {"p": {"x-kubernetes-int-or-string": True}}})
    assert schema.validate(plant(p=80.0)) == []
    assert len(schema.validate(plant(p=80.5))) == 1


def test_a_number_out_of_range_that_was_there_before_is_tolerated() -> None:
    schema = custom(
        {"type": "object", "properties": {"i": {"type": "integer", "format": "int32"}, "s": {"type": "string"}}}
    )
    assert schema.validate(plant(i=2**31, s="new"), plant(i=2**31)) == []


def test_a_status_is_judged_by_itself() -> None:
    old = {**plant(size=500), "status": {"phase": "on"}}
    (cause,) = PLANTS.validate({**old, "status": {"phase": 1}}, old, status=True)
    assert str(cause) == 'status.phase: Invalid value: "integer": phase in body must be of type string: "integer"'
    assert [c.field for c in PLANTS.validate({**old, "status": "on"}, old, status=True)] == ["status"]
    assert PLANTS.validate({**old, "spec": {}}, old, status=True) == []
    (cause,) = PLANTS.validate(plant(size="a"), old)
    assert "spec.size in body must be of type integer" in cause.message


def test_repeated_elements_are_tolerated_where_some_were_already() -> None:
    twice = plant(size=1, tags=["a", "a"])
    assert PLANTS.validate(plant(size=1, parts=[{"name": "p"}, {"name": "p"}]), twice) == []
    assert [c.field for c in PLANTS.validate(plant(size=1, tags=["a", "a", "a"]))] == ["spec.tags[1]"]
    nameless = PLANTS.validate(plant(size=1, parts=[{}, {}]))
    assert "spec.parts[1]: Duplicate value: {}" in [str(cause) for cause in nameless]
