from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema.crd import default_crd, validate_crd
from tests.unit.schema.plants import SPEC, crd

FREE = {"x-kubernetes-preserve-unknown-fields": True}
FIELD = "spec.validation.openAPIV3Schema.properties[spec]"


def causes(spec: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    return [(cause.field, cause.message) for cause in validate_crd(crd(spec, **changes))]


def test_a_good_one_passes() -> None:
    assert causes(SPEC) == []


@pytest.mark.parametrize(
    ("spec", "where", "told"),
    [
        (
            {"properties": {"a": {"type": "string"}}},
            ".type",
            "Required value: must not be empty for specified object fields",
        ),
        ({"type": "array"}, ".items", "Required value: must be specified"),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            ".additionalProperties",
            "Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}},
            ".properties[a].default",
            'Invalid value: "string":  in body must be of type integer: "string"',
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}},
            ".x-kubernetes-list-map-keys",
            "Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            ".uniqueItems",
            "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            {"type": "object", "anyOf": [{"type": "object"}]},
            ".anyOf[0].type",
            "Forbidden: must be empty to be structural",
        ),
    ],
)
def test_a_schema_that_is_not_structural_is_refused(spec: dict[str, Any], where: str, told: str) -> None:
    assert causes(spec) == [(FIELD + where, told)]


def test_what_alternatives_of_the_root_judge_must_be_declared() -> None:
    part = {"properties": {"spec": {"properties": {"a": {}, "l": {"items": {"required": ["x"]}}}}}}
    definition = crd({"type": "object", "properties": {"l": {"type": "array", "items": {"type": "object"}}}})
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["anyOf"] = [{"not": part}]
    (cause,) = validate_crd(definition)
    told = "because it is defined in spec.validation.openAPIV3Schema.anyOf[0].not.properties[spec].properties[a]"
    assert (cause.field, cause.message) == (f"{FIELD}.properties[a]", f"Required value: {told}")


@pytest.mark.parametrize("name", ["$ref", "id", "definitions"])
def test_what_is_not_supported_at_all_keeps_the_rest_from_being_judged(name: str) -> None:
    value = {"x": {}} if name == "definitions" else "x"
    found = causes({"type": "object", "properties": {"a": {name: value}, "b": {}}})
    assert found == [(f"{FIELD}.properties[a].{name}", f"Forbidden: {name} is not supported")]


def test_a_type_beside_int_or_string_is_no_fault() -> None:
    assert causes({"type": "object", "properties": {"a": {"type": "string", "x-kubernetes-int-or-string": True}}}) == []


def test_a_default_must_fit_in_every_way() -> None:
    field = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "default": {"x": 1}}
    ruled = {**field, "default": {"n": 0}, "x-kubernetes-validations": [{"rule": "self.n > 0", "message": "too low"}]}
    found = causes({"type": "object", "properties": {"a": field, "b": ruled}})
    assert found == [
        (f"{FIELD}.properties[a].default", 'Invalid value: {"x":1}: must not have unknown fields'),
        (f"{FIELD}.properties[a].default.n", "Required value"),
        (f"{FIELD}.properties[b].default", "Invalid value: too low"),
    ]


def test_only_the_four_dearest_rules_are_named_when_all_are_too_dear() -> None:
    text = {"type": "string", "x-kubernetes-validations": [{"rule": "self.contains('keyword')"}]}
    lists = {f"l{at}": {"type": "array", "maxItems": at * 20, "items": text} for at in range(1, 7)}
    found = causes({"type": "object", "properties": lists})
    named = [field for field, message in found if "contributed to" in message]
    assert sorted(named) == [f"{FIELD}.properties[l{at}].items.x-kubernetes-validations[0].rule" for at in (3, 4, 5, 6)]


