"""What a policy's status warns of: expressions that do not fit the kinds they are about."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.integration.admission.place import GROUP, Place
from tests.support.waiting import eventually

POLICIES = f"{GROUP}/validatingadmissionpolicies"


def checked(place: Place, group: str, plural: str, *expressions: str, **spec: Any) -> list[tuple[str, str]]:
    """The places and texts of the warnings about a policy on one kind."""
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [plural]}
    rules = [{"expression": one} for one in expressions]
    name = f"typed-{secrets.token_hex(4)}"
    body = {"matchConstraints": {"resourceRules": [rule]}, "validations": rules, **spec}
    place.make(POLICIES, {"metadata": {"name": name}, "spec": body})

    def status() -> Any:
        return place.request("GET", f"{POLICIES}/{name}").body.get("status", {})

    eventually(lambda: status().get("observedGeneration") == 1)
    found = status()["typeChecking"].get("expressionWarnings", [])
    return [(one["fieldRef"], one["warning"]) for one in found]


def test_a_policy_that_fits_has_no_warnings(place: Place) -> None:
    fine = "object.spec.replicas > 1 && object.metadata.labels['a'] == 'b' && oldObject == null"
    assert checked(place, "apps", "deployments", fine) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("object.spec.replicants > 1", "undefined field 'replicants'"),
        ("object.spec.replicas > '1'", "found no matching overload for '_>_' applied to '(int, string)'"),
        ("object.spec.template.spec.containers.all(c, c.picture == '')", "undefined field 'picture'"),
    ],
)
def test_what_does_not_fit_is_warned_of(place: Place, source: str, words: str) -> None:
    (where, text), *rest = checked(place, "apps", "deployments", "true", source)
    assert (where, rest) == ("spec.validations[1].expression", [])
    assert text.startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:")
    assert words in text


def test_parameters_are_checked_too(place: Place) -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    found = checked(place, "", "pods", "params.data.a == 'b' && params.date.a == 'b'", paramKind=kind)
    assert [("undefined field 'date'" in text, text.count("ERROR")) for _, text in found] == [(True, 1)]


def test_a_kind_that_nobody_knows_is_not_checked(place: Place) -> None:
    assert checked(place, "nobody.example.com", "things", "object.anything == 1") == []


def test_a_change_is_checked_anew(place: Place) -> None:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    name = f"typed-{secrets.token_hex(4)}"
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "object.spec.no == 1"}]}
    place.make(POLICIES, {"metadata": {"name": name}, "spec": spec})
    right = [{"op": "replace", "path": "/spec/validations/0/expression", "value": "object.spec.paused"}]
    place.request("PATCH", f"{POLICIES}/{name}", right, contentType="application/json-patch+json")
    wrong = [{"op": "replace", "path": "/spec/validations/0/expression", "value": "object.spec.paused == true"}]
    place.request("PATCH", f"{POLICIES}/{name}", wrong, contentType="application/json-patch+json")
    eventually(lambda: place.request("GET", f"{POLICIES}/{name}").body["status"].get("typeChecking") == {})
