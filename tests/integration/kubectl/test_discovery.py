"""What clients learn of the server, and how they notice that it has changed: discovery, OpenAPI, hashes, ETags."""

from __future__ import annotations

import gzip
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.kubectl.conftest import Shell
from tests.support.hive import HiveApi

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Wire:
    """Plain HTTPS requests with headers of one's own."""

    def __init__(self, api: HiveApi) -> None:
        self._api = api
        self._tls = ssl.create_default_context(cafile=str(api.ca_file))

    def get(self, path: str, **headers: str) -> tuple[int, Message, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self._api.url + path, headers={"Authorization": f"Bearer {self._api.token}", **named}
        )
        try:
            with urllib.request.urlopen(request, context=self._tls) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


@pytest.fixture(scope="module")
def wire(hive_api: HiveApi) -> Wire:
    return Wire(hive_api)


def crd(group: str, **properties: Any) -> dict[str, Any]:
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest.fixture
def group(sh: Shell) -> Iterator[str]:
    name = f"g{uuid4().hex[:8]}.example.com"
    yield name
    sh(f"delete crd things.{name} --ignore-not-found")


def test_the_root_names_every_path(wire: Wire) -> None:
    paths = json.loads(wire.get("/")[2])["paths"]
    assert {"/api/v1", "/apis/apps", "/apis/apps/v1", "/healthz", "/openapi/v3", "/version"} <= set(paths)
    assert all(wire.get(path)[0] == 200 for path in paths)


def test_documents_are_not_sent_twice(wire: Wire) -> None:
    for path, headers in (("/openapi/v2", {}), ("/openapi/v2", {"Accept": PROTOBUF}), ("/openapi/v3/apis/apps/v1", {})):
        code, answered, body = wire.get(path, **headers)
        assert code == 200 and body
        code, again, body = wire.get(path, If_None_Match=answered["ETag"], **headers)
        assert (code, body, again["ETag"]) == (304, b"", answered["ETag"])


def test_documents_come_in_the_form_that_was_asked_for(wire: Wire) -> None:
    _, headers, plain = wire.get("/openapi/v2")
    assert headers["Content-Type"] == "application/json" and json.loads(plain)["swagger"] == "2.0"
    _, headers, packed = wire.get("/openapi/v2", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(packed) == plain
    _, headers, binary = wire.get("/openapi/v2", Accept=f"{PROTOBUF}, application/json;q=0.5")
    assert headers["Content-Type"] == PROTOBUF.replace("@", ".")
    assert binary.startswith(b"\x0a\x032.0")
    assert wire.get("/openapi/v2", Accept="text/html")[0] == 406


def test_a_document_asked_for_by_its_hash_may_be_kept_for_ever(wire: Wire) -> None:
    index = json.loads(wire.get("/openapi/v3")[2])["paths"]
    address = index["apis/apps/v1"]["serverRelativeURL"]
    _, headers, body = wire.get(address)
    assert "immutable" in headers["Cache-Control"] and headers["Expires"]
    # Somebody with an old index is led to what is there now.
    assert wire.get(address[:-8] + "00000000")[2] == body
    assert "immutable" not in wire.get("/openapi/v3/apis/apps/v1")[1]["Cache-Control"]


def test_kubectl_sees_a_kind_come_change_and_go(sh: Shell, group: str) -> None:
    sh.apply(crd(group, size={"type": "integer", "description": "How big."}))
    sh(f"wait --for=condition=Established crd/things.{group}")
    assert "How big." in sh(f"explain thing.spec.size --api-version={group}/v1")
    sh.apply(crd(group, size={"type": "integer", "description": "How tall."}, new={"type": "string"}))
    for output in ("plaintext", "plaintext-openapiv2"):
        assert "How tall." in sh(f"explain thing.spec.size --api-version={group}/v1 --output={output}")
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"old": 1}}
    assert 'unknown field "spec.old"' in sh.fails("apply -f -", input=json.dumps(thing))
    sh(f"delete crd things.{group}")
    assert f"things.{group}" not in sh(f"api-resources --api-group={group} --cached=false -o name")
    assert "the server doesn't have a resource type" in sh.fails(f"get things.{group}")


def test_custom_groups_come_after_kubernetes_own(wire: Wire, sh: Shell, group: str) -> None:
    sh.apply(crd(group))
    sh(f"wait --for=condition=Established crd/things.{group}")
    groups = [one["metadata"]["name"] for one in json.loads(wire.get("/apis", Accept=AGGREGATED)[2])["items"]]
    assert groups[0] == "apps" and groups.index(group) > groups.index("storage.k8s.io")
    plurals = [one["name"] for one in json.loads(wire.get("/apis/apps/v1")[2])["resources"] if "/" not in one["name"]]
    assert plurals == sorted(plurals)


def test_discovery_has_an_etag_that_follows_the_kinds(wire: Wire, sh: Shell, group: str) -> None:
    _, before, _ = wire.get("/apis", Accept=AGGREGATED)
    assert wire.get("/apis", Accept=AGGREGATED, If_None_Match=before["ETag"])[0] == 304
    sh.apply(crd(group))
    sh(f"wait --for=condition=Established crd/things.{group}")
    assert wire.get("/apis", Accept=AGGREGATED, If_None_Match=before["ETag"])[0] == 200
