"""One HTTP session to one API server: TLS, credentials, time limits, and errors in kgents' own words."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import socket
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from kgents.api.errors import UsageError
from kgents.kube.config import ClusterConfig
from kgents.kube.credentials import Credentials
from kgents.kube.errors import ApiError, ApiUnreachable, from_status
from kgents.kube.impersonation import Identity
from kgents.kube.lean import use_small_buffers

CONNECT_TIMEOUT = 5.0
RETRIES_ON_429 = 4
MAX_RETRY_AFTER = 10.0
_NETWORK_ERRORS = (aiohttp.ClientError, asyncio.TimeoutError, ssl.SSLError, OSError)

Params = Mapping[str, str | int | bool | None]


class Transport:
    """Requests to `config.server`. Every answer that is not a success is raised as an ApiError."""

    def __init__(self, config: ClusterConfig, *, timeout: float, user_agent: str, connections: int) -> None:
        use_small_buffers()
        self.config = config
        self.timeout = timeout
        self.last_heard: float | None = None
        """time.monotonic() of the last answer, whatever it said."""
        self._user_agent = user_agent
        # Requests take turns; watches and logs that are followed do not, for they would keep their place for ever.
        self._turns = asyncio.Semaphore(connections)
        self._credentials = Credentials(config)
        self._session: aiohttp.ClientSession | None = None
        self._opening = asyncio.Lock()
        self._owner = self
        self._acting_as = [("Impersonate-User", config.impersonate)] if config.impersonate else []
        self._acting_as += [("Impersonate-Group", group) for group in config.impersonate_groups]
        self._proxy = _proxy(config)

    def acting_as(self, identity: Identity) -> Transport:
        """The same server through the same connections, as somebody else; closed with this one. Raises Refused."""
        other = copy.copy(self)
        other._acting_as = list(identity.headers())
        return other

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> Any:
        """The decoded answer: JSON, or text when it is none. 429 is waited for, as the server asks."""
        limit = aiohttp.ClientTimeout(total=timeout or self.timeout, connect=CONNECT_TIMEOUT)
        for attempt in range(RETRIES_ON_429 + 1):
            try:
                async with (
                    self._turns,
                    self.stream(
                        method, path, params=params, body=body, content_type=content_type, accept=accept, timeout=limit
                    ) as response,
                ):
                    with _translated(self.config, limit.total):
                        return _decoded(await response.read(), response.content_type)
            except ApiError as error:
                if error.status != 429 or attempt == RETRIES_ON_429:
                    raise
                pause = 1.0 if error.retry_after is None else error.retry_after
                await asyncio.sleep(min(pause, MAX_RETRY_AFTER))
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body the caller reads. Raises ApiError or ApiUnreachable before it yields."""
        headers = {"Accept": accept, "User-Agent": self._user_agent}
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = body if isinstance(body, (bytes, str)) else _json(body)
        limit = timeout or aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT)
        response = await self._send(method, _url(self.config.server, path, params), headers, data, limit)
        try:
            self.last_heard = time.monotonic()
            if response.status >= 400:
                raise await self._failure(response)
            yield response
        finally:
            response.close() if response.content.exception() or not response.content.at_eof() else response.release()

    async def _send(
        self, method: str, url: URL, headers: dict[str, str], data: bytes | str | None, limit: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        session = await self._owner._open()
        for renewed in (False, True):
            who = CIMultiDict(headers | await self._credentials.headers())
            who.extend(self._acting_as)
            with _translated(self.config, limit.total):
                response = await session.request(
                    method,
                    url,
                    headers=who,
                    data=data,
                    timeout=limit,
                    proxy=self._proxy,
                    allow_redirects=False,
                    server_hostname=self.config.tls_server_name,
                )
            if response.status != 401 or renewed or not self._credentials.renewable():
                return response
            response.release()
            self._credentials.invalidate()
        return response

    async def websocket(self, path: str, params: Params, protocol: str) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket that speaks `protocol`; whoever asked closes it. Raises ApiError or ApiUnreachable.

        It sends no pings: while its reader holds it back the answers would not be seen. TCP notices who vanished.
        """
        session = await self._owner._open()
        url, renewed = _url(self.config.server, path, params), False
        while True:
            who = CIMultiDict({"User-Agent": self._user_agent} | await self._credentials.headers())
            who.extend(self._acting_as)
            try:
                with _translated(self.config, self.timeout):
                    async with asyncio.timeout(self.timeout):
                        opened = await session.ws_connect(
                            url,
                            protocols=(protocol,),
                            headers=who,
                            proxy=self._proxy,
                            server_hostname=self.config.tls_server_name,
                        )
                break
            except ApiUnreachable as error:
                refusal = error.__cause__
                if not isinstance(refusal, aiohttp.WSServerHandshakeError) or refusal.status < 300:
                    raise
                if refusal.status != 401 or renewed or not self._credentials.renewable():
                    raise from_status("", refusal.status, context=self.config.context) from error
                self._credentials.invalidate()
                renewed = True
        self.last_heard = time.monotonic()
        if opened.protocol != protocol:
            await opened.close()
            raise ApiUnreachable(f"{self.config.server} does not speak {protocol}")
        return opened

    async def _open(self) -> aiohttp.ClientSession:
        async with self._opening:
            if self._session is None:
                context = await self._credentials.ssl_context()
                connector = aiohttp.TCPConnector(
                    ssl=context if context is not None else True,
                    limit=0,
                    socket_factory=_keepalive_socket,
                )
                self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            return self._session

    async def _failure(self, response: aiohttp.ClientResponse) -> ApiError:
        with _translated(self.config, self.timeout):
            # Not wait_for: until Python 3.12 that swallows a cancellation when the answer is there already.
            async with asyncio.timeout(self.timeout):
                body = _decoded(await response.read(), response.content_type)
        try:
            retry_after = float(response.headers.get("Retry-After", ""))
        except ValueError:
            retry_after = None
        return from_status(body, response.status, retry_after=retry_after, context=self.config.context)


@contextlib.contextmanager
def _translated(config: ClusterConfig, limit: float | None) -> Any:
    try:
        yield
    except _NETWORK_ERRORS as error:
        raise unreachable(config, error, limit) from error


def unreachable(config: ClusterConfig, error: BaseException, limit: float | None = None) -> ApiUnreachable:
    """A network error in words: the server, why, and what may help."""
    fix = ""
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError)):
        inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
        why = f"its certificate is not to be trusted ({getattr(inner, 'verify_message', None) or inner})"
        fix = "The hive may have been made anew: check certificate-authority-data in the kubeconfig"
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        why = f"no connection after {CONNECT_TIMEOUT:g} s"
    elif isinstance(error, asyncio.TimeoutError):
        why = f"no answer after {limit:g} s" if limit else "it went silent"
    elif isinstance(error, OSError) and error.errno:
        # The text of the exception itself has addresses in it; that of the number is what people know.
        why = os.strerror(error.errno).lower() if error.errno > 0 else error.strerror or str(error)
    else:
        why = str(error) or type(error).__name__
    return ApiUnreachable(f"cannot reach {config.server} (context {config.context})", why=why, fix=fix)


def _url(server: str, path: str, params: Params | None) -> URL:
    url = URL(server + path)
    query = {key: _param(value) for key, value in (params or {}).items() if value is not None}
    return url.update_query(query) if query else url


def _param(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:  # a number beyond 64 bits, half of a character
        raise UsageError("the API server cannot be sent this", why=str(error)) from error


def _decoded(raw: bytes, content_type: str) -> Any:
    if content_type == "application/json" or content_type.endswith("+json"):
        try:
            return orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError as error:
            raise ApiUnreachable("the API server's answer is broken", why=f"no JSON: {error}") from error
    return raw.decode("utf-8", "replace")


def _keepalive_socket(address: Any) -> socket.socket:
    """A peer that vanishes without a word (a NAT, a pulled cable) is noticed within about a minute."""
    family, kind, protocol, _, _ = address
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return sock


def _proxy(config: ClusterConfig) -> str | None:
    """As kubectl: the cluster's own, else the environment's, but never for this machine itself."""
    if config.proxy_url:
        return config.proxy_url
    parts = urlsplit(config.server)
    host = parts.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127.") or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)
