"""Listens, and gives each connection a thread, so many and no more.

Whoever reaches the address may connect. When all places are taken, the one that has waited longest without showing
the token makes room: strangers cannot lock the agent out.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from kgents.symbionts.memory.wire import PIECE, Answer, Exchange, Gone, Refusal

PLACES = 16
HEAD_PATIENCE, PATIENCE = 5.0, 60.0
"""Seconds for a stranger to show the token, and for the agent to say and hear everything."""
STACK = 256 << 10

Handle = Callable[[Exchange], Answer]
Admit = Callable[[Exchange], bool]


class Server:
    """`admit` says whether a request shows the token, or needs none; `handle` answers it."""

    def __init__(self, address: tuple[str, int], admit: Admit, handle: Handle) -> None:
        self._admit, self._handle = admit, handle
        self._strangers: dict[int, socket.socket] = {}
        self._known = 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(address, backlog=64)
        self._closed = False

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def serve(self) -> None:
        """Until `close`."""
        threading.stack_size(STACK)
        while not self._closed:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if not self._closed:
                    time.sleep(0.05)  # out of files: some will be free again
                continue
            if not self._take(connection):
                with contextlib.suppress(OSError), connection:
                    Exchange(connection, 0).answer(Answer(503, {"error": "too many requests at the same time"}))
                continue
            threading.Thread(target=self._keep, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """No further connections."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _take(self, connection: socket.socket) -> bool:
        with self._lock:
            if self._known + len(self._strangers) >= PLACES:
                if not self._strangers:
                    return False
                oldest = self._strangers.pop(next(iter(self._strangers)))
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._strangers[id(connection)] = connection
        return True

    def _keep(self, connection: socket.socket) -> None:
        known: list[bool] = []
        exchange = Exchange(connection, time.monotonic() + HEAD_PATIENCE)
        try:
            with connection:
                exchange.answer(self._answer(exchange, connection, known))
                _drain(connection)
        except (Gone, OSError):
            return  # nobody is there any more
        finally:
            with self._lock:
                self._strangers.pop(id(connection), None)
                self._known -= len(known)

    def _answer(self, exchange: Exchange, connection: socket.socket, known: list[bool]) -> Answer:
        try:
            exchange.read_head()
            if not self._admit(exchange):
                raise Refusal(401, "the memory opens to its own agent alone: show the token of this pod")
            self._welcome(connection)
            known.append(True)
            exchange.extend(time.monotonic() + PATIENCE)
            return self._handle(exchange)
        except Refusal as refusal:
            return Answer(refusal.status, {"error": refusal.message})

    def _welcome(self, connection: socket.socket) -> None:
        """It is no stranger any more, unless it had to make room meanwhile."""
        with self._lock:
            if self._strangers.pop(id(connection), None) is None:
                raise Gone
            self._known += 1


def _drain(connection: socket.socket) -> None:
    """Takes what the peer still sends, for a moment: closing on unread bytes would destroy the answer on its way."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(0.5)
    for _ in range(32):
        if not connection.recv(PIECE):
            return
