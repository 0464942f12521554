"""What other people's suites ask of a server besides the everyday."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.player import Client, Reply
from tests.integration.apiserver.conftest import Things
from tests.support.hive import HiveApi

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.fixture
def client(hive_api: HiveApi) -> Client:
    return Client(hive_api)


def definition(group: str) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "odds", "kind": "Odd"}
    return {
        "metadata": {"name": f"odds.{group}"},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }


def test_a_kind_whose_conditions_are_wiped_is_served_on(client: Client) -> None:
    path, group = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", f"{uuid4().hex[:8]}.example.com"
    client.request({"method": "POST", "path": path, "body": definition(group)})
    step = {"method": "PATCH", "path": f"{path}/odds.{group}/status", "contentType": "application/merge-patch+json"}

    wiped = client.request({**step, "body": {"status": {"conditions": [{"type": "Mine", "status": "True"}]}}})
    served = client.request({"method": "GET", "path": f"/apis/{group}/v1/odds"})
    client.request({"method": "DELETE", "path": f"{path}/odds.{group}"})

    assert {one["type"] for one in wiped.body["status"]["conditions"]} == {"Mine", "NamesAccepted", "Established"}
    assert served.status == 200


@pytest.mark.parametrize(("accept", "code"), [(TABLE, 406), (f"{TABLE},application/json", 201)])
def test_a_review_is_no_table(client: Client, accept: str, code: int) -> None:
    attributes = {"namespace": "default", "verb": "get", "resource": "pods"}
    body = {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}

    reply = client.request({"method": "POST", "path": REVIEWS, "body": body, "accept": accept})

    assert reply.status == code


@pytest.mark.parametrize("version", ["apps/v1", "v2", None])
def test_an_apply_names_the_version_that_it_was_written_for(things: Things, version: str | None) -> None:
    body: dict[str, Any] = {"apiVersion": version, "kind": "ConfigMap", "metadata": {"name": "a"}}
    step = {"method": "PATCH", "path": f"{things.path}/a", "query": {"fieldManager": "t"}, "body": body}

    reply = things.client.request({**step, "contentType": "application/apply-patch+yaml"})

    said = f"Incorrect version specified in apply patch. Specified patch version: {version or ''}, expected: v1"
    assert (reply.status, reply.body["message"]) == (400, said)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"value": 2}, "Forbidden: may not be changed in an update."),
        ({"preemptionPolicy": "Never"}, 'Invalid value: "Never": field is immutable'),
    ],
)
def test_a_priority_stays_what_it_is(client: Client, change: dict[str, Any], cause: str) -> None:
    path, name = "/apis/scheduling.k8s.io/v1/priorityclasses", f"p-{uuid4().hex[:8]}"
    client.request({"method": "POST", "path": path, "body": {"metadata": {"name": name}, "value": 1}})
    step = {"method": "PATCH", "path": f"{path}/{name}", "contentType": "application/merge-patch+json"}

    reply = client.request({**step, "body": change})
    client.request({"method": "DELETE", "path": f"{path}/{name}"})

    assert (reply.status, reply.body["details"]["causes"][0]["message"]) == (422, cause)


def test_an_applied_scale_owns_the_number_of_replicas(things: Things) -> None:
    container = {"name": "c", "image": "i"}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = f"/apis/apps/v1/namespaces/{things.namespace}/deployments/d"
    step = {"method": "PATCH", "contentType": "application/apply-patch+yaml"}

    def apply(manager: str, path: str, body: dict[str, Any], **query: str) -> Reply:
        return things.client.request({**step, "path": path, "body": body, "query": {"fieldManager": manager, **query}})

    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 2}}
    apply("one", path, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec})

    assert apply("two", f"{path}/scale", scale).body["details"]["causes"][0]["field"] == ".spec.replicas"
    assert apply("two", f"{path}/scale", scale, force="true").body["spec"] == {"replicas": 2}
    fields = things.client.request({"method": "GET", "path": path}).body["metadata"]["managedFields"]
    owner = [one for one in fields if "f:replicas" in one["fieldsV1"]["f:spec"]]
    assert [(one["manager"], one["operation"], one["subresource"]) for one in owner] == [("two", "Apply", "scale")]


@pytest.mark.parametrize(
    ("form", "shown"),
    [("strategic-merge-patch", 'Invalid value: "map[data:map[a:1]]": '), ("merge-patch", '\\"data\\":{\\"a\\":1}')],
)
def test_a_patch_to_something_that_cannot_be_decoded_is_quoted(things: Things, form: str, shown: str) -> None:
    things.create("a")
    step = {"method": "PATCH", "path": f"{things.path}/a", "contentType": f"application/{form}+json"}

    body = things.client.request({**step, "body": {"data": {"a": 1}}}).body

    assert (body["code"], list(body["details"]), body["details"]["causes"][0]["field"]) == (422, ["causes"], "patch")
    assert body["message"].startswith(' "" is invalid: patch: ')
    assert shown in body["message"]
    assert body["message"].endswith("json: cannot unmarshal number into Go struct field ConfigMap.data of type string")


def test_times_and_quantities_have_one_form_however_they_come(things: Things) -> None:
    limits = {"cpu": 0.5, "memory": "1024Mi"}
    spec = {"containers": [{"name": "c", "image": "i", "resources": {"limits": limits}}]}
    body = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "p"}, "template": {"spec": spec}}
    path = f"/api/v1/namespaces/{things.namespace}/podtemplates/p"
    step = {"method": "PATCH", "path": path, "query": {"fieldManager": "t"}, "body": body}

    made = things.client.request({**step, "contentType": "application/apply-patch+yaml"}).body
    times = {"involvedObject": {"namespace": things.namespace}, "firstTimestamp": "2026-01-01T01:00:00.5+02:00"}
    events = f"/api/v1/namespaces/{things.namespace}/events"
    event = things.client.request({"method": "POST", "path": events, "body": {"metadata": {"name": "e"}, **times}}).body

    assert made["template"]["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi"}
    assert event["firstTimestamp"] == "2025-12-31T23:00:00Z"


def test_a_time_that_is_none_is_refused(things: Things) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{things.namespace}/leases"
    body = {"metadata": {"name": "a"}, "spec": {"renewTime": "soon"}}

    reply = things.client.request({"method": "POST", "path": path, "body": body})

    assert reply.status == 400
    assert reply.body["message"].startswith(
        'Lease in version "v1" cannot be handled as a Lease: parsing time "soon" as "2006-01-02T15:04:05.000000Z07:00"'
    )
