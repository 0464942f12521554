"""Certificate requests: who asks, who may approve, and what the hive signs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conformance.player import Client, Reply
from tests.support.hive import HiveApi

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client"
APPROVED = {"type": "Approved", "status": "True", "reason": "Test", "message": "m"}


class Requests:
    """Certificate requests, and whoever made them."""

    def __init__(self, api: HiveApi) -> None:
        self.client = Client(api)
        self.name = f"r-{uuid4().hex[:8]}"
        self.path = f"{PATH}/{self.name}"

    def create(self, *groups: str, **spec: Any) -> Reply:
        given = {"request": pem(*groups), "signerName": CLIENT, "usages": ["client auth"], **spec}
        return self.client.request(
            {"method": "POST", "path": PATH, "body": {"metadata": {"name": self.name}, "spec": given}}
        )

    def patch(self, below: str, body: dict[str, Any], **rest: Any) -> Reply:
        step = {"method": "PATCH", "path": self.path + below, "contentType": "application/merge-patch+json", **rest}
        return self.client.request({**step, "body": body})

    def approve(self, **rest: Any) -> Reply:
        return self.patch("/approval", {"status": {"conditions": [APPROVED]}}, **rest)


def pem(*groups: str) -> str:
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in groups]
    subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.fixture
def requests(hive_api: HiveApi) -> Iterator[Requests]:
    made = Requests(hive_api)
    yield made
    made.client.request({"method": "DELETE", "path": made.path})


def test_a_request_bears_the_name_of_who_made_it_whatever_it_says(requests: Requests) -> None:
    spec = requests.create(username="root", extra={"a": ["b"]}).body["spec"]

    assert spec["username"] != "root"
    assert "system:authenticated" in spec["groups"]
    assert "extra" not in spec


def test_an_approved_request_of_a_client_is_signed(requests: Requests) -> None:
    requests.create("devs", expirationSeconds=3600)

    status = requests.approve().body["status"]

    made = x509.load_pem_x509_certificate(base64.b64decode(status["certificate"]))
    assert made.subject.rfc4514_string() == "CN=jane,O=devs"
    assert (made.not_valid_after_utc - made.not_valid_before_utc).total_seconds() <= 3600 + 300
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_a_dry_run_signs_nothing(requests: Requests) -> None:
    requests.create()

    assert "certificate" not in requests.approve(query={"dryRun": "All"}).body["status"]


def test_other_signers_are_left_to_others(requests: Requests) -> None:
    requests.create(signerName="example.com/mine")

    assert requests.approve().body["status"]["conditions"][0]["type"] == "Approved"
    assert "certificate" not in requests.client.request({"method": "GET", "path": requests.path}).body["status"]


def test_usages_beyond_a_clients_are_not_signed(requests: Requests) -> None:
    requests.create(usages=["client auth", "cert sign"])

    status = requests.approve().body["status"]

    assert [one["type"] for one in status["conditions"]] == ["Approved", "Failed"]
    assert "certificate" not in status


def test_nobody_becomes_the_master_of_a_hive_by_a_certificate(requests: Requests) -> None:
    reply = requests.create("devs", "system:masters")

    assert (reply.status, reply.body["reason"]) == (403, "Forbidden")


def test_approval_is_for_good_and_only_at_its_own_endpoint(requests: Requests) -> None:
    requests.create(signerName="example.com/mine")
    by_status = requests.patch("/status", {"status": {"conditions": [APPROVED]}})
    requests.approve()

    denied = requests.patch("/approval", {"status": {"conditions": [{**APPROVED, "type": "Denied"}]}})
    wiped = requests.patch("/status", {"status": {"conditions": []}})

    assert "conditions" not in by_status.body["status"] or not by_status.body["status"]["conditions"]
    assert (denied.status, denied.body["details"]["causes"][0]["reason"]) == (422, "FieldValueForbidden")
    assert wiped.body["status"]["conditions"][0]["type"] == "Approved"


def test_what_is_asked_for_stays_as_it_was_asked(requests: Requests) -> None:
    before = requests.create().body["spec"]

    assert requests.patch("", {"spec": {"signerName": "example.com/other", "username": "x"}}).body["spec"] == before


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"request": "aGFsbG8="}, "spec.request"),
        ({"usages": []}, "spec.usages"),
        ({"usages": ["flying"]}, "spec.usages[0]"),
        ({"signerName": "mine"}, "spec.signerName"),
        ({"expirationSeconds": 1}, "spec.expirationSeconds"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(requests: Requests, spec: dict[str, Any], field: str) -> None:
    reply = requests.create(**spec)

    assert (reply.status, reply.body["details"]["causes"][0]["field"]) == (422, field)


def test_approving_needs_a_permission_on_the_signer(requests: Requests, hive_api: HiveApi) -> None:
    requests.create()
    role = f"approver-{uuid4().hex[:8]}"
    rules = [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests", "certificatesigningrequests/approval"],
            "verbs": ["*"],
        }
    ]
    base = "/apis/rbac.authorization.k8s.io/v1"
    for plural, body in (
        ("clusterroles", {"rules": rules}),
        (
            "clusterrolebindings",
            {
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "User", "name": role}],
            },
        ),
    ):
        requests.client.request(
            {"method": "POST", "path": f"{base}/{plural}", "body": {"metadata": {"name": role}, **body}}
        )

    reply = requests.approve(headers={"Impersonate-User": role})
    for plural in ("clusterroles", "clusterrolebindings"):
        requests.client.request({"method": "DELETE", "path": f"{base}/{plural}/{role}"})

    assert reply.status == 403
    assert f'user not permitted to approve requests with signerName "{CLIENT}"' in reply.body["message"]
