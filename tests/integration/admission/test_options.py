"""What a client may ask of a write, and what it may not: options, bodies and metadata, worded as Kubernetes does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.admission.place import MERGE, Place

UNSUPPORTED = 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Bar": supported values: '
BAD_DELETES = [
    ("", {"propagationPolicy": "Bar"}, 422, UNSUPPORTED),
    ("", {"propagationPolicy": "Orphan", "orphanDependents": True}, 422, "cannot be both set"),
    ("", {"dryRun": ["none"]}, 422, 'dryRun: Unsupported value: ["none"]: supported values: "All"'),
    ("?dryRun=none", None, 422, 'dryRun: Unsupported value: ["none"]: supported values: "All"'),
    ("?gracePeriodSeconds=soon", None, 400, 'parsing "soon": invalid syntax'),
    ("", {"gracePeriodSeconds": "soon"}, 400, "Go struct field DeleteOptions.gracePeriodSeconds of type int64"),
    ("", {"kind": "Pod", "apiVersion": "v1"}, 400, 'no kind "Pod" is registered for version "v1"'),
    ("", {"preconditions": {"uid": "other"}}, 409, "the UID in the precondition (other) does not match"),
]
BAD_WRITES = [
    ("?fieldManager=a%07", {}, 422, "invalid character U+0007 (at position 1)"),
    ("?dryRun=All&dryRun=none", {}, 422, 'dryRun: Unsupported value: ["All","none"]'),
    ("", {"kind": "Secret", "apiVersion": "v1"}, 400, "converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
    ("", {"kind": "Odd", "apiVersion": "odd/v1"}, 400, 'no kind "Odd" is registered for version "odd/v1" in scheme'),
    ("", {"metadata": {"generateName": "A_"}}, 422, 'metadata.generateName: Invalid value: "A_"'),
]


@pytest.mark.parametrize(("query", "body", "status", "words"), BAD_DELETES)
def test_wrong_options_delete_nothing(place: Place, query: str, body: Any, status: int, words: str) -> None:
    place.put_map("m")
    reply = place.request("DELETE", f"{place.maps}/m{query}", body)
    assert (reply.status, words in reply.body["message"]) == (status, True), reply.body
    assert place.request("GET", f"{place.maps}/m").status == 200


def test_a_body_makes_the_query_of_a_deletion_count_for_nothing(place: Place) -> None:
    place.put_map("m")
    assert place.request("DELETE", f"{place.maps}/m?dryRun=All", {"kind": "DeleteOptions", "apiVersion": "v1"}).status
    assert place.request("GET", f"{place.maps}/m").status == 404


def test_cascading_in_the_old_way_is_accepted_while_something_holds_the_object(place: Place) -> None:
    body = {"metadata": {"name": "m", "finalizers": ["example.com/wait"]}}
    place.request("POST", place.maps, body)
    assert place.request("DELETE", f"{place.maps}/m?orphanDependents=false").status == 202
    place.request("PATCH", f"{place.maps}/m", {"metadata": {"finalizers": None}}, contentType=MERGE)


@pytest.mark.parametrize(("query", "body", "status", "words"), BAD_WRITES)
def test_wrong_writes_are_refused_in_kubernetes_words(
    place: Place, query: str, body: dict[str, Any], status: int, words: str
) -> None:
    reply = place.request("POST", place.maps + query, {"metadata": {"name": "m"}, **body})
    assert (reply.status, words in reply.body["message"]) == (status, True), reply.body


def test_force_is_for_applies(place: Place) -> None:
    place.put_map("m")
    reply = place.request("PATCH", f"{place.maps}/m?force=true", {"data": {}}, contentType=MERGE)
    assert "force: Forbidden: may not be specified for non-apply patch" in reply.body["message"]


def test_an_owner_counts_once(place: Place) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    reply = place.request("POST", place.maps, {"metadata": {"name": "m", "ownerReferences": [owner, owner]}})
    assert reply.body["metadata"]["ownerReferences"] == [owner]
    assert "duplicate UID(s) observed: u" in str(reply.headers)


def test_an_event_owns_nothing(place: Place) -> None:
    owner = {"apiVersion": "v1", "kind": "Event", "name": "e", "uid": "u"}
    reply = place.request("POST", place.maps, {"metadata": {"name": "m", "ownerReferences": [owner]}})
    assert "/v1, Kind=Event is disallowed from being an owner" in reply.body["message"]


def test_a_replacement_must_have_a_name(place: Place) -> None:
    place.put_map("m")
    reply = place.request("PUT", f"{place.maps}/m", {"metadata": {}})
    assert reply.body["message"].endswith("(m based on URL) was undeterminable: name must be provided")
