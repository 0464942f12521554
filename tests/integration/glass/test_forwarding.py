"""Ports on this machine, carried to real programs: straight to their address, and by the API's WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kgents.api.errors import KgentsError
from kgents.api.kinds import POD
from kgents.glass import forwarding
from kgents.glass.context import Target
from kgents.glass.forwarding import Forwarding, Pods, Port, straight, way_to
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer
from tests.support.port_forward import NAMESPACE, Edge
from tests.support.waiting import eventually_async

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NET = ipaddress.ip_network("127.0.0.0/8")
MEBIBYTE = 1024 * 1024


class Place:
    """A tether's ports to the agent `scout`, and what it has told."""

    def __init__(self, edge: Edge, way: str) -> None:
        self.edge, self.way = edge, way
        self.told: list[str] = []
        self.programs: list[asyncio.Server] = []
        self.forwarding: Forwarding

    async def to(self, remote: int) -> int:
        """The local port that leads there."""
        return (await self.forwarding.open(Port(0, remote))).local

    async def program(self, serve: Serve) -> int:
        """The local port that leads to a program that serves so."""
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.programs.append(server)
        return await self.to(server.sockets[0].getsockname()[1])


@pytest.fixture(params=["straight", "api"])
async def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async with Edge() as edge, KubeClient(edge.config, timeout=20) as api:
        place = Place(edge, request.param)
        edge.put("scout-1")
        async with Informer(api, POD, NAMESPACE) as seen:
            pods = Pods(seen, "scout", place.told.append)
            await seen.wait_synced()
            way = way_to(Target("edge", edge.config.server), api)
            if place.way == "straight":

                def way(pod: forwarding.Object, port: int) -> Awaitable[forwarding.Link]:
                    return straight(pod, port, NET)

            async with Forwarding(pods, way, "scout", place.told.append) as place.forwarding:
                yield place
        for program in place.programs:
            program.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def ask(port: int, said: bytes = b"hello") -> bytes:
    """The same number of bytes back; fewer when the connection ends before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        return await reader.readexactly(len(said))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    finally:
        writer.close()


async def test_many_connections_at_once_each_get_their_own_bytes(place: Place) -> None:
    port = await place.program(echo)
    said = [f"{number}".encode() * 5000 for number in range(20)]
    assert await asyncio.gather(*(ask(port, one) for one in said)) == said
    assert not place.told


async def test_a_connection_is_kept_alive_for_one_request_after_another(place: Place) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", await place.program(echo))
    for said in (b"one", b"two", b"three"):
        writer.write(said)
        assert await reader.readexactly(len(said)) == said
    writer.close()
    await eventually_async(lambda: _is(place.edge.open == 0 or place.way == "api"))


async def test_a_client_that_sends_no_more_still_gets_its_answer(place: Place) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Where the way tells of the end, it is waited for; where it cannot, the request says how long it is.
        said = await (reader.read() if place.way == "straight" else reader.readexactly(8))
        writer.write(said * 1000)
        writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", await place.program(answer))
    writer.write(b"question")
    writer.write_eof()
    assert await reader.read() == b"question" * 1000
    writer.close()


async def test_a_client_that_is_gone_leaves_no_connection_behind(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "LINGER", 0.2)
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    _, writer = await asyncio.open_connection("127.0.0.1", await place.program(silent))
    writer.close()
    async with asyncio.timeout(60):
        await ended.wait()


async def test_the_programs_end_ends_the_clients_connection(place: Place) -> None:
    async def brief(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", await place.program(brief))
    assert await reader.read() == b"bye"
    writer.close()


async def test_who_reads_slowly_holds_back_the_program_and_loses_nothing(place: Place) -> None:
    sent, total, piece = 0, 96, bytes(range(256)) * (MEBIBYTE // 256)

    async def lavish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(total):
            writer.write(piece)
            await writer.drain()
            sent += 1
        writer.close()

    port = await place.program(lavish)
    client = socket.create_connection(("127.0.0.1", port))
    seen: list[int] = []

    async def held_back() -> bool:
        seen.append(sent)
        return len(seen) > 20 and seen[-20] == sent

    await eventually_async(held_back)
    assert sent < total // 2
    client.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=client)
    digest = hashlib.sha256()
    while data := await reader.read(MEBIBYTE):
        digest.update(data)
    assert digest.digest() == hashlib.sha256(piece * total).digest()
    writer.close()


async def test_a_large_upload_arrives_whole(place: Place) -> None:
    arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set_result(len(await reader.readexactly(20 * MEBIBYTE)))
        writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", await place.program(takes))
    writer.write(b"x" * 20 * MEBIBYTE)
    await writer.drain()
    assert await arrived == 20 * MEBIBYTE
    assert await reader.read() == b""
    writer.close()


async def test_a_refusal_is_said_once_and_again_only_after_it_worked(place: Place) -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    remote = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    port = await place.to(remote)
    assert [await ask(port) for _ in range(3)] == [b"", b"", b""]
    assert len(place.told) == 1
    assert place.told[0].startswith(f"✖ scout:{remote}: ")


async def test_new_connections_go_to_the_pod_that_came_in_its_place(place: Place) -> None:
    port = await place.program(echo)
    assert await ask(port) == b"hello"
    place.edge.drop("scout-1")
    await eventually_async(lambda: _is(len(place.told) == 1))
    assert "scout-1 is gone" in place.told[0]
    waiting = asyncio.create_task(ask(port))
    place.edge.put("scout-2")
    assert await waiting == b"hello"
    assert place.told[1:] == ["◎ scout-2 is ready in place of scout-1: new connections go there"]
    if place.way == "api":
        assert place.edge.reached == ["scout-1", "scout-2"]


async def test_a_pod_stays_the_one_while_others_come_beside_it(place: Place) -> None:
    port = await place.program(echo)
    assert await ask(port) == b"hello"
    place.edge.put("scout-2")
    place.edge.put("scout-3", ready=False)
    place.edge.drop("scout-1")
    await eventually_async(lambda: _is(place.told))
    assert await ask(port) == b"hello"
    assert place.told == ["◎ scout-2 is ready in place of scout-1: new connections go there"]


async def test_a_pod_that_runs_and_is_not_ready_is_reached_after_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pods.one, "__defaults__", (0.1,))
    place.edge.put("scout-1", ready=False)
    await eventually_async(lambda: _is(place.told))
    assert "scout-1 is not ready" in place.told[0]
    assert await ask(await place.program(echo)) == b"hello"


async def test_without_a_pod_it_says_what_to_do(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pods.one, "__defaults__", (0.1,))
    place.edge.drop("scout-1")
    port = await place.program(echo)
    assert [await ask(port), await ask(port)] == [b"", b""]
    assert place.told[1:] == [f"✖ scout:{_remote(place)}: it has no pod that runs. See why: kgents why scout"]


async def test_a_taken_port_is_an_error_with_a_way_out(place: Place) -> None:
    port = await place.to(80)
    with pytest.raises(KgentsError, match=f"Port {port} of this machine is taken. .*kgents tether scout :80"):
        await place.forwarding.open(Port(port, 80))


@pytest.mark.parametrize("place", ["api"], indirect=True)
async def test_who_may_not_forward_is_told_which_right_it_takes(place: Place) -> None:
    place.edge.forbidden = True
    assert await ask(await place.program(echo)) == b""
    assert "the right to get and create pods/portforward" in place.told[0]


@pytest.mark.parametrize("place", ["api"], indirect=True)
async def test_a_server_that_speaks_another_protocol_is_not_understood(place: Place) -> None:
    place.edge.protocols = ()
    assert await ask(await place.program(echo)) == b""
    assert "does not speak v4.channel.k8s.io" in place.told[0]


@pytest.mark.parametrize("address", ["10.0.0.1", "127.9.0.1", "", "scout.example", "169.254.169.254"])
async def test_a_pod_cannot_lead_a_connection_out_of_its_hive(address: str) -> None:
    pod = {"metadata": {"name": "scout-1"}, "status": {"podIP": address}}
    with pytest.raises(KgentsError, match="none of this hive's"):
        await straight(pod, 80, ipaddress.ip_network("127.64.16.0/20"))


def _remote(place: Place) -> int:
    return int(place.programs[-1].sockets[0].getsockname()[1])


async def _is(value: object) -> bool:
    return bool(value)
