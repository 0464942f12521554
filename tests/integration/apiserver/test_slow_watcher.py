"""A watcher that does not read costs nobody anything; it is cut off, and can tell that it missed something."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.integration.apiserver.conftest import Things
from tests.support import hive
from tests.support.waiting import eventually

SIZE, CHANGES = 400_000, 120


class Deaf:
    """Opens a watch and reads only when told to; its socket holds as little as the system allows."""

    def __init__(self, api: hive.HiveApi, path: str) -> None:
        address = urlsplit(api.url)
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect((address.hostname, address.port))
        context = ssl.create_default_context(cafile=str(api.ca_file))
        self._socket = context.wrap_socket(plain, server_hostname=address.hostname)
        auth = f"Host: hive\r\nAuthorization: Bearer {api.token}\r\n"
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{auth}\r\n".encode())

    def read_all(self) -> bytes:
        """Everything up to the end of the stream."""
        received = bytearray()
        while not received.endswith(b"\r\n0\r\n\r\n"):
            piece = self._socket.recv(1 << 20)
            if not piece:
                break
            received += piece
        self._socket.close()
        return bytes(received)


def change_much(things: Things) -> None:
    for number in range(CHANGES):
        body = {"data": {"text": f"{number:04}" + "x" * SIZE}}
        step = {"method": "PATCH", "path": f"{things.path}/a", "body": body}
        reply = things.client.request({**step, "contentType": "application/merge-patch+json"})
        assert reply.status == 200


def test_a_watcher_that_reads_nothing_is_ended_and_the_others_miss_nothing(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    things = Things(api, "default")
    version = things.create("a")
    deaf = [Deaf(api, f"{things.path}?watch=1&resourceVersion={version}") for _ in range(20)]
    attentive = things.watch(resourceVersion=version)
    change_much(things)
    assert len(attentive.take(CHANGES, ends=False, bookmarks=False)) == CHANGES
    memory = psutil.Process(api.process.pid).memory_info().rss
    # Twenty watchers that miss 48 MB each: what they cost is far below a copy each.
    assert memory < 400e6
    lines = [line for line in deaf[0].read_all().split(b"\r\n") if line.startswith(b'{"type"')]
    last = json.loads(lines[-1])["object"]["metadata"]["resourceVersion"]
    assert 0 < len(lines) < CHANGES
    resumed = things.watch(resourceVersion=last).take(1, ends=True, bookmarks=False)[0]
    assert (resumed["type"], resumed["object"]["code"]) == ("ERROR", 410)
    for one in deaf[1:]:
        one.read_all()
    eventually(lambda: psutil.Process(api.process.pid).num_fds() < 40)
    api.stop()
