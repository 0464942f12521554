"""What reaches the server before it is a request to an object: odd methods, huge heads and bodies, slow clients."""

from __future__ import annotations

import json
import socket
import ssl
from urllib.parse import quote, urlsplit

import pytest

from tests.support.hive import HiveApi

PATH = "/api/v1/namespaces/default/configmaps"
MIB = 1024 * 1024


class Wire:
    """One TLS connection on which a test says what it likes."""

    def __init__(self, api: HiveApi) -> None:
        address = urlsplit(api.url)
        context = ssl.create_default_context(cafile=str(api.ca_file))
        plain = socket.create_connection((address.hostname, address.port), timeout=60)
        self.socket = context.wrap_socket(plain, server_hostname=address.hostname)
        self.stream = self.socket.makefile("rb")
        self.auth = f"Host: hive\r\nAuthorization: Bearer {api.token}\r\n"

    def ask(self, method: str, path: str, body: bytes = b"", more: str = "") -> None:
        head = f"{method} {path} HTTP/1.1\r\n{self.auth}Content-Length: {len(body)}\r\n{more}\r\n"
        self.socket.sendall(head.encode() + body)

    def status(self) -> int:
        return int(self.stream.readline().split()[1])

    def answer(self, *, body: bool = True) -> tuple[int, bytes]:
        """The status and the body of one answer."""
        status, length = self.status(), 0
        while (line := self.stream.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, self.stream.read(length) if body else b""


@pytest.fixture
def wire(hive_api: HiveApi) -> Wire:
    return Wire(hive_api)


def test_many_requests_on_one_connection_sent_at_once_are_answered_in_order(wire: Wire) -> None:
    for limit in range(1, 6):
        wire.ask("GET", f"/api/v1/namespaces?limit={limit}")
    assert [len(json.loads(wire.answer()[1])["items"]) for _ in range(4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_methods_that_kubernetes_does_not_have_are_not_allowed(wire: Wire, method: str) -> None:
    wire.ask(method, PATH)
    assert wire.answer(body=False)[0] == 405


def test_a_body_beyond_three_mebibytes_is_refused_as_kubernetes_refuses_it(wire: Wire) -> None:
    wire.ask("POST", PATH, b"{" + b" " * (3 * MIB), "Content-Type: application/json\r\n")
    status, body = wire.answer()
    told = json.loads(body)
    assert (status, told["reason"]) == (413, "RequestEntityTooLarge")
    assert told["message"] == "Request entity too large: limit is 3145728"


def test_an_object_that_etcd_would_not_take_is_not_taken(wire: Wire) -> None:
    data = {"metadata": {"name": "big"}, "type": "Opaque", "stringData": {"a": "x" * 900_000}}
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    names = {"plural": "heaps", "kind": "Heap"}
    spec = {"group": "big.example.com", "scope": "Cluster", "names": names, "versions": [version]}
    made = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    body = json.dumps({**made, "metadata": {"name": "heaps.big.example.com"}}).encode()
    wire.ask("POST", crd, body, "Content-Type: application/json\r\n")
    assert wire.answer()[0] == 201
    heap = {**data, "apiVersion": "big.example.com/v1", "kind": "Heap", "stringData": "x" * (2 * MIB)}
    wire.ask("POST", "/apis/big.example.com/v1/heaps", json.dumps(heap).encode(), "Content-Type: application/json\r\n")
    status, answer = wire.answer()
    assert (status, json.loads(answer)["message"]) == (500, "etcdserver: request is too large")
    wire.ask("DELETE", f"{crd}/heaps.big.example.com", b"")
    assert wire.answer()[0] == 200


def test_who_waits_to_be_asked_for_the_body_is_asked(wire: Wire) -> None:
    body = json.dumps({"metadata": {"generateName": "expect-"}}).encode()
    more = "Content-Type: application/json\r\nExpect: 100-continue\r\n"
    head = f"POST {PATH} HTTP/1.1\r\n{wire.auth}Content-Length: {len(body)}\r\n{more}\r\n"
    wire.socket.sendall(head.encode())
    assert (wire.status(), wire.stream.readline()) == (100, b"\r\n")
    wire.socket.sendall(body)
    assert wire.answer()[0] == 201


def test_a_selector_of_a_thousand_names_is_understood(wire: Wire) -> None:
    names = ",".join(f"name-{number}" for number in range(1000))
    wire.ask("GET", f"{PATH}?labelSelector={quote(f'app in ({names})')}")
    assert wire.answer()[0] == 200


def test_a_head_without_end_is_refused(wire: Wire) -> None:
    wire.socket.sendall(f"GET {PATH} HTTP/1.1\r\n{wire.auth}".encode())
    try:
        for number in range(1000):
            wire.socket.sendall(f"X-{number}: {'y' * 1000}\r\n".encode())
        wire.socket.sendall(b"\r\n")
    except OSError:
        return  # it hung up: that is a refusal as well
    assert wire.status() in (400, 431)


def test_a_client_that_says_nothing_or_half_a_word_holds_up_nobody(hive_api: HiveApi, wire: Wire) -> None:
    slow = [Wire(hive_api) for _ in range(50)]
    for one in slow[::2]:
        one.socket.sendall(b"POST /api/v1/name")
    wire.ask("GET", "/api/v1/namespaces/default")
    assert wire.answer()[0] == 200
    for one in slow:
        one.socket.close()
