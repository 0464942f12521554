"""A namespace of its own, and its ConfigMaps, for tests of lists and watches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.player import Client, Reply, Watch
from tests.support.hive import HiveApi


class Things:
    """The ConfigMaps of one namespace."""

    def __init__(self, api: HiveApi, namespace: str) -> None:
        self.client = Client(api)
        self.namespace = namespace
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"

    def create(self, name: str, **labels: str) -> int:
        """Its version."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}
        return self._version({"method": "POST", "path": self.path, "body": body})

    def label(self, name: str, **labels: str) -> int:
        """Its new version."""
        body = {"metadata": {"labels": labels}}
        media = "application/merge-patch+json"
        return self._version({"method": "PATCH", "path": f"{self.path}/{name}", "body": body, "contentType": media})

    def delete(self, name: str) -> None:
        self.client.request({"method": "DELETE", "path": f"{self.path}/{name}"})

    def get(self, below: str = "", **query: Any) -> Reply:
        """A list, or what is at a path below it."""
        given = {key: str(value) for key, value in query.items()}
        return self.client.request({"method": "GET", "path": self.path + below, "query": given})

    def names(self, **query: Any) -> list[str]:
        return [item["metadata"]["name"] for item in self.get(**query).body["items"]]

    def watch(self, accept: str = "application/json", **query: Any) -> Watch:
        given = {key: str(value) for key, value in query.items()}
        return Watch(self.client, {"path": self.path, "query": given, "accept": accept})

    def now(self) -> int:
        """The version of a list of now."""
        return int(self.get().body["metadata"]["resourceVersion"])

    def _version(self, step: dict[str, Any]) -> int:
        return int(self.client.request(step).body["metadata"]["resourceVersion"])


@pytest.fixture
def things(hive_api: HiveApi) -> Iterator[Things]:
    name = f"things-{uuid4().hex[:8]}"
    client = Client(hive_api)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    client.request({"method": "POST", "path": "/api/v1/namespaces", "body": body})
    yield Things(hive_api, name)
    client.request({"method": "DELETE", "path": f"/api/v1/namespaces/{name}"})
