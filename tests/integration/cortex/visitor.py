"""A Cortex as it stands in a cluster, and callers of it: over TLS, by the tokens of ServiceAccounts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kgents.wire import cortex_pb2, cortex_pb2_grpc
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

RBAC = Path(__file__).parents[3] / "cortex" / "deploy" / "base" / "rbac.yaml"
NAME = "kgents-cortex.kgents-system.svc"
RPC_SECONDS = 30
Row = dict[str, Any]


@dataclass
class Pair:
    """A certificate that is its own authority, in files as a Secret is mounted."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        return self.folder / "tls.key"

    def write(self, *names: str) -> None:
        """A new one, in place of what is there."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kgents-cortex")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names or (NAME,)])
        signed = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        for path, content in ((self.key, pem), (self.certificate, signed.public_bytes(serialization.Encoding.PEM))):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.replace(path)


@dataclass
class Far:
    """One Cortex that listens on TCP. `log` is what it has written so far."""

    process: subprocess.Popen[str]
    pair: Pair
    log: list[str] = field(default_factory=list)
    port: int = 0

    def wait_for_port(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: self.port)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"serves .* on 127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@dataclass
class Caller:
    """Somebody who calls it. `metadata` comes with every call, beside the token."""

    far: Far
    token: str | None
    metadata: tuple[tuple[str, str], ...] = ()

    def _said(self) -> tuple[tuple[str, str], ...]:
        own = (("authorization", f"Bearer {self.token}"),) if self.token is not None else ()
        return (*own, *self.metadata)

    def stub(self) -> tuple[grpc.Channel, Any]:
        trusted = grpc.ssl_channel_credentials(self.far.pair.certificate.read_bytes())
        options = [("grpc.ssl_target_name_override", NAME), ("grpc.enable_http_proxy", 0)]
        channel = grpc.secure_channel(f"127.0.0.1:{self.far.port}", trusted, options)
        return channel, cortex_pb2_grpc.CortexStub(channel)  # type: ignore[no-untyped-call]

    def invoke(self, path: str, namespace: str = "", **arguments: Any) -> list[Row]:
        """The rows. Raises grpc.RpcError."""
        request = cortex_pb2.InvokeRequest(path=path, arguments=json.dumps(arguments).encode(), namespace=namespace)
        channel, stub = self.stub()
        with channel:
            replies = list(stub.Invoke(request, metadata=self._said(), timeout=RPC_SECONDS))
        return [json.loads(item) for reply in replies for item in reply.items]

    @contextlib.contextmanager
    def watch(self, path: str, namespace: str = "", **arguments: Any) -> Iterator[Any]:
        request = cortex_pb2.WatchRequest(path=path, arguments=json.dumps(arguments).encode(), namespace=namespace)
        channel, stub = self.stub()
        with channel:
            call = stub.Watch(request, metadata=self._said(), timeout=120)
            try:
                yield call
            finally:
                call.cancel()

    def refusal(self, path: str, namespace: str = "", **arguments: Any) -> str:
        """The code that a call ends with, "" when it succeeds."""
        return self.trouble(path, namespace, **arguments)[0]

    def trouble(self, path: str, namespace: str = "", **arguments: Any) -> tuple[str, str]:
        """The code and the text of the error that a call ends with; both "" when it succeeds."""
        try:
            self.invoke(path, namespace, **arguments)
        except grpc.RpcError as error:
            return error.code().name, str(error.details())
        return "", ""

    def opening(self, path: str, namespace: str = "", **arguments: Any) -> str:
        """As `refusal`, of a watch: what it ends with before anything is told."""
        with self.watch(path, namespace, **arguments) as call:
            try:
                next(iter(call))
            except StopIteration:
                return ""
            except grpc.RpcError as error:
                return str(error.code().name)
        return ""


def install(kubectl: Kubectl, folder: Path) -> Path:
    """The rights of a Cortex in a cluster, and a kubeconfig that acts as it."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kgents-system"}}
    kubectl("apply", "--server-side", "-f", "-", input=json.dumps(namespace))
    kubectl("apply", "-f", str(RBAC))
    return login(kubectl, folder, token(kubectl, "kgents-cortex", "kgents-system"))


def login(kubectl: Kubectl, folder: Path, shown: str) -> Path:
    """The kubectl's kubeconfig with a token in place of its user."""
    config = yaml.safe_load(Path(kubectl.kubeconfig).read_text())
    for entry in config["users"]:
        entry["user"] = {"token": shown}
    path = folder / "kubeconfig-far"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


def token(kubectl: Kubectl, account: str, namespace: str, *options: str) -> str:
    return str(kubectl("create", "token", account, "-n", namespace, *options)).strip()


def start(kubeconfig: Path, folder: Path, *options: str) -> Far:
    pair = Pair(folder)
    pair.write()
    command = [sys.executable, "-P", "-m", "cortex", "--kubeconfig", str(kubeconfig), "--listen", "127.0.0.1:0"]
    command += ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ.copy())
    far = Far(process, pair)
    far.wait_for_port()
    return far
