"""How clients reach the server: over stdin and stdout, or over HTTP on this machine with a token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import signal
import socket
import stat
from pathlib import Path

import anyio
import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.auth.provider import AccessToken
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.authentication import AuthenticationMiddleware

from kgents import files
from kgents.api.errors import KgentsError, UsageError
from kgents.glass.look import Tell
from kgents.infra.home import home, private_dir
from kgents.mcp.hive import Hive
from kgents.mcp.server import build

ROUTE = "/mcp"
PATIENCE = 1
"""Whole seconds for what is under way when the server is ended."""


def over_stdio(hive: Hive) -> None:
    """Serves one client until it closes stdin. Nothing but the protocol goes to stdout."""
    # The reader's thread cannot be interrupted, and there is nothing to tidy up: a signal ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    anyio.run(_stdio, hive)


async def _stdio(hive: Hive) -> None:
    server = build(hive)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def over_http(hive: Hive, address: str, tell: Tell) -> None:
    """Serves clients that bear the token, until a signal ends it. `tell` gets how to reach it."""
    listener = _listener(address)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    tokens = Tokens(home() / "mcp" / "token")
    tokens.prepare()
    # Only who asks for this very address is answered: a page whose name was rebound to it asks for another.
    known = [shown, f"localhost:{port}"]
    guard = TransportSecuritySettings(allowed_hosts=known, allowed_origins=[f"http://{one}" for one in known])
    app = build(hive).streamable_http_app(
        streamable_http_path=ROUTE, host=host, transport_security=guard, token_verifier=tokens
    )
    app.add_middleware(AuthenticationMiddleware, backend=BearerAuthBackend(tokens))
    tell(f"MCP is served at http://{shown}{ROUTE}; clients send Authorization: Bearer $(cat {tokens.path})")
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=PATIENCE
    )
    with listener:
        anyio.run(uvicorn.Server(config).serve, [listener])


class Tokens:
    """The token in a file that its owner alone can read. It is read each time: who writes another one there, or
    removes it, changes at once who may come in."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Makes a token where there is none. Raises KgentsError where others can read it."""
        private_dir(self.path.parent)
        if not self.path.exists():
            files.write_private(self.path, secrets.token_urlsafe(32))
        if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
            raise KgentsError(f"Others can read {self.path}", fix=f"Remove it, and a new token is made: rm {self.path}")

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who bears it, or None. What the SDK asks of a token verifier."""
        try:
            wanted = self.path.read_bytes().strip()
        except OSError:
            return None
        if not wanted or not hmac.compare_digest(token.encode(errors="replace"), wanted):
            return None
        return AccessToken(token=token, client_id="owner", scopes=[])


def _listener(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]") if host != "localhost" else "127.0.0.1"
    try:
        parsed = ipaddress.ip_address(host)
        number = int(port)
        if not 0 <= number <= 65535:
            raise ValueError(f"there is no port {number}")
    except ValueError as error:
        raise UsageError(f"“{address[:80]}” is no address", why=str(error), fix="Such as 127.0.0.1:8750") from error
    if not parsed.is_loopback:
        raise UsageError(
            f"{host} can be reached from other machines, and this is not encrypted",
            fix="Serve it on 127.0.0.1, and put what speaks TLS before it",
        )
    try:
        return socket.create_server((host, number), family=socket.AF_INET6 if parsed.version == 6 else socket.AF_INET)
    except OSError as error:
        raise KgentsError(f"{address} cannot be listened on", why=error.strerror or str(error)) from error
