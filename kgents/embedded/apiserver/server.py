"""Listens: TLS on a loopback address, until told to stop."""

from __future__ import annotations

import asyncio
import resource
import socket
from pathlib import Path

import orjson
from aiohttp import web

from kgents.api.errors import UsageError
from kgents.embedded.apiserver.assembly import assemble, plant
from kgents.embedded.apiserver.http import BODY_LIMIT, Edge
from kgents.embedded.apiserver.store.opening import close_store
from kgents.embedded.auth import pki
from kgents.embedded.auth.files import write_private
from kgents.kube.lean import use_small_buffers

IDLE_SECONDS = 120.0
"""A connection on which no whole request has come for so long is closed."""
PATIENCE = {"TCP_USER_TIMEOUT": 60_000, "TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Accepted connections inherit these. The kernel cuts off a client that takes nothing of what waits for it for a
minute, whatever it asked for, and finds out within two that a peer has gone without a word."""
LONGEST_LINE = 128 * 1024
"""Of a request's head: a selector of a thousand names is a long line."""


def listen(address: str, port: int) -> socket.socket:
    """A bound socket. Raises UsageError if somebody else is there."""
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in PATIENCE.items():
        if hasattr(socket, option):
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    try:
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise UsageError(
            f"Cannot listen on {address}:{port}", why=str(error.strerror), fix="Is another hive there? Stop it first."
        ) from error
    return bound


async def serve(
    directory: Path, address: str, port: int, service_cidr: str, stop: asyncio.Event, *, kubeconfig: bool = True
) -> None:
    """Serves until `stop` is set. Prints `ready URL` when requests are answered.

    Raises Damaged if the store broke meanwhile: whoever keeps this process starts it again, and that start mends it.

    `kubeconfig`: whether to write the administrator's; a hive that somebody else set up has its own already.
    """
    use_small_buffers()
    _allow_many_files()
    bound = listen(address, port)
    port = bound.getsockname()[1]
    keys = pki.ensure(directory / "pki", [address, "127.0.0.1"])
    api, custom = assemble(directory, keys, service_cidr)
    api.address, api.port = address, port
    await plant(api)
    custom.resume()
    runner = web.ServerRunner(_server(Edge(api)), access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.SockSite(runner, bound, ssl_context=pki.server_context(keys), backlog=512).start()
        if kubeconfig:
            write_kubeconfig(directory, f"https://{address}:{port}", keys, api.authenticator.static.admin_token)
        print(f"ready https://{address}:{port}", flush=True)
        api.store.on_damage = stop.set
        await stop.wait()
    finally:
        api.stopping.set()
        api.store.end_watches()
        await runner.cleanup()
        for client in api.clients.values():
            await client.close()
        close_store(api.store)


def _server(edge: Edge) -> web.Server:
    def request(message, payload, protocol, writer, task):  # type: ignore[no-untyped-def]
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT)

    return web.Server(
        edge.handle,
        request_factory=request,
        keepalive_timeout=IDLE_SECONDS,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
    )


def _allow_many_files() -> None:
    """As many connections as the system lets this process have: the usual 1024 is less than a busy hive's watches."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def write_kubeconfig(directory: Path, url: str, keys: pki.Pki, token: str) -> None:
    """The admin's kubeconfig, beside the store; replaced in one step."""
    import base64

    authority = base64.b64encode(keys.ca_cert.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "hive",
        "clusters": [{"name": "hive", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "hive", "context": {"cluster": "hive", "user": "admin"}}],
    }
    # JSON is YAML, and needs no YAML library at start.
    write_private(directory / "kubeconfig", orjson.dumps(config, option=orjson.OPT_INDENT_2))