def test_nothing_bounds_what_stands_below_a_list_without_a_limit() -> None:
    number = {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 1 && self < 9", "message": "m"}]}
    inner = {"type": "array", "items": number}
    assert causes({"type": "object", "properties": {"l": {"type": "array", "maxItems": 100, "items": inner}}}) == []
    dear = {**number, "x-kubernetes-validations": [{"rule": "[1, 2, 3].exists(x, x == self)", "message": "m"}]}
    (_, message), *_ = causes({"type": "object", "properties": {"l": {"type": "array", "items": dear}}})
    assert message.startswith("Forbidden: estimated rule cost exceeds budget by factor of ")


def test_what_is_wrong_elsewhere_does_not_keep_a_rule_from_being_compiled() -> None:
    odd = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    bad = {"type": "string", "x-kubernetes-validations": [{"rule": "self > 1"}, {"rule": ""}]}
    worse = {"type": "string", "x-kubernetes-validations": [{"rule": "self > 1"}]}
    found = causes({"type": "object", "properties": {"odd": odd, "bad": bad, "worse": worse}})
    assert [field.removeprefix(FIELD) for field, _ in found] == [
        ".properties[odd].uniqueItems",
        ".properties[bad].x-kubernetes-validations[1].rule",
        ".properties[worse].x-kubernetes-validations[0].rule",
    ]


def test_a_pattern_must_compile() -> None:
    ((field, message),) = causes({"type": "string", "pattern": "("})
    assert field == f"{FIELD}.pattern"
    assert "must be a valid regular expression" in message


def test_identity_is_checked() -> None:
    assert causes(SPEC, scope="Galactic") == [
        ("spec.scope", 'Unsupported value: "Galactic": supported values: "Cluster", "Namespaced"')
    ]
    assert ("metadata.annotations[api-approved.kubernetes.io]" in dict(causes(SPEC, group="bad.k8s.io"))) is True
    assert "exactly one version" in dict(causes(SPEC, versions=[]))["spec.versions"]


def test_exactly_one_version_is_stored() -> None:
    body = crd(SPEC)
    body["spec"]["versions"][0]["storage"] = False
    assert [cause.field for cause in validate_crd(body)] == ["spec.versions"]


def test_scope_and_group_stay() -> None:
    old = crd(SPEC)
    old["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    found = validate_crd(crd(SPEC, scope="Cluster"), old)
    assert [(c.field, c.message) for c in found] == [("spec.scope", 'Invalid value: "Cluster": field is immutable')]


def test_names_are_derived() -> None:
    body = crd(SPEC)
    default_crd(body)
    assert body["spec"]["names"]["singular"] == "plant"
    assert body["spec"]["names"]["listKind"] == "PlantList"
    assert body["spec"]["conversion"] == {"strategy": "None"}


def ruled(rule: str, properties: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    spec = {"type": "object", "properties": properties, "x-kubernetes-validations": [{"rule": rule, **more}]}
    return causes(spec)


@pytest.mark.parametrize(
    "rule",
    ["self.nosuch > 1", "self.a == 'x'", "self.a +", "self.a", "nope(self)", "self.m.k > 'x'", ""],
)
def test_rules_are_type_checked(rule: str) -> None:
    ints = {"a": {"type": "integer"}, "m": {"type": "object", "additionalProperties": {"type": "integer"}}}
    ((field, _),) = ruled(rule, ints)
    assert field == f"{FIELD}.x-kubernetes-validations[0].rule"


@pytest.mark.parametrize(
    "rule",
    [
        "self.a > 1 && self.s.size() < 3",
        "self.xs.all(x, x.n > 0)",
        "self.m.all(k, self.m[k] == 'x')",
        "self.p == 3 || self.p == 'http'",
        "self.t > timestamp('2026-01-01T00:00:00Z')",
        "has(self.fooBar) && has(self.foo_bar)",
        "has(self.any) && self.whole.metadata.name != self.whole.kind",
    ],
)
def test_rules_see_the_types_of_the_schema(rule: str) -> None:
    n = {"type": "object", "properties": {"n": {"type": "integer"}}}
    text = {"type": "string", "maxLength": 9}
    properties = {
        "a": {"type": "integer"},
        "s": text,
        "xs": {"type": "array", "maxItems": 9, "items": n},
        "m": {"type": "object", "maxProperties": 9, "additionalProperties": text},
        "p": {"x-kubernetes-int-or-string": True},
        "t": {"type": "string", "format": "date-time"},
        "fooBar": text,
        "foo_bar": text,
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "whole": {"type": "object", "x-kubernetes-embedded-resource": True, **FREE},
    }
    assert ruled(rule, properties) == []


@pytest.mark.parametrize("rule", ["has(self.any.deep)", "self.open.x == 1", "has(self.untyped)", "size(self.list) > 0"])
def test_rules_see_nothing_that_is_not_declared(rule: str) -> None:
    properties = {
        "any": {"type": "object", **FREE},
        "open": {"type": "object", "additionalProperties": True},
        "untyped": FREE,
        "list": {"type": "array", "items": FREE},
    }
    ((_, message),) = ruled(rule, properties)
    assert "undefined field" in message


def test_a_rule_that_could_cost_too_much_is_refused() -> None:
    items = {"type": "array", "items": {"type": "string"}}
    nested = "self.xs.all(x, self.xs.exists(y, x.contains(y)))"
    ((field, message), *_) = ruled(nested, {"xs": items})
    assert field == f"{FIELD}.x-kubernetes-validations[0].rule"
    assert message.startswith("Forbidden: estimated rule cost exceeds budget by factor of more than 100x")
    bounded = {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 10}}
    assert ruled(nested, {"xs": bounded}) == []


def test_old_self_is_useless_below_a_list_without_keys() -> None:
    item = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.n == oldSelf.n"}],
    }
    ((field, message),) = causes(
        {"type": "object", "properties": {"l": {"type": "array", "maxItems": 3, "items": item}}}
    )
    assert field.endswith("properties[l].items.x-kubernetes-validations[0].rule")
    assert "uncorrelatable" in message


def test_a_message_expression_must_be_a_text() -> None:
    found = ruled("self.a > 0", {"a": {"type": "integer"}}, messageExpression="self.a")
    assert found[0][1].endswith("messageExpression must evaluate to a string")


def versions(**version: Any) -> list[tuple[str, str]]:
    root = {"type": "object", "properties": {"spec": SPEC}}
    whole = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}, **version}
    return causes(SPEC, versions=[whole])


