"""What it costs that Cortex knows its callers: one read and one write, by each way in. Ratios to the local socket's.

The first call of a token costs a TokenReview and the access reviews of its path; later ones find both remembered.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc

from kgents.infra import home as places
from kgents.kube import config
from kgents.wire import cortex_pb2, cortex_pb2_grpc
from tests.integration.cortex import visitor
from tests.support import given, hive, kinds
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

RUNS = 200
COLD = 25
LIST, EMIT = "world.cluster.agents.manifest", "void.pheromone.emit"
SIGNAL = b'{"type": "STATE", "source": "bench", "payload": "a benchmark"}'
Call = Callable[[], object]


def main(options: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="kg") as folder, contextlib.ExitStack() as until:
        given.begin()
        os.environ["KGENTS_HOME"] = f"{folder}/near"
        api = hive.start(Path(folder) / "api")
        until.callback(api.stop)
        kubectl = Kubectl(api.kubeconfig)
        kinds.ensure(kubectl)
        near = until.enter_context(_near(api))
        os.environ["KGENTS_HOME"] = f"{folder}/far"
        far = visitor.start(visitor.install(kubectl, Path(folder)), Path(folder))
        until.callback(far.stop)
        kubectl.make_account("bench", "default")
        resources = "agents.kgents.io,pheromones.kgents.io"
        kubectl("create", "role", "bench", "--verb=get,list,watch,create", f"--resource={resources}")
        kubectl("create", "rolebinding", "bench", "--role=bench", "--serviceaccount=default:bench")
        known = visitor.Caller(far, visitor.token(kubectl, "bench", "default"))
        eventually(lambda: known.refusal(LIST, "default") == "")
        _print(near, far, known, [visitor.token(kubectl, "bench", "default") for _ in range(COLD)])


def _print(near: tuple[Any, str], far: visitor.Far, known: visitor.Caller, fresh: list[str]) -> None:
    stub, token = near
    channel, distant = known.stub()
    with channel:
        read = _median(RUNS, _call(stub, token, LIST), _call(distant, str(known.token), LIST))
        write = _median(RUNS, _call(stub, token, EMIT), _call(distant, str(known.token), EMIT))
        cold = [_seconds(_call(distant, one, LIST)) for one in fresh]
    first = [_seconds(lambda: known.invoke(LIST, "default")) for _ in range(COLD)]
    _row("read, Unix socket and its token", read[0], read[0])
    _row("read, TLS, caller and rights remembered", read[1], read[0])
    _row("read, TLS, a token never seen (TokenReview + access)", statistics.median(cold), read[0])
    _row("read, TLS, remembered, a connection of its own", statistics.median(first), read[0])
    _row("write, Unix socket, as the daemon's owner", write[0], write[0])
    _row("write, TLS, impersonated", write[1], write[0])


def _row(label: str, seconds: float, peer: float) -> None:
    print(f"{label:54} {seconds * 1000:8.2f} ms   ratio {seconds / peer:6.2f}")


@contextlib.contextmanager
def _near(api: hive.HiveApi) -> Iterator[tuple[Any, str]]:
    """The local Cortex of that API: its stub, and its token."""
    command = [sys.executable, "-P", "-m", "cortex", "--kubeconfig", str(api.kubeconfig), "--keep"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ.copy())
    key = config.load(path=api.kubeconfig).key
    socket, token = places.cortex_socket(key), places.cortex_token_file(key)
    try:
        eventually(lambda: socket.exists() and token.exists())
        options = [("grpc.default_authority", "localhost")]
        with grpc.insecure_channel(f"unix:{socket}", options=options) as channel:
            stub: Any = cortex_pb2_grpc.CortexStub(channel)  # type: ignore[no-untyped-call]
            eventually(lambda: _works(_call(stub, token.read_text(), LIST)))
            yield stub, token.read_text()
    finally:
        process.terminate()
        process.wait(30)


def _works(call: Call) -> bool:
    try:
        call()
    except grpc.RpcError:
        return False
    return True


def _call(stub: Any, token: str, path: str) -> Call:
    arguments = SIGNAL if path == EMIT else b""
    request = cortex_pb2.InvokeRequest(path=path, arguments=arguments, namespace="default")
    said = (("authorization", f"Bearer {token}"),)
    return lambda: list(stub.Invoke(request, metadata=said, timeout=30))


def _median(runs: int, *calls: Call) -> list[float]:
    """The median of each, taken in turn."""
    taken = [[_seconds(call) for call in calls] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def _seconds(call: Call) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
