"""A real Cortex process over its socket, in front of a real API server with the CRDs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from kgents.infra import home
from kgents.kube import config
from kgents.wire import cortex_pb2, cortex_pb2_grpc
from tests.support.hive import HiveApi
from tests.support.waiting import eventually

CRDS = Path(__file__).parents[3] / "crds"
AGENTS, SENSE = "world.cluster.agents.manifest", "void.pheromone.sense"
RPC_SECONDS = 30


@dataclass
class Daemon:
    """One Cortex and a client of it."""

    process: subprocess.Popen[str]
    key: str
    home: Path
    token: str = ""

    def stub(self) -> Any:
        channel = grpc.insecure_channel(
            f"unix:{home.cortex_socket(self.key)}", options=[("grpc.default_authority", "localhost")]
        )
        return cortex_pb2_grpc.CortexStub(channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = self.token or home.cortex_token_file(self.key).read_text()
        return (("authorization", f"Bearer {token}"),)

    def invoke(self, path: str, namespace: str = "", version: str = "", **arguments: Any) -> list[dict[str, Any]]:
        request = cortex_pb2.InvokeRequest(
            path=path, arguments=json.dumps(arguments).encode(), namespace=namespace, client_version=version
        )
        replies = list(self.stub().Invoke(request, metadata=self.metadata, timeout=RPC_SECONDS))
        return [json.loads(item) for reply in replies for item in reply.items]

    def watch(self, path: str, namespace: str = "", **arguments: Any) -> Any:
        request = cortex_pb2.WatchRequest(path=path, arguments=json.dumps(arguments).encode(), namespace=namespace)
        return self.stub().Watch(request, metadata=self.metadata, timeout=120)

    def error(self, path: str, **given: Any) -> tuple[grpc.StatusCode, dict[str, str]] | None:
        """The code and the three parts of the error that a call ends with; None when it succeeds."""
        try:
            self.invoke(path, **given)
        except grpc.RpcError as error:
            text = error.details()
            return error.code(), json.loads(text) if text.startswith("{") else {"what": text}
        return None

    def answers(self) -> bool:
        return self.error(AGENTS) is None

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


def start(kubeconfig: Path, *options: str) -> Daemon:
    command = [sys.executable, "-P", "-m", "cortex", "--kubeconfig", str(kubeconfig), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ.copy())
    key = config.load(path=kubeconfig).key if kubeconfig.exists() else ""
    return Daemon(process, key, home.home())


@pytest.fixture
def kgents_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Short: a Unix socket's path holds about a hundred bytes.
    with tempfile.TemporaryDirectory(prefix="kg") as folder:
        monkeypatch.setenv("KGENTS_HOME", folder)
        yield Path(folder)


@pytest.fixture
def daemon(api_with_kinds: HiveApi, kgents_home: Path) -> Iterator[Daemon]:
    daemon = start(api_with_kinds.kubeconfig)
    try:
        eventually(daemon_ready(daemon))
        yield daemon
    finally:
        daemon.stop()


def daemon_ready(daemon: Daemon) -> Any:
    return lambda: home.cortex_token_file(daemon.key).exists() and daemon.answers()


@pytest.fixture
def namespace(new_namespace: Callable[[str], str]) -> str:
    """A namespace of one test's own."""
    return new_namespace("cortex")
