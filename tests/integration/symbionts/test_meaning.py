"""A Vector memory: with an endpoint that makes embeddings, with one that fails, and with none."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.symbionts.sidecar import Sidecar
from tests.support.waiting import eventually

KEY = "key-of-the-model"
MEANINGS = {"whale": [1.0, 0.0], "mammal": [0.9, 0.1], "bond": [0.0, 1.0]}


class Endpoint(ThreadingHTTPServer):
    """It knows three words. `broken`: what it answers instead."""

    broken: bytes | None = None
    asked: int = 0


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        known = self.path == "/v1/embeddings" and self.headers["Authorization"] == f"Bearer {KEY}"
        body = json.dumps({"data": [_row(*one) for one in enumerate(wanted["input"])]}).encode()
        self.send_response(200 if known and self.server.broken is None else 401 if not known else 200)
        self.end_headers()
        self.wfile.write(self.server.broken if self.server.broken is not None else body)

    def log_message(self, format: str, *args: Any) -> None:
        return


def _row(index: int, text: str) -> dict[str, Any]:
    found = [vector for word, vector in MEANINGS.items() if word in text]
    return {"index": index, "embedding": found[0] if found else [0.1, -1.0]}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def begin(folder: Path, url: str | None) -> Sidecar:
    sidecar = Sidecar(folder)
    more = {"embeddings": {"url": url, "model": "m"}} if url else {}
    sidecar.configure(type="Vector", size=4 << 20, **more)
    return sidecar.begin(env={**os.environ, "KGENTS_MODEL_KEY": KEY})


def keys(sidecar: Sidecar, asked: str) -> list[str]:
    return [match["key"] for match in sidecar.client.search(asked)]


def kind(sidecar: Sidecar) -> str:
    return str(sidecar.client.status()["embedding"]["kind"])


def test_what_means_the_same_is_found_by_the_endpoint(tmp_path: Path, endpoint: Endpoint) -> None:
    sidecar = begin(tmp_path, f"http://127.0.0.1:{endpoint.server_port}/v1/")
    sidecar.client.put("sea", "whale")
    sidecar.client.put("money", "bond")
    eventually(lambda: keys(sidecar, "mammal")[:1] == ["sea"])
    assert kind(sidecar) == "Endpoint"
    sidecar.kill()


@pytest.mark.parametrize(
    "broken", [b"", b"{}", b"[" * 9999, b'{"data": []}', b'{"data":[{"index":0,"embedding":[NaN]}]}']
)
def test_an_endpoint_that_fails_is_no_failure_of_the_memory(tmp_path: Path, endpoint: Endpoint, broken: bytes) -> None:
    endpoint.broken = broken
    sidecar = begin(tmp_path, f"http://127.0.0.1:{endpoint.server_port}/v1")
    sidecar.client.put("sea", "a whale swims")
    assert keys(sidecar, "whales swimming") == ["sea"]
    eventually(lambda: kind(sidecar) == "WordLikeness")
    assert sidecar.client.status()["embedding"]["message"]
    sidecar.kill()


def test_an_endpoint_that_refuses_is_told_without_the_key(tmp_path: Path, endpoint: Endpoint) -> None:
    sidecar = begin(tmp_path, f"http://127.0.0.1:{endpoint.server_port}/elsewhere")
    sidecar.client.put("sea", "whale")
    eventually(lambda: "401" in sidecar.client.status()["embedding"]["message"])
    assert KEY not in "".join(sidecar.lines)
    sidecar.kill()


def test_without_an_endpoint_it_is_likeness_and_says_so(tmp_path: Path) -> None:
    sidecar = begin(tmp_path, None)
    sidecar.client.put("sea", "the whales were swimming")
    sidecar.client.put("money", "bonds")
    assert keys(sidecar, "swim whale")[:1] == ["sea"] and kind(sidecar) == "WordLikeness"
    sidecar.kill()
