"""A small real gRPC server that speaks the proto: the daemon's place, with answers as the test wants them.

Run as a program it serves until it is ended, so that a test can stop it in mid-air: argv is the context's key.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from kgents.infra.home import cortex_socket, cortex_token_file, private_dir
from kgents.wire import cortex_pb2, cortex_pb2_grpc

TOKEN = "a-token"


class FakeCortex(cortex_pb2_grpc.CortexServicer):
    """Answers every call with `items`, or aborts with `status` and `details`."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.total: int | None = None
        self.age = 0.0
        self.status: grpc.StatusCode | None = None
        self.details = ""
        self.requests: list[Any] = []
        self.before: Callable[[], None] = lambda: None
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.raw: bytes | None = None
        """What is sent as every row, where that is set."""
        self.hangs = False
        """Whether a watch stays open, in silence, after its events."""
        self.stopping = threading.Event()

    def Invoke(self, request: Any, context: Any) -> Iterator[Any]:
        self._check(request, context)
        total = len(self.items) if self.total is None else self.total
        head = json.dumps({"path": request.path, "many": True, "total": total, "ageSeconds": self.age})
        rows = [json.dumps(item).encode() for item in self.items]
        yield cortex_pb2.InvokeReply(head=head.encode(), items=rows[:1000])
        for start in range(1000, len(rows), 1000):
            yield cortex_pb2.InvokeReply(items=rows[start : start + 1000])

    def Watch(self, request: Any, context: Any) -> Iterator[Any]:
        self._check(request, context)
        for type, item in self.events:
            content = json.dumps(item).encode() if self.raw is None or type == "SYNCED" else self.raw
            yield cortex_pb2.WatchEvent(type=type, item=content, resource=_resource(item))
        if self.hangs:
            self.stopping.wait()

    def _check(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        if dict(context.invocation_metadata()).get("authorization") != f"Bearer {TOKEN}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, json.dumps({"what": "the token is wrong"}))
        self.before()
        if self.status is not None:
            context.abort(self.status, self.details)


def _resource(item: dict[str, Any]) -> str:
    if "line" in item:
        return "logs"
    return "witness" if "what" in item else "agents"


@contextmanager
def serving(key: str, servicer: FakeCortex) -> Iterator[FakeCortex]:
    socket = cortex_socket(key)
    private_dir(socket.parent)
    cortex_token_file(key).write_text(TOKEN + "\n")
    server = grpc.server(ThreadPoolExecutor(4))
    cortex_pb2_grpc.add_CortexServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield servicer
    finally:
        servicer.stopping.set()
        server.stop(None).wait()


def _main() -> None:
    servicer = FakeCortex()
    servicer.items = [json.loads(line) for line in sys.stdin]
    with serving(sys.argv[1], servicer):
        print("ready", flush=True)
        servicer.stopping.wait()


if __name__ == "__main__":
    _main()
