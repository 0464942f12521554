"""One Cortex for one context: it takes the lock, serves, and leaves when nobody needs it.

On a machine of its owner's it serves him on a Unix socket; in a cluster it serves whoever Kubernetes knows, over TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from cortex.answers import World
from cortex.ghostwriter import Ghostwriter
from cortex.journal import Journal
from cortex.listening import Listen, tls_server
from cortex.mirror import Mirror
from cortex.rights import Rights
from cortex.service import Service, TokenRequired, Uses, VisitorsOnly
from cortex.tokens import Tokens
from cortex.visitors import Visitors
from cortex.voices import Voices
from cortex.witness import Witness
from kgents import files
from kgents.api.errors import KgentsError
from kgents.api.kinds import KINDS
from kgents.glass.ghost import ghost_of, hive_name
from kgents.infra import home
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.vitals.serving import NOWHERE, Options, serving
from kgents.wire import cortex_pb2, cortex_pb2_grpc

log = logging.getLogger(__name__)

IDLE_EXIT = 30 * 60.0
LOOK = 1.0
GRACE = 2.0
NAME = cortex_pb2.DESCRIPTOR.services_by_name["Cortex"].full_name
LONGEST_SOCKET = 107


class AlreadyRunning(KgentsError):
    """Another Cortex serves this context. That is no failure."""


@contextlib.contextmanager
def only_one(key: str) -> Iterator[None]:
    """Hold the context's lock. The kernel lets go of it however the holder dies, so a stale file means nothing."""
    path = home.cortex_pid_file(key)
    try:
        home.private_dir(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KgentsError(f"Cortex cannot use {path.parent}", why=str(error.strerror)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.read(handle, 32).decode(errors="replace").strip()
        os.close(handle)
        raise AlreadyRunning(f"Cortex is running already, as process {pid or '?'}") from error
    try:
        os.truncate(handle, 0)
        # On a full disk the lock holds all the same; only its number is missing.
        with contextlib.suppress(OSError):
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # Emptied, not removed: another start may wait on this very file.
        os.truncate(handle, 0)
        os.close(handle)


def make_token(key: str) -> str:
    """A new token in its file, 0600. Every daemon has its own. Raises KgentsError when it cannot be written."""
    path = home.cortex_token_file(key)
    token = secrets.token_urlsafe(32)
    try:
        files.write_private(path, token, durable=False)
    except OSError as error:
        raise KgentsError(f"Cortex cannot write its token to {path}", why=str(error.strerror)) from error
    return token


async def serve(
    config: ClusterConfig,
    *,
    keep: bool = False,
    idle_exit: float = IDLE_EXIT,
    vitals: Options = NOWHERE,
    listen: Listen | None = None,
) -> None:
    """Until SIGTERM, SIGINT or a long idle time. Raises AlreadyRunning, or KgentsError when it cannot listen.

    With `listen` it serves there, and stays whoever asks; without, on its socket.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Two: one may hang on the disk while another looks up a name. Each costs memory of its own.
    loop.set_default_executor(ThreadPoolExecutor(2, "cortex"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    key = config.key
    with only_one(key):
        async with KubeClient(config, user_agent="kgents-cortex") as api:
            mirror = Mirror(api)
            journal = Journal(home.home() / "witness" / hive_name(key))
            world = World(api, mirror, ghost_of(key, log.warning), journal, Voices(api, mirror))
            Witness(mirror, journal)
            uses = Uses()
            server, place = await (_listen_far(listen, world, uses) if listen else _listen(key, world, uses))
            writer = asyncio.create_task(Ghostwriter(world).run(), name="ghostwriter")
            await mirror.start()
            log.info("Cortex serves %s on %s", config.context, place)
            try:
                async with serving("kgents-cortex", vitals, lambda: _why_not_ready(mirror)):
                    await _until_done(stop, uses, keep or listen is not None, idle_exit, writer)
            finally:
                if listen is None:
                    home.cortex_socket(key).unlink(missing_ok=True)
                await server.stop(GRACE)
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
                await mirror.stop()
                journal.flush()


def _why_not_ready(mirror: Mirror) -> str:
    try:
        mirror.require(*KINDS)
    except KgentsError as error:
        return str(error)
    return ""


async def _until_done(
    stop: asyncio.Event, uses: Uses, keep: bool, idle_exit: float, writer: asyncio.Task[None]
) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await stop.wait()
        if writer.done():
            writer.result()  # a fault of ours: say so and let the supervisor start anew
        if not keep and (uses.idle_for() > idle_exit or (uses.outdated and not uses.active)):
            log.info("leaving: %s", "a newer kgents asked" if uses.outdated else "nobody asked for long")
            return


async def _listen_far(listen: Listen, world: World, uses: Uses) -> tuple[aio.Server, str]:
    visitors = Visitors(world, Tokens(world.api, listen.audience), Rights(world.api))
    server, port = tls_server(listen, VisitorsOnly(visitors))
    await _offer(server, Service(world, uses, visitors))
    return server, str(listen._replace(port=port))


async def _listen(key: str, world: World, uses: Uses) -> tuple[aio.Server, str]:
    path = home.cortex_socket(key)
    if len(str(path).encode()) > LONGEST_SOCKET:
        raise KgentsError(f"the socket's path {path} is too long", fix="Set KGENTS_HOME to a shorter path")
    token = make_token(key)
    path.unlink(missing_ok=True)  # the lock is ours, so whoever left it is dead
    server = aio.server(interceptors=[TokenRequired(token)], options=[("grpc.so_reuseport", 0)])
    try:
        server.add_insecure_port(f"unix:{path}")
        path.chmod(0o600)
        await _offer(server, Service(world, uses))
    except (RuntimeError, OSError) as error:
        raise KgentsError(f"Cortex cannot listen on {path}", why=str(error)) from error
    return server, str(path)


async def _offer(server: aio.Server, service: Service) -> None:
    """Cortex, health and reflection."""
    cortex_pb2_grpc.add_CortexServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    healthy = health.aio.HealthServicer()  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    reflection.enable_server_reflection((NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    await server.start()
    for name in ("", NAME):
        await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
