"""An agent's ports on this machine: connections to 127.0.0.1 go to the pod that is ready now, whichever that is.

On an embedded hive a pod's address is one of this machine's own, and is connected to. On a cluster the API server
carries each connection. Both are a Link; what is said to people goes through `tell`, a line each.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from kgents.api.adopting import pods_selector
from kgents.api.errors import KgentsError, UsageError
from kgents.api.kinds import AGENT, POD
from kgents.glass.context import Target
from kgents.infra.hive import of_context
from kgents.kube import config as kubeconfig
from kgents.kube.client import KubeClient
from kgents.kube.errors import Forbidden
from kgents.kube.informer import Informer

LOCALHOST = "127.0.0.1"
WAIT = 10.0
"""Seconds that a connection waits for a pod that is ready."""
CONNECT = 10.0
LINGER = 60.0
"""Seconds of silence after which a connection ends whose client sends no more, where the program cannot be told so."""
PIECE = 64 * 1024
Tell = Callable[[str], None]
Object = Mapping[str, Any]


class Port(NamedTuple):
    """`local` 0: any that is free. `asked`: somebody named it, so that no other will do."""

    local: int
    remote: int
    asked: bool = True


class Link(Protocol):
    """One connection to a program. All raise ConnectionError when it breaks; `read` KgentsError when it is refused."""

    tells_end: bool

    async def read(self) -> bytes: ...
    async def write(self, data: bytes) -> None: ...
    async def finish(self) -> None: ...
    async def close(self) -> None: ...


Connect = Callable[[Object, int], Awaitable[Link]]


def parse_port(text: str, named: Mapping[str, int]) -> Port:
    """`8080`, `8080:80` or `:80`, as kubectl takes them; the agent's side may be a name. Raises UsageError."""
    local, colon, remote = text.partition(":")
    known = named.get(remote if colon else local)
    there = known if known is not None else _number(remote if colon else local, text, 1)
    if not colon:
        return Port(there, there)
    return Port(_number(local, text, 0) if local else 0, there)


def own_ports(spec: Object) -> dict[str, int]:
    """The TCP ports that an agent's spec declares, by name; by their number where they have none."""
    found = [one for one in spec.get("ports") or () if (one.get("protocol") or "TCP") == "TCP"]
    return {str(one.get("name") or one["containerPort"]): int(one["containerPort"]) for one in found}


@contextlib.asynccontextmanager
async def forwarded(
    target: Target, namespace: str, agent: str, ports: Sequence[Port], tell: Tell
) -> AsyncIterator[list[Port]]:
    """Each of `ports` as it was opened, while inside. Raises KgentsError for one that cannot be had."""
    async with KubeClient(kubeconfig.load(target.context)) as api:
        selector = pods_selector(await api.get(AGENT, agent, namespace))
        async with Informer(api, POD, namespace, label_selector=selector) as seen:
            pods = Pods(seen, agent, tell)
            await seen.wait_synced()
            async with Forwarding(pods, way_to(target, api), agent, tell) as forwarding:
                yield [await forwarding.open(port) for port in ports]


def way_to(target: Target, api: KubeClient) -> Connect:
    """How the pods of that hive are reached from here."""
    hive = of_context(target.context)
    if hive is None or hive.cluster is not None or hive.server != target.server:
        return lambda pod, port: _through_api(api, pod, port)
    net = ipaddress.ip_network(hive.pod_cidr)
    return lambda pod, port: straight(pod, port, net)


async def straight(pod: Object, port: int, net: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Link:
    """A connection to the pod's own address, which must lie in `net`: what a pod says of itself leads nowhere else."""
    address = str((pod.get("status") or {}).get("podIP") or "")
    try:
        inside = ipaddress.ip_address(address) in net
    except ValueError:
        inside = False
    if not inside:
        raise KgentsError(f"the address of {_name(pod)} is none of this hive's")
    try:
        async with asyncio.timeout(CONNECT):
            return Straight(*await asyncio.open_connection(address, port))
    except TimeoutError as error:
        raise KgentsError("its program does not answer", why=f"no connection after {CONNECT:g} s") from error
    except ConnectionRefusedError as error:
        raise KgentsError("its program refuses", why=f"nothing listens at port {port} of {_name(pod)}") from error
    except OSError as error:
        raise KgentsError("its program cannot be reached", why=error.strerror or str(error)) from error


async def _through_api(api: KubeClient, pod: Object, port: int) -> Link:
    try:
        return await api.port_forward(_name(pod), str(pod["metadata"]["namespace"]), port)
    except Forbidden as error:
        fix = "Ask for the right to get and create pods/portforward"
        raise KgentsError("the cluster does not let you", why=error.what, fix=fix) from error


class Straight:
    """A Link over TCP."""

    tells_end = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        return await self._reader.read(PIECE)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def finish(self) -> None:
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):  # it is gone either way
            await self._writer.wait_closed()


