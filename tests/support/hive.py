"""A real embedded API server, as a process, for tests that speak HTTPS to it."""

from __future__ import annotations

import json
import queue
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass
class HiveApi:
    """A running server and what a client needs to talk to it."""

    url: str
    dir: Path
    process: subprocess.Popen[str]

    @property
    def ca_file(self) -> Path:
        """The certificate of its authority."""
        return self.dir / "pki" / "ca.crt"

    @property
    def token(self) -> str:
        """The administrator's token."""
        tokens = json.loads((self.dir / "tokens.json").read_text())
        return str(tokens[0]["token"])

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.dir / "kubeconfig"

    @property
    def is_shared(self) -> bool:
        """Whether others use it too, so that nothing may be left behind."""
        return False

    @property
    def user(self) -> str:
        """Who that is."""
        return "kubernetes-admin"

    def ssl_context(self, *, anonymous: bool = False) -> ssl.SSLContext:
        """TLS with the client's certificate, where there is one and it is wanted."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def stop(self) -> None:
        """Ends it in peace, or by force."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """Ends it with no chance to finish anything."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(directory: Path, *, port: int = 0, deadline: float = 60.0) -> HiveApi:
    """Starts a server on its data directory and waits until it says that it is ready."""
    command = [sys.executable, "-P", "-m", "kgents.embedded.apiserver", "--data-dir", str(directory)]
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "apiserver.log").open("a") as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    line = _first_line(process.stdout, deadline)
    if not line.startswith("ready "):
        process.kill()
        process.wait()
        raise AssertionError(f"the API server did not start: {(directory / 'apiserver.log').read_text()[-2000:]}")
    return HiveApi(line.split()[1], directory, process)


def _first_line(stream: IO[str], deadline: float) -> str:
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=deadline)
    except queue.Empty:
        return ""