LIST = {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string", "nullable": True}}}}
KEYED = {**LIST, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "k", "z"]}


@pytest.mark.parametrize(
    ("part", "field", "told"),
    [
        ({"deprecationWarning": "x"}, "versions[0].deprecationWarning", "can only be set for deprecated versions"),
        (
            {"deprecated": True, "deprecationWarning": ""},
            "versions[0].deprecationWarning",
            "must not be an empty string",
        ),
        ({"deprecated": True, "deprecationWarning": "a\u0007"}, "versions[0].deprecationWarning", "found at index 1"),
        ({"name": "V1"}, "versions[0].name", "DNS-1035"),
        ({"schema": {}}, "versions[0].schema.openAPIV3Schema", "Required value"),
        (
            {"additionalPrinterColumns": [{"name": "a", "type": "int", "jsonPath": ".a"}]},
            "additionalPrinterColumns[0].type",
            'Invalid value: "int": must be one of boolean,date,integer,number,string',
        ),
        (
            {"additionalPrinterColumns": [{"name": "a", "type": "string", "jsonPath": "a"}]},
            "additionalPrinterColumns[0].JSONPath",
            "must be a simple json path starting with .",
        ),
        (
            {"subresources": {"scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".spec.n"}}},
            "subresources.scale.statusReplicasPath",
            "should be a json path under .status",
        ),
        ({"selectableFields": [{"jsonPath": ".spec.nope"}]}, "selectableFields[0].jsonPath", "is an invalid path"),
        (
            {"selectableFields": [{"jsonPath": ".spec.limits"}]},
            "selectableFields[0].jsonPath",
            "of type string, boolean",
        ),
        (
            {"selectableFields": [{"jsonPath": ".spec.size"}] * 2},
            "selectableFields[1].jsonPath",
            'Duplicate value: ".spec.size"',
        ),
    ],
)
def test_a_version_that_makes_no_sense_is_refused(part: dict[str, Any], field: str, told: str) -> None:
    found = dict(versions(**part))
    assert f"spec.{field}" in found
    assert told in found[f"spec.{field}"]


@pytest.mark.parametrize(
    ("schema", "field", "told"),
    [
        (KEYED, ".x-kubernetes-list-map-keys", "must not contain duplicate entries"),
        (KEYED, ".items.properties[k].nullable", "so it cannot be nullable"),
        (KEYED, ".items.properties[k].default", "it must have a default or be a required property"),
        ({**LIST, "x-kubernetes-list-map-keys": ["k"]}, ".x-kubernetes-list-type", "must be map if"),
        ({"type": "object", "x-kubernetes-list-type": "set"}, ".type", "must be array if x-kubernetes-list-type"),
        ({"type": "string", "x-kubernetes-map-type": "atomic"}, ".type", "must be object if x-kubernetes-map-type"),
        ({"type": "null"}, ".type", "use nullable as an alternative"),
        ({"type": "object", "$ref": "#/definitions/x"}, ".$ref", "$ref is not supported"),
        (
            {"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True},
            ".x-kubernetes-preserve-unknown-fields",
            "must be false if x-kubernetes-int-or-string is true",
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            ".properties",
            "must not be empty if x-kubernetes-embedded-resource is true without",
        ),
        ({"type": "string", "not": {"nullable": True}}, ".not.nullable", "must be false to be structural"),
        (
            {"type": "object", "allOf": [{"properties": {"metadata": {}}}]},
            ".allOf[0].properties[metadata]",
            "must not be specified in a nested context",
        ),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(schema: dict[str, Any], field: str, told: str) -> None:
    found = causes({"type": "object", "properties": {"a": schema}})
    assert any(where == f"{FIELD}.properties[a]{field}" and told in message for where, message in found)


def test_either_an_integer_or_a_string_may_be_said_with_any_of() -> None:
    form = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}], "pattern": "^1"}
    assert causes({"type": "object", "properties": {"port": form}}) == []


@pytest.mark.parametrize(
    ("rule", "field", "told"),
    [
        ({"rule": " "}, "rule", "Required value: rule is not specified"),
        ({"rule": "true", "message": " "}, "message", "must be non-empty if specified"),
        ({"rule": "true\n"}, "rule", ""),
        ({"rule": "true ||\nfalse"}, "message", "message must be specified if rule contains line breaks"),
        ({"rule": "true", "messageExpression": " "}, "messageExpression", "must be non-empty if specified"),
        ({"rule": "true", "fieldPath": ".nope"}, "fieldPath", "must be a valid path"),
        ({"rule": "true", "fieldPath": "a"}, "fieldPath", "must be a valid path"),
        ({"rule": "true", "optionalOldSelf": True}, "optionalOldSelf", "may not be set if oldSelf is not used in rule"),
        ({"rule": "true", "reason": "Nope"}, "reason", "Unsupported value"),
    ],
)
def test_a_rule_that_is_not_well_formed_is_refused(rule: dict[str, Any], field: str, told: str) -> None:
    found = causes({"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-validations": [rule]})
    wanted = [
        (f"{FIELD}.x-kubernetes-validations[0].{field}", message) for _, message in found if told and told in message
    ]
    assert found == wanted


def test_a_webhook_for_conversion_must_say_where_it_is() -> None:
    found = dict(causes(SPEC, conversion={"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v9"]}}))
    assert set(found) == {"spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions"}
