"""Connections to one API server: kept open, opened anew when lost, never shared by two at a time or by a fork."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kgents.api.errors import Unreachable
from kgents.sdk.login import Login

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
KEPT = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
LOST = (OSError, http.client.HTTPException)
"""What a lost connection is met as; ssl.SSLError is an OSError."""
NOT_NOW = 503
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `again`: an earlier try of it may have reached the server, and may have been carried out."""

    status: int
    data: bytes
    retry_after: float | None
    again: bool


class Connection(http.client.HTTPConnection):
    """One, opened with short patience and used with a longer one."""

    def __init__(self, login: Login, context: ssl.SSLContext | None) -> None:
        parts = urlsplit(login.config.server)
        super().__init__(parts.hostname or "", parts.port or (443 if context else 80), timeout=CONNECT_SECONDS)
        self._context = context
        self._server_name = login.config.tls_server_name or parts.hostname

    def connect(self) -> None:
        super().connect()
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self._server_name)
        self.sock.settimeout(ANSWER_SECONDS)
        self.wire: socket.socket = self.sock

    def ask(self, method: str, target: str, headers: Headers, body: bytes | None) -> http.client.HTTPResponse:
        """Sends it, and returns the beginning of the answer."""
        self.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        if body is not None:
            self.putheader("Content-Length", str(len(body)))
        self.endheaders(body)
        return self.getresponse()


class Connections:
    """Threads take one each. One that a fork inherited is put away: two processes would read each other's answers."""

    def __init__(self, login: Login, patience: float) -> None:
        self.login, self.patience = login, patience
        self._kept: deque[tuple[int, Connection]] = deque()
        self._context: ssl.SSLContext | None = None

    def exchange(self, method: str, target: str, headers: Headers, body: bytes | None, *, repeatable: bool) -> Reply:
        """One request and its answer. Tried again for `patience` seconds while the server is away, or says 503.

        Not `repeatable`: only as long as it cannot have reached the server. Raises Unreachable.
        """
        until = time.monotonic() + self.patience
        pause, again = FIRST_PAUSE, False
        while True:
            # What must not be repeated does not go where nobody can tell whether the other end has hung up.
            kept = self._take() if repeatable else None
            try:
                connection = kept or self.open()
                try:
                    reply = self._answer(connection, method, target, headers, body, again)
                except LOST:
                    again = True
                    raise
            except LOST as error:
                if (again and not repeatable) or _is_for_good(error):
                    raise self._unreachable(error, again) from error
                if kept is not None:
                    continue  # It may have been closed while nobody looked: a new one tells whether anything is wrong.
                if time.monotonic() + pause > until:
                    raise self._unreachable(error, again) from error
            else:
                if reply.status != NOT_NOW or time.monotonic() + pause > until:
                    return reply
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def open(self) -> Connection:
        """A new connection, that of the caller alone. Raises OSError."""
        if self._context is None:
            self._context = self.login.context()
        made = Connection(self.login, self._context)
        try:
            made.connect()
        except BaseException:
            made.close()
            raise
        return made

    def forget_certificate(self) -> None:
        """New connections show the certificate that the login has then."""
        self._context = None
        while self._take() is not None:
            pass

    def _answer(
        self, connection: Connection, method: str, target: str, headers: Headers, body: bytes | None, again: bool
    ) -> Reply:
        try:
            response = connection.ask(method, target, headers, body)
            reply = Reply(response.status, response.read(), _seconds(response.getheader("Retry-After")), again)
        except BaseException:
            connection.close()  # Half an answer may be left in it.
            raise
        if connection.sock is not None and len(self._kept) < KEPT:
            self._kept.append((os.getpid(), connection))
        return reply

    def _take(self) -> Connection | None:
        while True:
            try:
                owner, connection = self._kept.pop()
            except IndexError:
                return None
            if owner == os.getpid():
                return connection
            connection.close()

    def _unreachable(self, error: BaseException, again: bool) -> Unreachable:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        unknown = "; it is not known whether it has done what it was asked" if again else ""
        return Unreachable(f"the API server at {self.login.config.server} does not answer", why=f"{why}{unknown}")


def _is_for_good(error: BaseException) -> bool:
    """Whether trying again cannot help: who answers is not who was meant, or there is no such host."""
    return isinstance(error, (ssl.SSLCertVerificationError, socket.gaierror))


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None
