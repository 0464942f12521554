"""Carries TCP connections from one address to whichever endpoint takes them.

A `Forwarder` listens only while it has endpoints: without any, a client sees "connection refused", as it would from
a program that is not there, and a program that wants the port for all addresses may have it. When there are
endpoints and none of them answers, the client's connection is reset. A connection stays with its endpoint until one
of the two ends it, also after the endpoint left the list.

Connections read at most one chunk ahead, so a slow reader slows its writer; the end of one direction is passed on
while the other goes on; a reset is passed on as a reset. Their number is bounded by `Slots`: clients beyond it wait in
the kernel's queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import resource
import socket
import struct
from collections.abc import Callable, Iterator

Endpoint = tuple[str, int]
"""An IPv4 address and a port."""

CHUNK = 64 * 1024
BACKLOG = 512
TRY, ALL_TRIES = 3.0, 10.0
"""Seconds that one endpoint, and all of them together, may take to accept."""
MOST = 512
_RESERVED_FILES = 256
_ACCEPTS_AT_ONCE = 64
_OUT_OF_FILES_PAUSE = 0.5

log = logging.getLogger(__name__)


def affordable() -> int:
    """How many connections the limit of open files allows: each takes two, and others need theirs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    return max(16, min(MOST, (soft - _RESERVED_FILES) // 2))


class Slots:
    """How many connections may be open at once, over all forwarders. One forwarder gets at most half."""

    def __init__(self, total: int | None = None) -> None:
        self.free = affordable() if total is None else total
        self.share = max(1, self.free // 2)
        self._waiting: set[Callable[[], None]] = set()

    def take(self) -> bool:
        """Whether there was one left."""
        if self.free <= 0:
            return False
        self.free -= 1
        return True

    def give(self) -> None:
        """Hand one back, and wake those who wait."""
        self.free += 1
        waiting, self._waiting = self._waiting, set()
        for wake in waiting:
            wake()

    def wait(self, wake: Callable[[], None]) -> None:
        """Call `wake` once, when one may be free."""
        self._waiting.add(wake)


class Forwarder:
    """One address and port. Belongs to one event loop."""

    def __init__(self, address: str, port: int, slots: Slots) -> None:
        self.address, self.port = address, port
        self.endpoints: tuple[Endpoint, ...] = ()
        self._slots = slots
        self._socket: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._turn = 0
        self._warned = False

    @property
    def is_listening(self) -> bool:
        return self._socket is not None

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def listen(self) -> None:
        """Begin to accept. Raises OSError when the port is taken or not ours to take."""
        if self._socket is not None:
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            # For connections of an earlier listener that still wind down; it never shares a port that is listened on.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind((self.address, self.port))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._socket = listener
        self._resume()

    def align(self) -> None:
        """Listen if there are endpoints, and only then. Raises as `listen` does."""
        if self.endpoints:
            self.listen()
        else:
            self.deafen()

    def deafen(self) -> None:
        """Stop listening; what is connected stays."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Stop listening, at once, and reset every connection, as soon as their tasks run."""
        self.deafen()
        for task in self._connections:
            task.cancel()

    async def wait_closed(self) -> None:
        """Until no connection is left."""
        while self._connections:
            await asyncio.wait(set(self._connections))

    def _resume(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _pause(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            if self._socket is None:
                return
            if len(self._connections) >= self._slots.share or self._slots.free <= 0:
                self._pause()
                self._slots.wait(self._resume)
                return
            try:
                client, _peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of files: those who wait go on waiting, and the loop must not spin meanwhile.
                log.warning("%s:%d accepts nothing for a moment: %s", self.address, self.port, error)
                self._pause()
                asyncio.get_running_loop().call_later(_OUT_OF_FILES_PAUSE, self._resume)
                return
            self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        self._slots.take()
        task = asyncio.get_running_loop().create_task(self._carry(client))
        self._connections.add(task)
        task.add_done_callback(functools.partial(self._ended, client))

    def _ended(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            # Also when it never came to run.
            _reset(client)
        client.close()
        self._connections.discard(task)
        self._slots.give()

    async def _carry(self, client: socket.socket) -> None:
        client.setblocking(False)
        upstream = await self._connect()
        if upstream is None:
            _reset(client)
            return
        try:
            _hurry(client)
            _hurry(upstream)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(client, upstream))
                both.create_task(_pump(upstream, client))
        except* OSError as trouble:
            log.debug("a connection to %s:%d broke: %s", self.address, self.port, trouble.exceptions[0])
            _reset(client)
            _reset(upstream)
        finally:
            upstream.close()

    async def _connect(self) -> socket.socket | None:
        """A connection to the first endpoint, from the next in turn on, that accepts one."""
        failure: OSError | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ALL_TRIES):
                for endpoint in self._order():
                    try:
                        found = await _open(endpoint)
                    except OSError as error:
                        failure = error
                    else:
                        self._warned = False
                        return found
        if not self._warned:
            self._warned = True
            log.warning("no endpoint of %s:%d accepts a connection: %s", self.address, self.port, failure)
        return None

    def _order(self) -> Iterator[Endpoint]:
        # One that leads back here would go round until no slot is left.
        endpoints = [endpoint for endpoint in self.endpoints if endpoint != (self.address, self.port)]
        self._turn += 1
        for step in range(len(endpoints)):
            yield endpoints[(self._turn + step) % len(endpoints)]


async def _open(endpoint: Endpoint) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        async with asyncio.timeout(TRY):
            await asyncio.get_running_loop().sock_connect(made, endpoint)
        if made.getsockname() == made.getpeername():
            # On loopback, a port that nobody listens on can happen to be the one that we call from.
            raise ConnectionRefusedError(f"{endpoint[0]}:{endpoint[1]} would be a connection to itself")
    except BaseException:
        made.close()
        raise
    return made


async def _pump(source: socket.socket, target: socket.socket) -> None:
    """One direction, until its end, which is passed on."""
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, CHUNK):
        await loop.sock_sendall(target, data)
    target.shutdown(socket.SHUT_WR)


def _hurry(one: socket.socket) -> None:
    # What comes in small parts goes out in small parts: the peers chose them.
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(one: socket.socket) -> None:
    """Close so that the peer sees a reset and the port has no time to wait."""
    if one.fileno() >= 0:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
