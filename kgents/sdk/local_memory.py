"""A memory for an agent outside of its pod: the sidecar's own code, in this process, on a folder of this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kgents.sdk.memory import ANSWER_SECONDS, Memory

if TYPE_CHECKING:
    from kgents.symbionts.memory.service import Service

SIZE = 256 << 20


class LocalMemory(Memory):
    """As a memory of the type KeyValue, with 256 MiB. Processes may share the folder, and a fork opens its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._service: tuple[int, Service] | None = None
        self._inherited: list[Service] = []
        """From before a fork: SQLite wants them neither used nor closed in the child."""
        self._lock = threading.Lock()

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        import json

        from kgents.symbionts.memory.wire import Exchange, Refusal

        head = f"{method} {path} HTTP/1.1\r\nContent-Length: {len(body or b'')}\r\n\r\n"
        here, there = socket.socketpair()
        with here, there:
            # In a thread of its own: a large one waits to be read.
            sending = threading.Thread(target=_send, args=(there, head.encode() + (body or b"")))
            sending.start()
            exchange = Exchange(here, time.monotonic() + ANSWER_SECONDS)
            try:
                exchange.read_head()
                answer = self._opened().handle(exchange)
            except Refusal as refusal:
                return refusal.status, json.dumps({"error": refusal.message}).encode()
            finally:
                here.shutdown(socket.SHUT_RD)  # Whatever was not wanted is not waited for.
                sending.join()
        if answer.file is not None:
            with answer.file as file:
                file.seek(0)
                return answer.status, file.read()
        return answer.status, b"" if answer.status == 204 else json.dumps(answer.body).encode()

    def _opened(self) -> Service:
        from kgents.symbionts.memory.database import Database
        from kgents.symbionts.memory.service import Service
        from kgents.symbionts.memory.settings import Settings

        with self._lock:
            if self._service is not None and self._service[0] != os.getpid():
                self._inherited.append(self._service[1])
                self._service = None
            if self._service is None:
                database = Database(self._folder)
                database.resize(SIZE)
                settings = Settings("KeyValue", SIZE)
                self._service = os.getpid(), Service(database, settings, "", lambda why: self._forget())
            return self._service[1]

    def _forget(self) -> None:
        """The file is damaged: who opens it next sets it aside."""
        self._service = None


def _send(to: socket.socket, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # Too large: it was refused for its length, and not read.
        to.sendall(data)
