"""What is refused when policies and webhooks are written."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.apiserver import warn
from kgents.embedded.apiserver.policies.validation import check_binding, check_policy
from kgents.embedded.apiserver.webhooks.answers import refusal
from kgents.embedded.apiserver.webhooks.validation import check_configuration

RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
POLICY = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}
HOOK = {
    "name": "a.b.c",
    "clientConfig": {"url": "https://localhost/x"},
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}


def fields(causes: list[Any]) -> list[str]:
    return [cause.field for cause in causes]


def test_sound_objects_pass() -> None:
    binding = {"policyName": "p", "validationActions": ["Warn", "Audit"]}
    assert not check_policy({"spec": POLICY})
    assert not check_binding({"spec": binding})
    assert not check_configuration({"webhooks": [HOOK]})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"matchConstraints": None}, "spec.matchConstraints"),
        ({"matchConstraints": {}}, "spec.matchConstraints.resourceRules"),
        ({"matchConstraints": {"matchPolicy": "Exact"}}, "spec.matchConstraints.resourceRules"),
        ({"validations": [{"expression": "object.a"}]}, "spec.validations[0].expression"),
        ({"validations": [{"expression": "request.whim == 1"}]}, "spec.validations[0].expression"),
        (
            {
                "validations": [
                    {"expression": "true", "messageExpression": "authorizer.path('/').check('get').reason()"}
                ]
            },
            "spec.validations[0].messageExpression",
        ),
        ({"validations": [{"expression": "true", "reason": "Unauthorized"}]}, "spec.validations[0].reason"),
        ({"auditAnnotations": [{"key": "a b", "valueExpression": "'a'"}]}, "spec.auditAnnotations[0].key"),
        ({"auditAnnotations": [{"key": "a", "valueExpression": "1"}]}, "spec.auditAnnotations[0].valueExpression"),
        ({"auditAnnotations": [{"key": "a", "valueExpression": "'a'"}] * 2}, "spec.auditAnnotations[1].key"),
        ({"auditAnnotations": [{"key": str(n), "valueExpression": "'a'"} for n in range(21)]}, "spec.auditAnnotations"),
        ({"variables": [{"name": "loop", "expression": "1"}]}, "spec.variables[0].name"),
        ({"paramKind": {"apiVersion": "a/b/c", "kind": "X"}}, "spec.paramKind.apiVersion"),
        ({"paramKind": {"apiVersion": "a/v1", "kind": "X_"}}, "spec.paramKind.kind"),
        ({"validations": [{"expression": " "}]}, "spec.validations[0].expression"),
        ({"validations": [{"expression": "1"}]}, "spec.validations[0].expression"),
        ({"validations": [{"expression": "params.a == 1"}]}, "spec.validations[0].expression"),
        ({"validations": [{"expression": "true", "messageExpression": "1"}]}, "spec.validations[0].messageExpression"),
        ({"validations": [{"expression": "true", "reason": "Whim"}]}, "spec.validations[0].reason"),
        ({"validations": [{"expression": "true", "message": "a\nb"}]}, "spec.validations[0].message"),
        ({"variables": [{"name": "1a", "expression": "1"}]}, "spec.variables[0].name"),
        ({"variables": [{"name": "a", "expression": "1"}] * 2}, "spec.variables[1].name"),
        ({"variables": [{"name": "a", "expression": "variables.b"}]}, "spec.variables[0].expression"),
        ({"matchConditions": [{"name": "a", "expression": "true"}] * 2}, "spec.matchConditions[1].name"),
        ({"failurePolicy": "Maybe"}, "spec.failurePolicy"),
        ({"paramKind": {"kind": "X"}}, "spec.paramKind.apiVersion"),
    ],
)
def test_an_unsound_policy_is_refused(changes: dict[str, Any], field: str) -> None:
    assert fields(check_policy({"metadata": {"name": "p"}, "spec": {**POLICY, **changes}})) == [field]


def test_a_policy_must_say_something() -> None:
    causes = check_policy({"spec": {**POLICY, "validations": []}})
    assert fields(causes) == ["spec.validations", "spec.auditAnnotations"]


def test_parameters_are_named_or_selected() -> None:
    reference = {"name": "a", "selector": {}, "parameterNotFoundAction": "Deny"}
    causes = check_binding({"spec": {"policyName": "p", "validationActions": ["Deny"], "paramRef": reference}})
    assert fields(causes) == ["spec.paramRef.name", "spec.paramRef.selector"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("object.a", "must evaluate to bool but got dyn"),
        ("[1]", "must evaluate to bool but got list(int)"),
        ("request.whim == 1", "ERROR: <input>:1:8: undefined field 'whim'"),
        ("variables.whim", "ERROR: <input>:1:10: undefined field 'whim'"),
        ("params.a.b", "ERROR: <input>:1:1: undeclared reference to 'params'"),
    ],
)
def test_what_is_wrong_with_an_expression_is_told_as_in_kubernetes(source: str, words: str) -> None:
    spec = {**POLICY, "validations": [{"expression": source}], "variables": [{"name": "a", "expression": "1"}]}
    assert words in check_policy({"spec": spec})[0].message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"policyName": ""}, "spec.policyName"),
        ({"validationActions": []}, "spec.validationActions"),
        ({"validationActions": ["Deny", "Warn"]}, "spec.validationActions"),
        ({"validationActions": ["Deny", "Deny"]}, "spec.validationActions[1]"),
        ({"paramRef": {"parameterNotFoundAction": "Deny"}}, "spec.paramRef"),
        ({"paramRef": {"name": "a"}}, "spec.paramRef.parameterNotFoundAction"),
        ({"paramRef": {"name": "a/b", "parameterNotFoundAction": "Deny"}}, "spec.paramRef.name"),
        (
            {"matchResources": {"resourceRules": [{**RULE, "resourceNames": ["a", "a"]}]}},
            "spec.matchResouces.resourceRules[0].resourceNames[1]",
        ),
    ],
)
def test_an_unsound_binding_is_refused(changes: dict[str, Any], field: str) -> None:
    assert fields(check_binding({"spec": {"policyName": "p", "validationActions": ["Deny"], **changes}})) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "short.name"}, "name"),
        ({"sideEffects": "Some"}, "sideEffects"),
        ({"timeoutSeconds": 31}, "timeoutSeconds"),
        ({"admissionReviewVersions": ["v2"]}, "admissionReviewVersions"),
        ({"clientConfig": {}}, "clientConfig"),
        ({"clientConfig": {"url": "https://u:p@host/"}}, "clientConfig.url"),
        ({"clientConfig": {"url": "https:///path"}}, "clientConfig.url"),
        ({"clientConfig": {"url": "https://host:x/"}}, "clientConfig.url"),
        ({"clientConfig": {"service": {"name": "a", "namespace": "b", "port": 0}}}, "clientConfig.service.port"),
        ({"rules": [{**RULE, "operations": ["READ"]}]}, "rules[0].operations[0]"),
        ({"rules": [{**RULE, "apiGroups": ["*", "a"]}]}, "rules[0].apiGroups"),
        ({"matchConditions": [{"name": "c", "expression": "1"}]}, "matchConditions[0].expression"),
        ({"objectSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
         "objectSelector.matchExpressions[0].values"),
    ],
)  # fmt: skip
def test_an_unsound_webhook_is_refused(changes: dict[str, Any], field: str) -> None:
    assert fields(check_configuration({"webhooks": [{**HOOK, **changes}]})) == [f"webhooks[0].{field}"]


@pytest.mark.parametrize("status", [None, {}, {"code": 200}, {"code": "403"}, {"code": 999}, [], "no"])
def test_a_refusal_is_a_failure_whatever_its_status_says(status: Any) -> None:
    assert refusal("a.b.c", status).code == 400


def test_details_of_a_refusal_are_only_what_they_should_be() -> None:
    details = {"name": 5, "kind": "pods", "causes": [1, {"message": "m"}], "retryAfterSeconds": "1\r\nX: y"}
    assert refusal("a.b.c", {"details": details}).details == {"kind": "pods", "causes": [{"message": "m"}]}


def test_warnings_are_short_few_and_on_one_line() -> None:
    warnings: list[str] = []
    for text in ("a\r\nb", "", "\x00", *("x" * 5000 for _ in range(10))):
        warn.add(warnings, text)
    assert warnings[0] == "a  b"
    assert (sum(map(len, warnings)) <= warn.MAX_ALL, max(map(len, warnings))) == (True, warn.MAX_ONE)