class Pods:
    """The pods of an agent, and the one that connections go to: the same one for as long as it is ready."""

    def __init__(self, seen: Informer, agent: str, tell: Tell) -> None:
        self._seen, self._agent, self._tell = seen, agent, tell
        self._current: Object | None = None
        self._waiting_told = False
        self._moved = asyncio.Event()
        seen.on_change(self._changed)

    async def one(self, wait: float = WAIT) -> Object | None:
        """A pod that is ready, waited for so many seconds; then one that runs at least, or None."""
        try:
            async with asyncio.timeout(wait):
                while (found := self._best()) is None:
                    await self._moved.wait()
        except TimeoutError:
            return next((pod for pod in self._all() if _runs(pod)), None)
        return found

    def _all(self) -> list[Object]:
        """The newest first."""
        return sorted(
            self._seen.store.values(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True
        )

    def _best(self) -> Object | None:
        ready = [pod for pod in self._all() if _is_ready(pod)]
        return next((pod for pod in ready if _same(pod, self._current)), ready[0] if ready else None)

    def _changed(self, event: str, pod: Object) -> None:
        best, before = self._best(), self._current
        if best is not None:
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        if best is None and before is not None and not self._waiting_told:
            self._waiting_told = True
            self._tell(f"◎ {_name(before)} {self._gone(before)}; what is open here stays open and waits for the next")
        elif best is not None and before is not None and (self._waiting_told or not _same(best, before)):
            was = "again" if _same(best, before) else f"in place of {_name(before)}"
            self._tell(f"◎ {_name(best)} is ready {was}: new connections go there")
        if best is not None:
            self._current, self._waiting_told = best, False

    def _gone(self, pod: Object) -> str:
        return "is not ready" if any(_same(one, pod) and _runs(one) for one in self._all()) else "is gone"


class Forwarding:
    """Listens on this machine and carries what comes. Use as a context manager; leaving it ends every connection."""

    def __init__(self, pods: Pods, connect: Connect, agent: str, tell: Tell) -> None:
        self._pods, self._connect, self._agent, self._tell = pods, connect, agent, tell
        self._servers: list[asyncio.Server] = []
        self._carried: set[asyncio.Task[None]] = set()
        self._refused: dict[int, str] = {}
        """What was said of a port, so that it is said once."""

    async def __aenter__(self) -> Forwarding:
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for task in self._carried:
            task.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)

    async def open(self, port: Port) -> Port:
        """Listens. Returns the port as it is now. Raises KgentsError when it is taken, or not ours to take."""
        try:
            server = await self._listen(port)
        except OSError as error:
            raise _cannot_listen(error, port, self._agent) from error
        self._servers.append(server)
        return port._replace(local=int(server.sockets[0].getsockname()[1]))

    async def _listen(self, port: Port) -> asyncio.Server:
        async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._carried.add(task)
            try:
                await self._serve(port.remote, reader, writer)
            finally:
                self._carried.discard(task)

        try:
            return await asyncio.start_server(arrived, LOCALHOST, port.local, limit=PIECE)
        except PermissionError:
            if port.asked:
                raise
            return await asyncio.start_server(arrived, LOCALHOST, 0, limit=PIECE)

    async def _serve(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its last. What goes wrong is told, and told again once it changes."""
        try:
            link = await self._reach(port)
            try:
                await _carry(reader, writer, link)
            finally:
                await link.close()
            self._refused.pop(port, None)
        except* KgentsError as group:
            self._say_refused(port, str(_first(group)))
        except* OSError:
            writer.transport.abort()  # one end broke: so does the other; both programs know what that means
        finally:
            writer.close()

    async def _reach(self, port: int) -> Link:
        pod = await self._pods.one()
        if pod is None:
            raise KgentsError("it has no pod that runs", fix=f"See why: kgents why {self._agent}")
        return await self._connect(pod, port)

    def _say_refused(self, port: int, why: str) -> None:
        if self._refused.get(port) != why:
            self._refused[port] = why
            self._tell(f"✖ {self._agent}:{port}: {why}")


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
    """Both ways, until both have ended; each waits for the other's reader. Raises an ExceptionGroup of what broke."""
    finished = asyncio.Event()

    async def up() -> None:
        while data := await reader.read(PIECE):
            await link.write(data)
        finished.set()
        await link.finish()

    async def down() -> None:
        while data := await _patiently(link, finished):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        if not link.tells_end:
            raising.cancel()  # the whole connection has ended, not only this half

    async with asyncio.TaskGroup() as both:
        raising = both.create_task(up())
        both.create_task(down())


async def _patiently(link: Link, finished: asyncio.Event) -> bytes:
    """The next piece; b"" also after a long silence when the client sends no more and the program cannot know."""
    if link.tells_end:
        return await link.read()
    reading = asyncio.ensure_future(link.read())
    ended = asyncio.ensure_future(finished.wait())
    try:
        await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((reading,), timeout=LINGER)
        return reading.result() if reading.done() else b""
    finally:
        ended.cancel()
        reading.cancel()


def _cannot_listen(error: OSError, port: Port, agent: str) -> KgentsError:
    anywhere = f"Take any that is free: kgents tether {agent} :{port.remote}"
    if error.errno == errno.EADDRINUSE:
        return KgentsError(f"Port {port.local} of this machine is taken", fix=anywhere)
    if error.errno == errno.EACCES:
        higher = port.local + 8000
        fix = f"Take a higher one: kgents tether {agent} {higher}:{port.remote}"
        return KgentsError(f"Port {port.local} is not yours to open", why="ports below 1024 are the system's", fix=fix)
    return KgentsError(f"Port {port.local} cannot be opened", why=error.strerror or str(error), fix=anywhere)


def _number(text: str, whole: str, least: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and least <= int(text) <= 65535:
        return int(text)
    raise UsageError(f"“{whole[:40]}” is no port", why="a port is 8080, 8080:80 or :80", fix="See kgents tether --help")


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _same(one: Object, other: Object | None) -> bool:
    return other is not None and one["metadata"]["uid"] == other["metadata"]["uid"]


def _runs(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return _runs(pod) and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
