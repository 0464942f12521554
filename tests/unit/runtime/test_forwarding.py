from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from kgents.embedded.runtime import forwarding
from kgents.embedded.runtime.forwarding import Endpoint, Forwarder, Slots, affordable
from tests.support.waiting import eventually_async

FRONT, BACK = "127.90.1.1", "127.90.2.1"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads to the end, and only then answers with how much it was."""
    total = 0
    while data := await reader.read(1 << 16):
        total += len(data)
    writer.write(str(total).encode())
    writer.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def serving(handler: Handler, address: str = BACK) -> AsyncIterator[Endpoint]:
    server = await asyncio.start_server(handler, address, 0, backlog=512)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def forwarding_to(*endpoints: Endpoint, slots: Slots | None = None) -> AsyncIterator[Forwarder]:
    made = Forwarder(FRONT, 0, slots or Slots(512))
    made.endpoints = endpoints
    made.align()
    try:
        yield made
    finally:
        made.close()
        await made.wait_closed()


async def ask(forwarder: Forwarder, text: bytes = b"x") -> bytes:
    """Says it, ends its own direction, and reads to the end of the other."""
    reader, writer = await asyncio.open_connection(forwarder.address, forwarder.port)
    try:
        writer.write(text)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def quiet(forwarder: Forwarder) -> None:
    async def none() -> bool:
        return forwarder.connections == 0

    await eventually_async(none)


def free_port() -> Endpoint:
    """A place where nobody listens."""
    with socket.socket() as one:
        one.bind((BACK, 0))
        return BACK, one.getsockname()[1]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def name_server(name: bytes) -> Handler:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(name)
        writer.close()

    return answer


async def test_the_end_of_one_direction_leaves_the_other_open() -> None:
    async with serving(count) as place, forwarding_to(place) as forwarder:
        assert await ask(forwarder, b"abc") == b"3"
        await quiet(forwarder)


async def test_fifty_megabytes_go_there_and_back_whole() -> None:
    block = os.urandom(1 << 20)
    async with serving(echo) as place, forwarding_to(place) as forwarder:
        reader, writer = await asyncio.open_connection(FRONT, forwarder.port)

        async def send() -> None:
            for _ in range(50):
                writer.write(block)
                await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        for _ in range(50):
            assert await reader.readexactly(len(block)) == block
        assert await reader.read() == b""
        await sending
        writer.close()
        await quiet(forwarder)


async def test_a_reader_that_waits_stops_its_writer() -> None:
    go_on = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await count(reader, writer)

    async with serving(slow) as place, forwarding_to(place) as forwarder:
        loop = asyncio.get_running_loop()
        with socket.create_connection((FRONT, forwarder.port)) as client:
            client.setblocking(False)
            sending = asyncio.create_task(loop.sock_sendall(client, bytes(64 << 20)))
            # Only what the kernel's buffers and one chunk hold can be under way.
            await asyncio.wait({sending}, timeout=0.3)
            assert not sending.done()
            go_on.set()
            await sending
            client.shutdown(socket.SHUT_WR)
            assert await loop.sock_recv(client, 100) == str(64 << 20).encode()


async def test_connections_go_round_the_endpoints() -> None:
    async with serving(name_server(b"a")) as a, serving(name_server(b"b")) as b, forwarding_to(a, b) as forwarder:
        assert sorted([await ask(forwarder) for _ in range(6)]) == [b"a"] * 3 + [b"b"] * 3


async def test_an_endpoint_that_refuses_is_skipped() -> None:
    async with serving(name_server(b"b")) as there, forwarding_to(free_port(), there) as forwarder:
        assert [await ask(forwarder) for _ in range(4)] == [b"b"] * 4


async def test_a_connection_is_reset_when_every_endpoint_refuses() -> None:
    async with forwarding_to(free_port(), free_port()) as forwarder:
        with pytest.raises(ConnectionResetError):
            await ask(forwarder)
        await quiet(forwarder)


async def test_an_endpoint_that_leads_back_is_skipped() -> None:
    async with forwarding_to(free_port()) as forwarder:
        forwarder.endpoints = ((FRONT, forwarder.port),)
        with pytest.raises(ConnectionResetError):
            await ask(forwarder)
        await quiet(forwarder)


async def test_an_endpoint_that_never_accepts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "TRY", 0.1)
    with socket.socket() as full, contextlib.ExitStack() as held:
        full.bind((BACK, 0))
        full.listen(0)
        place = full.getsockname()
        for _ in range(3):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(place)
        async with serving(name_server(b"b")) as there, forwarding_to(place, there) as forwarder:
            assert [await ask(forwarder) for _ in range(2)] == [b"b"] * 2


async def test_without_endpoints_a_connection_is_refused_and_the_port_is_free() -> None:
    async with serving(echo) as place, forwarding_to(place) as forwarder:
        forwarder.endpoints = ()
        forwarder.align()

        with pytest.raises(ConnectionRefusedError):
            await ask(forwarder)
        with socket.socket() as other:
            other.bind(("0.0.0.0", forwarder.port))


async def test_a_connection_outlives_its_endpoint_on_the_list() -> None:
    async with serving(echo) as place, forwarding_to(place) as forwarder:
        reader, writer = await asyncio.open_connection(FRONT, forwarder.port)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"

        forwarder.endpoints = ()
        forwarder.align()

        writer.write(b"b")
        assert await reader.readexactly(1) == b"b"
        writer.close()


async def test_closing_resets_what_is_connected() -> None:
    async with serving(echo) as place, forwarding_to(place) as forwarder:
        reader, writer = await asyncio.open_connection(FRONT, forwarder.port)
        writer.write(b"a")
        await reader.readexactly(1)

        forwarder.close()
        await forwarder.wait_closed()

        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_reset_is_passed_on() -> None:
    reset = asyncio.Event()

    async def wait_for_reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            writer.write(b"a")
            await reader.read()
            return
        reset.set()

    async with serving(wait_for_reset) as place, forwarding_to(place) as forwarder:
        client = socket.create_connection((FRONT, forwarder.port))
        client.setblocking(False)
        await asyncio.get_running_loop().sock_recv(client, 1)
        forwarding._reset(client)
        await asyncio.wait_for(reset.wait(), 30)
        await quiet(forwarder)


async def test_thousands_of_short_connections_leave_nothing_open() -> None:
    async with serving(count) as place, forwarding_to(place) as forwarder:
        await ask(forwarder)
        await quiet(forwarder)
        before = open_files()
        at_once = asyncio.Semaphore(200)

        async def one(number: int) -> bytes:
            async with at_once:
                return await ask(forwarder, b"x" * (number % 100))

        answers = await asyncio.gather(*(one(number) for number in range(3000)))

        assert answers == [str(number % 100).encode() for number in range(3000)]
        await quiet(forwarder)
        gc.collect()

        async def back() -> bool:
            return open_files() <= before

        await eventually_async(back)


async def test_no_more_are_carried_at_once_than_there_are_slots() -> None:
    most = 0

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        most = max(most, forwarder.connections)
        await count(reader, writer)

    slots = Slots(20)
    async with serving(watch) as place, forwarding_to(place, slots=slots) as forwarder:
        answers = await asyncio.gather(*(ask(forwarder) for _ in range(200)))
        assert answers == [b"1"] * 200
        assert 1 <= most <= slots.share
        await quiet(forwarder)
        assert slots.free == 20


async def test_one_service_cannot_take_the_slots_of_all() -> None:
    slots = Slots(4)
    async with serving(echo) as place, forwarding_to(place, slots=slots) as greedy:
        held = [await asyncio.open_connection(FRONT, greedy.port) for _ in range(6)]
        async with forwarding_to(place, slots=slots) as other:
            assert await ask(other, b"abc") == b"abc"
        for _, writer in held:
            writer.close()


async def test_a_taken_port_is_an_error_and_no_listener() -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        forwarder = Forwarder(FRONT, holder.getsockname()[1], Slots(8))
        with pytest.raises(OSError, match="in use"):
            forwarder.listen()
        assert not forwarder.is_listening


def test_few_files_mean_few_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, most in ((1024, 384), (100, 16), (1 << 20, 512), (resource.RLIM_INFINITY, 512)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert affordable() == most
