"""The API server is killed in the middle of concurrent writes, fifty times; nothing acknowledged is lost."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import hive

ROUNDS = 50
WRITERS = 6
PER_ROUND = 15
PATH = "/api/v1/namespaces/default/configmaps"


class Writers:
    """Threads that create ConfigMaps as fast as they are answered, until their server dies."""

    def __init__(self, api: hive.HiveApi, names: itertools.count[int]) -> None:
        self.acknowledged: list[tuple[str, int]] = []
        self.enough = threading.Event()
        self._api = api
        self._names = names
        self._threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        connection = connect(self._api)
        while True:
            name = f"kill-{next(self._names)}"
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"name": name}}
            try:
                connection.request("POST", PATH, json.dumps(body), headers(self._api))
                reply = connection.getresponse()
                answer = json.loads(reply.read())
            except (OSError, http.client.HTTPException, ValueError):
                return
            assert reply.status == 201, answer
            self.acknowledged.append((name, int(answer["metadata"]["resourceVersion"])))
            if len(self.acknowledged) >= PER_ROUND:
                self.enough.set()


def connect(api: hive.HiveApi) -> http.client.HTTPSConnection:
    address = urlsplit(api.url)
    context = ssl.create_default_context(cafile=str(api.ca_file))
    return http.client.HTTPSConnection(str(address.hostname), address.port, context=context, timeout=60)


def headers(api: hive.HiveApi) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}


def stored(api: hive.HiveApi) -> tuple[dict[str, int], int]:
    connection = connect(api)
    connection.request("GET", PATH, headers=headers(api))
    listed = json.loads(connection.getresponse().read())
    versions = {one["metadata"]["name"]: int(one["metadata"]["resourceVersion"]) for one in listed["items"]}
    return versions, int(listed["metadata"]["resourceVersion"])


@pytest.mark.timeout(900)
def test_fifty_kills_lose_no_acknowledged_write(tmp_path: Path) -> None:
    names = itertools.count()
    acknowledged: dict[str, int] = {}
    for _ in range(ROUNDS):
        api = hive.start(tmp_path / "hive")
        writers = Writers(api, names)
        writers.start()
        writers.enough.wait(60)
        api.kill()
        writers.join()
        acknowledged.update(writers.acknowledged)
    api = hive.start(tmp_path / "hive")
    found, version = stored(api)
    api.stop()
    assert len(acknowledged) >= ROUNDS * PER_ROUND
    assert {name: found.get(name) for name in acknowledged} == acknowledged
    assert version >= max(acknowledged.values())
