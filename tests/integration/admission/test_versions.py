"""Policies and webhooks that name one version of a custom resource, and writes that use another."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.integration.admission.place import MERGE, Place
from tests.support.waiting import eventually
from tests.support.webhook import Webhook, patching

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def group(place: Place) -> str:
    """The group of a custom resource `bees`, served as v1 and v2, with a status."""
    name = f"{secrets.token_hex(4)}.example.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions: list[dict[str, Any]] = [
        {"name": one, "served": True, "storage": one == "v1", "schema": schema, "subresources": {"status": {}}}
        for one in ("v1", "v2")
    ]
    spec = {"group": name, "scope": "Namespaced", "names": {"plural": "bees", "kind": "Bee"}, "versions": versions}
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    place.make(CRDS, {**head, "metadata": {"name": f"bees.{name}"}, "spec": spec})
    eventually(lambda: place.request("GET", f"/apis/{name}/v2/namespaces/{place.name}/bees").status == 200)
    return name


def rule(group: str, *resources: str) -> dict[str, Any]:
    named = list(resources) or ["bees"]
    return {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": named}


def put_bee(place: Place, group: str, name: str, version: str = "v2", **fields: Any) -> Any:
    body = {"apiVersion": f"{group}/{version}", "kind": "Bee", "metadata": {"name": name}, **fields}
    return place.request("POST", f"/apis/{group}/{version}/namespaces/{place.name}/bees", body)


def test_a_policy_on_one_version_judges_writes_in_the_other(place: Place, group: str) -> None:
    place.policy({"expression": f"object.apiVersion == '{group}/v1' && object.wings == 4"}, rule=rule(group))
    assert [put_bee(place, group, f"b{wings}", wings=wings).status for wings in (2, 4)] == [422, 201]


def test_a_webhook_is_shown_the_version_it_asked_for(place: Place, group: str, webhook: Webhook) -> None:
    place.hooks("Validating", webhook, {"rule": rule(group)})
    put_bee(place, group, "b")
    asked = webhook.received[0][1]["request"]
    versions = asked["kind"]["version"], asked["requestKind"]["version"], asked["object"]["apiVersion"]
    assert versions == ("v1", "v2", f"{group}/v1")


def test_a_change_made_in_one_version_arrives_in_the_other(place: Place, group: str, webhook: Webhook) -> None:
    webhook.routes["/"] = patching({"op": "add", "path": "/wings", "value": 4})
    place.hooks("Mutating", webhook, {"rule": rule(group)})
    reply = put_bee(place, group, "b")
    assert (reply.status, reply.body["apiVersion"], reply.body["wings"]) == (201, f"{group}/v2", 4)


def test_a_webhook_on_the_status_changes_nothing_but_the_status(place: Place, group: str, webhook: Webhook) -> None:
    put_bee(place, group, "b", "v1", wings=2)
    webhook.routes["/"] = patching(
        {"op": "add", "path": "/status/seen", "value": True}, {"op": "replace", "path": "/wings", "value": 9}
    )
    place.hooks("Mutating", webhook, {"rule": rule(group, "bees/status")})
    path = f"/apis/{group}/v1/namespaces/{place.name}/bees/b/status"
    reply = place.request("PATCH", path, {"status": {"phase": "Up"}}, contentType=MERGE)
    assert (reply.status, reply.body["wings"], reply.body["status"]) == (200, 2, {"phase": "Up", "seen": True})


def test_an_apply_is_judged_as_what_comes_of_it(place: Place, group: str) -> None:
    place.policy({"expression": "!has(object.wings) || object.wings < 3"}, rule=rule(group))
    path = f"/apis/{group}/v1/namespaces/{place.name}/bees/b"
    body = {"apiVersion": f"{group}/v1", "kind": "Bee", "metadata": {"name": "b"}}
    how = {"contentType": "application/apply-patch+yaml", "query": {"fieldManager": "me"}}
    answers = [place.request("PATCH", path, {**body, "wings": wings}, **how).status for wings in (2, 4)]
    assert answers == [201, 422]


def test_deleting_many_asks_about_each_without_a_name(place: Place, group: str, webhook: Webhook) -> None:
    for name in ("a", "b"):
        put_bee(place, group, name)
    place.hooks("Validating", webhook, {"rule": {**rule(group), "operations": ["DELETE"]}})
    assert place.request("DELETE", f"/apis/{group}/v1/namespaces/{place.name}/bees").status == 200
    asked = [review["request"] for _, review in webhook.received]
    assert sorted(one["oldObject"]["metadata"]["name"] for one in asked) == ["a", "b"]
    assert [one.get("name") for one in asked] == [None, None]
