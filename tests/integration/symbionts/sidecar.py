"""A memory sidecar as a process of its own, and ways to speak to it that no client would choose."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.sdk.memory import Memory
from tests.support.waiting import eventually


@dataclass
class Sidecar:
    """One in `folder`; it can be killed and begun again."""

    folder: Path
    port: int = 0
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    @property
    def client(self) -> Memory:
        return Memory(f"http://127.0.0.1:{self.port}", str(self.token_file))

    @property
    def token_file(self) -> Path:
        return self.folder / "token" / "token"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def configure(self, **settings: Any) -> None:
        scratch = self.folder / "settings.tmp"
        scratch.write_text(json.dumps(settings))
        scratch.replace(self.folder / "settings.json")

    def begin(self, *, largest_file: int | None = None, env: dict[str, str] | None = None) -> Sidecar:
        command = [sys.executable, "-P", "-m", "kgents.symbionts.memory", "--listen", f"127.0.0.1:{self.port}"]
        command += ["--data", str(self.folder / "data"), "--token-file", str(self.token_file)]
        command += ["--settings", str(self.folder / "settings.json")]

        def bound() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        self.lines = []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=bound, env=env
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        process = self.process
        line = eventually(lambda: self.said("listening on ") or (process.poll() is not None and "ended"))
        assert line != "ended", self.lines
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def said(self, part: str) -> str:
        """The last line of its log with that in it."""
        return next((line for line in reversed(self.lines) if part in line), "")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def raw(self, data: bytes, *, finish: bool = True) -> bytes:
        """What is answered to these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(data)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionResetError:
                return answer
            return answer

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """The status of the answer, the token shown."""
        given = {"Authorization": f"Bearer {self.token_file.read_text()}", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
        answer = self.raw(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return int(answer.split()[1])

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            self.lines.extend(line.rstrip("\n") for line in process.stdout)
