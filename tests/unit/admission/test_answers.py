"""What webhooks answer, and what it means."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kgents.embedded.apiserver.webhooks.answers import read_answer
from kgents.embedded.apiserver.webhooks.client import CallFailed
from kgents.embedded.apiserver.webhooks.compiled import Webhook, compile_webhooks

HEAD = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}
PATCH = base64.b64encode(json.dumps([{"op": "add", "path": "/a", "value": 1}]).encode()).decode()
PATCHES: dict[str, Any] = {"patch": PATCH, "patchType": "JSONPatch"}


def hook(version: str = "v1") -> Webhook:
    return compile_webhooks([{"webhooks": [{"name": "a.b.c", "admissionReviewVersions": [version]}]}])[0]


def said(*, version: str = "v1", mutating: bool = True, head: Any = None, **response: Any) -> Any:
    answer = {**HEAD, **(head or {}), "response": {"uid": "u", "allowed": True, **response}}
    return read_answer(hook(version), answer, "u", mutating=mutating)


def test_a_patch_is_read() -> None:
    assert said(**PATCHES).patch == [{"op": "add", "path": "/a", "value": 1}]


def test_a_refusal_with_a_patch_is_a_refusal() -> None:
    found = said(allowed=False, status={"message": "no"}, **PATCHES)
    assert (found.patch, found.refusal.what) == (None, 'admission webhook "a.b.c" denied the request: no')


def test_annotations_and_warnings_are_texts() -> None:
    found = said(auditAnnotations={"a": "b", "c": 1}, warnings=["w", 2])
    assert (found.annotations, found.warnings) == ({"a": "b"}, ["w"])


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"uid": "v"}, 'received invalid webhook response: expected response.uid="u", got "v"'),
        ({"uid": None}, 'expected response.uid="u", got ""'),
        ({"patch": PATCH}, "webhook returned response.patch but not response.patchType"),
        ({"patchType": "JSONPatch"}, "webhook returned response.patchType but not response.patch"),
        ({"patch": PATCH, "patchType": "Merge"}, 'unsupported patch type "Merge"'),
        ({"patch": "%", "patchType": "JSONPatch"}, "illegal base64 data"),
        ({"patch": "e30=", "patchType": "JSONPatch"}, "received undecodable patch in webhook response: json: cannot"),
        ({"patch": "Ww==", "patchType": "JSONPatch"}, "webhook response: unexpected end of JSON input"),
        ({"patch": 7, "patchType": "JSONPatch"}, "illegal base64 data"),
        ({"head": {"apiVersion": "v1", "kind": "Pod"}}, "AdmissionReview, got /v1, Kind=Pod"),
        ({"allowed": "yes"}, "wrong type"),
        ({"mutating": False, **PATCHES}, "validating webhook may not return response.patch"),
        ({"mutating": False, "patchType": "JSONPatch"}, "validating webhook may not return response.patchType"),
    ],
)
def test_what_is_no_answer_is_told_as_in_kubernetes(response: dict[str, Any], words: str) -> None:
    with pytest.raises(CallFailed) as caught:
        said(**response)
    assert words in caught.value.what


@pytest.mark.parametrize("answer", [None, [], 1, "x", {**HEAD}, {**HEAD, "response": 1}])
def test_no_response_is_no_permission(answer: Any) -> None:
    with pytest.raises(CallFailed):
        read_answer(hook(), answer, "u", mutating=True)


def test_of_the_old_version_no_proof_is_demanded() -> None:
    found = said(version="v1beta1", uid="", head={"apiVersion": ""}, patch=PATCH)
    assert found.patch == [{"op": "add", "path": "/a", "value": 1}]
