"""An HTTP server that misbehaves as it is told to: what a network does to a client is not to be had from a real one."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kgents.kube.config import ClusterConfig
from kgents.sdk.http import Api
from kgents.sdk.login import Login


@dataclass
class Asked:
    """One request that arrived whole."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


Step = Callable[[socket.socket], bool]
"""Answers a request; returns whether the connection stays open."""


def answer(status: int, body: Any, *headers: str, then_close: bool = False) -> Step:
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", "Content-Type: application/json", *headers]

    def step(connection: socket.socket) -> bool:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        return not then_close

    return step


def hang_up(connection: socket.socket) -> bool:
    """Takes the request and answers nothing."""
    return False


def half(connection: socket.socket) -> bool:
    """Answers a half."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    return False


@dataclass
class Server:
    """Takes the next step for each request; when there is none left, the last one again."""

    steps: list[Step]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def api(self, **more: float) -> Api:
        config = ClusterConfig("test", f"http://127.0.0.1:{self.port}", token="t")
        return Api(Login(config), **more)

    def serve(self, listener: socket.socket) -> None:
        self.port = listener.getsockname()[1]
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while first := lines.readline():
                method, target, _ = first.decode().split()
                fields = iter(lambda: lines.readline().decode().strip(), "")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
                data = lines.read(int(headers.get("content-length", 0)))
                self.asked.append(Asked(method, target, headers, json.loads(data) if data else None))
                step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                if not step(connection):
                    return


@contextmanager
def serving(*steps: Step, port: int = 0) -> Iterator[Server]:
    server = Server(list(steps))
    with socket.create_server(("127.0.0.1", port)) as listener:
        server.port = listener.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
