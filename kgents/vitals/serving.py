"""/healthz, /readyz and /metrics over HTTP, at addresses of their own: a kubelet asks one, Prometheus the other."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from kgents.api.errors import KgentsError

if TYPE_CHECKING:
    from aiohttp import web

Address = tuple[str, int]
Ready = Callable[[], str]
"""Why it is not ready in words, "" when it is."""


class Options(NamedTuple):
    """Where to serve what; None: nowhere."""

    health: Address | None = None
    metrics: Address | None = None


NOWHERE = Options()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--health` and `--metrics`."""
    parser.add_argument("--health", metavar="HOST:PORT", type=address, help="serve /healthz and /readyz there")
    parser.add_argument("--metrics", metavar="HOST:PORT", type=address, help="serve Prometheus' /metrics there")


def address(text: str) -> Address:
    """HOST:PORT, an IPv6 host in brackets or not. Raises argparse.ArgumentTypeError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


@asynccontextmanager
async def serving(service: str, options: Options, ready: Ready) -> AsyncIterator[None]:
    """Serves while it is open, and traces where OTEL_… says so. Raises KgentsError when it cannot listen."""
    from kgents.vitals import traces

    async with AsyncExitStack() as stack:
        stack.callback(traces.begin(service))
        if options.health:
            await stack.enter_async_context(_listening(options.health, _health(ready)))
        if options.metrics:
            from kgents.vitals.metrics import Metrics

            metrics = Metrics()
            stack.callback(metrics.close)
            await stack.enter_async_context(_listening(options.metrics, _metrics(metrics.text)))
        yield


def _health(ready: Ready) -> web.Application:
    from aiohttp import web

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")  # that it is said at all is the news: the event loop turns

    async def readyz(_: web.Request) -> web.Response:
        why = ready()
        return web.Response(text=f"{why or 'ok'}\n", status=503 if why else 200)

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


def _metrics(text: Callable[[], bytes]) -> web.Application:
    from aiohttp import web

    from kgents.vitals.metrics import CONTENT_TYPE

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    return app


@asynccontextmanager
async def _listening(where: Address, app: web.Application) -> AsyncIterator[None]:
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *where).start()
        except OSError as error:
            raise KgentsError(f"cannot listen on {where[0]}:{where[1]}", why=str(error.strerror or error)) from error
        yield
    finally:
        await runner.cleanup()
