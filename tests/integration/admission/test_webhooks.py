"""Webhooks that hang, lie, break or overdo it, and what becomes of the writes that they should judge."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.integration.admission.place import GROUP, MERGE, RULE, Place
from tests.support.webhook import Webhook, patching, serving

DELETES = {**RULE, "operations": ["DELETE"]}


def test_a_webhook_that_hangs_fails_closed_after_its_timeout(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = webhook.hang
    place.hooks("Validating", webhook, {"timeoutSeconds": 1})
    reply = place.put_map("a")
    assert (reply.status, reply.body["reason"]) == (500, "InternalError")
    assert "context deadline exceeded" in reply.body["message"]


def test_a_webhook_that_hangs_and_may_be_ignored_stops_nothing(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = webhook.hang
    place.hooks("Validating", webhook, {"timeoutSeconds": 1, "failurePolicy": "Ignore"})
    assert place.put_map("a").status == 201


def test_others_are_served_while_a_webhook_hangs(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = webhook.hang
    place.hooks("Validating", webhook, {"objectSelector": {"matchLabels": {"slow": "yes"}}})
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(place.put_map("slow", labels={"slow": "yes"}).status))
    waiting.start()
    assert place.put_map("quick").status == 201
    assert not answers
    webhook.released.set()
    waiting.join(30)
    assert answers == [201]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no json",
        b"[1, 2]",
        b"null",
        b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}',
        b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": {"uid": "x", "allowed": true}}',
        b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v2", "response": {"allowed": true}}',
        b"[" * 100_000,
    ],
    ids=["empty", "text", "list", "null", "no-response", "other-uid", "other-version", "deep"],
)
def test_nonsense_is_no_permission(place: Place, webhook: Webhook, answer: bytes) -> None:
    webhook.routes["/"] = lambda _review: answer
    place.hooks("Validating", webhook, {})
    assert place.put_map("a").status == 500


def test_a_yes_that_is_no_boolean_is_no_permission(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = lambda _review: {"allowed": "true"}
    place.hooks("Validating", webhook, {})
    assert place.put_map("a").status == 500


def test_a_huge_answer_is_cut_off(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = lambda _review: b" " * (20 * 1024 * 1024)
    place.hooks("Validating", webhook, {})
    reply = place.put_map("a")
    assert (reply.status, "larger than" in reply.body["message"]) == (500, True)


@pytest.mark.parametrize(("drops", "status"), [(1, 201), (5, 500)])
def test_a_lost_connection_is_tried_once_more(place: Place, webhook: Webhook, drops: int, status: int) -> None:
    webhook.drops = drops
    place.hooks("Validating", webhook, {})
    assert (place.put_map("a").status, len(webhook.received)) == (status, 2)


def test_a_redirect_is_not_followed(place: Place, webhook: Webhook) -> None:
    webhook.status["/"] = 307
    place.hooks("Validating", webhook, {})
    assert (place.put_map("a").status, webhook.paths()) == (500, ["/"])


def test_warnings_cannot_forge_headers(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = lambda _review: {"allowed": True, "warnings": ["a\r\nX-Evil: 1", "b" * 10_000, 7]}
    place.hooks("Validating", webhook, {})
    reply = place.put_map("a")
    assert (reply.status, reply.headers.get("X-Evil")) == (201, None)


def test_a_refusal_with_a_code_of_success_is_a_refusal(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = lambda _review: {"allowed": False, "status": {"code": 200, "reason": "Because", "details": 5}}
    place.hooks("Validating", webhook, {})
    reply = place.put_map("a")
    assert (reply.status, reply.body["status"]) == (400, "Failure")
    assert reply.body["message"] == 'admission webhook "h0.admission.example.com" denied the request: Because'


def test_one_with_side_effects_is_not_asked_about_a_dry_run(place: Place, webhook: Webhook) -> None:
    place.hooks("Validating", webhook, {"sideEffects": "NoneOnDryRun"})
    assert place.put_map("a", query={"dryRun": "All"}).status == 201
    assert webhook.received[0][1]["request"]["dryRun"] is True


def test_an_old_object_is_what_a_deletion_is_judged_by(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = lambda review: {"allowed": "keep" not in review["request"]["oldObject"]["data"]}
    place.hooks("Validating", webhook, {"rule": DELETES})
    place.put_map("kept", {"keep": "yes"})
    place.put_map("gone")
    answers = [place.request("DELETE", f"{place.maps}/{name}").status for name in ("kept", "gone")]
    assert answers == [400, 200]


def test_a_patch_may_not_move_an_object_to_another_namespace(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = patching({"op": "replace", "path": "/metadata/namespace", "value": "kube-system"})
    place.hooks("Mutating", webhook, {})
    assert place.put_map("a").status == 400


def test_a_patch_may_not_change_what_only_the_server_sets(place: Place, webhook: Webhook) -> None:
    place.put_map("a")
    before = place.request("GET", f"{place.maps}/a").body["metadata"]
    webhook.routes["/"] = patching({"op": "add", "path": "/metadata/uid", "value": "x"})
    place.hooks("Mutating", webhook, {})
    reply = place.request("PATCH", f"{place.maps}/a", {"data": {"k": "v"}}, contentType=MERGE)
    assert (reply.status, reply.body["metadata"]["uid"]) == (200, before["uid"])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/data", "value": 5},
        {"op": "replace", "path": "", "value": []},
        {"op": "remove", "path": "/metadata"},
        {"op": "conquer", "path": "/data"},
    ],
    ids=["type", "list", "metadata", "operation"],
)
def test_a_patch_that_leaves_no_object_is_the_webhooks_failure(
    place: Place, webhook: Webhook, operation: dict[str, object]
) -> None:
    webhook.routes["/"] = patching(operation)
    place.hooks("Mutating", webhook, {})
    assert place.put_map("a").status == 500


def test_an_earlier_webhook_is_asked_again_after_a_later_change(place: Place, webhook: Webhook) -> None:
    webhook.routes["/change"] = patching({"op": "add", "path": "/data/k", "value": "v"})
    place.hooks("Mutating", webhook, {"path": "/early", "reinvocationPolicy": "IfNeeded"}, {"path": "/change"})
    assert place.put_map("a").status == 201
    assert webhook.paths() == ["/early", "/change", "/early"]


def test_a_mutation_is_judged_by_policies(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = patching({"op": "add", "path": "/data/evil", "value": "1"})
    place.hooks("Mutating", webhook, {})
    place.policy({"expression": "!('evil' in object.data)", "reason": "Forbidden"})
    assert place.put_map("a").status == 403


def test_a_webhook_behind_a_service_is_reached_at_its_address(place: Place, tmp_path: Path) -> None:
    service = place.make(
        f"/api/v1/namespaces/{place.name}/services",
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "judge"}, "spec": {"ports": [{"port": 443}]}},
    ).body
    with serving(tmp_path, (f"judge.{place.name}.svc",), service["spec"]["clusterIP"]) as hook:
        hook.routes["/x"] = lambda _review: {"allowed": False}
        reference = {"namespace": place.name, "name": "judge", "path": "/x", "port": hook.port}
        place.request(
            "PATCH",
            f"/api/v1/namespaces/{place.name}/services/judge",
            {"spec": {"ports": [{"port": hook.port, "name": "https"}]}},
            contentType=MERGE,
        )
        place.hooks("Validating", hook, {"clientConfig": {"service": reference, "caBundle": hook.ca}})
        assert place.put_map("a").status == 400


def test_a_webhook_cannot_judge_the_removal_of_webhooks(place: Place, webhook: Webhook) -> None:
    webhook.routes["/"] = lambda _review: {"allowed": False}
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    name = place.hooks("Validating", webhook, {"rule": everything})
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert place.put_map("a").status == 400
    assert place.request("DELETE", f"{path}/{name}").status == 200
    assert place.put_map("a").status == 201


def test_what_a_webhook_adds_belongs_to_no_manager(place: Place, webhook: Webhook) -> None:
    webhook.routes["/add"] = patching({"op": "add", "path": "/data/added", "value": "by a webhook"})
    place.hooks("Mutating", webhook, {"path": "/add"})
    reply = place.put_map("m", {"own": "1"})
    owned = [entry["fieldsV1"]["f:data"] for entry in reply.body["metadata"]["managedFields"]]
    assert (reply.body["data"]["added"], owned) == ("by a webhook", [{".": {}, "f:own": {}}])


def test_a_status_that_is_no_success_is_told_as_kubernetes_client_tells_it(place: Place, webhook: Webhook) -> None:
    webhook.status["/x"] = 503
    place.hooks("Validating", webhook, {"path": "/x"})
    told = "failed to call webhook: the server is currently unable to handle the request"
    assert place.put_map("m").body["message"].endswith(told)


def test_the_old_version_of_reviews_is_spoken_to_who_knows_no_other(place: Place, webhook: Webhook) -> None:
    place.hooks("Validating", webhook, {"path": "/old", "admissionReviewVersions": ["v1beta1"]})
    assert place.put_map("m").status == 201
    assert [review["apiVersion"] for _, review in webhook.received] == ["admission.k8s.io/v1beta1"]


def test_what_keeps_a_webhook_from_being_reached_is_told_as_go_tells_it(place: Place, webhook: Webhook) -> None:
    other = {"url": webhook.url + "/x"}
    nobody = {"url": "https://127.0.0.1:1/x"}
    absent = {"service": {"namespace": place.name, "name": "absent", "path": "/x"}}
    told = {}
    for index, client in enumerate((other, nobody, absent)):
        name = place.hooks("Validating", webhook, {"path": "/x", "clientConfig": client})
        told[index] = place.put_map("m").body["message"]
        place.request("DELETE", f"{GROUP}/validatingwebhookconfigurations/{name}")
    assert told[0].endswith(
        '/x?timeout=20s": tls: failed to verify certificate: x509: certificate signed by unknown authority'
    )
    assert told[1].endswith(
        'Post "https://127.0.0.1:1/x?timeout=20s": dial tcp 127.0.0.1:1: connect: connection refused'
    )
    assert told[2].endswith(f'Post "https://absent.{place.name}.svc:443/x?timeout=20s": service "absent" not found')
