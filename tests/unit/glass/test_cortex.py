"""The first layer over a real gRPC server: whole lists, strange answers, and a daemon that hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kgents.glass import http2, messages
from kgents.glass.answer import NextLayer
from kgents.glass.cortex import Cortex
from kgents.infra.home import cortex_socket, cortex_token_file, private_dir
from kgents.wire import cortex_pb2
from tests.unit.glass.conftest import TARGET
from tests.unit.glass.fake_cortex import TOKEN, FakeCortex


def read(cortex: Cortex) -> list[bytes]:
    return cortex.read("world.cluster.agents.manifest", {}, "")[1]


def test_a_long_list_arrives_whole(cortex: FakeCortex):
    cortex.items = [{"name": f"agent-{number}", "image": "x" * 500} for number in range(10_000)]
    found = read(Cortex(TARGET.key, patience=20))
    assert (len(found), found[-1].startswith(b'{"name": "agent-9999"')) == (10_000, True)


def test_the_request_says_path_namespace_arguments_and_version(cortex: FakeCortex):
    Cortex(TARGET.key, patience=20).read("void.pheromone.sense", {"limit": 3}, "lab")
    said = cortex.requests[0]
    assert (said.path, said.namespace, said.arguments) == ("void.pheromone.sense", "lab", b'{"limit":3}')
    assert said.client_version


def test_the_age_and_the_total_stand_in_the_head(cortex: FakeCortex):
    cortex.total, cortex.age = 12_000, 1.5
    assert Cortex(TARGET.key, patience=20).read("x.y", {}, "")[0][:2] == (12_000, 1.5)


@pytest.fixture
def stopped_cortex(home: object) -> Iterator[None]:
    """A daemon that listens and does not move: SIGSTOP."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.glass.fake_cortex", TARGET.key],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGSTOP)
    yield
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_hung_daemon_is_passed_over_by_reads_and_writes(stopped_cortex: None):
    cortex = Cortex(TARGET.key, patience=0.2)
    with pytest.raises(NextLayer, match="no answer within 200 ms"):
        read(cortex)
    with pytest.raises(NextLayer, match="no answer within 200 ms"):
        cortex.write("world.cluster.agents.x.suspend", {}, "default")


def test_a_stale_socket_says_so(home: object):
    path = cortex_socket(TARGET.key)
    private_dir(path.parent)
    cortex_token_file(TARGET.key).write_text(TOKEN)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NextLayer, match="stale socket"):
        read(Cortex(TARGET.key))


def test_a_socket_that_speaks_something_else_is_passed_over(home: object):
    path = cortex_socket(TARGET.key)
    private_dir(path.parent)
    cortex_token_file(TARGET.key).write_text(TOKEN)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(path))
        stranger.listen()
        with pytest.raises(NextLayer):
            read(Cortex(TARGET.key, patience=0.2))


def test_the_messages_are_those_of_the_proto():
    made = messages.request("void.pheromone.sense", b'{"a":1}', "lab", "0.1.0")
    want = cortex_pb2.InvokeRequest(
        path="void.pheromone.sense", arguments=b'{"a":1}', namespace="lab", client_version="0.1.0"
    )
    assert made == want.SerializeToString()
    reply = cortex_pb2.InvokeReply(head=b"{}", items=[b"x" * 300, b""])
    assert messages.reply(reply.SerializeToString()) == (b"{}", [b"x" * 300, b""])
    event = cortex_pb2.WatchEvent(type="ADDED", item=b"{}", resource="agents")
    assert messages.event(event.SerializeToString()) == ("ADDED", b"{}", "agents")


def test_a_field_of_a_later_version_is_skipped():
    later = b"\x78\x05" + b"\x7d\x00\x00\x00\x00" + b"\x0a\x02{}"
    assert messages.reply(later) == (b"{}", [])


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x05ab", b"\x0b", b"\xff" * 12])
def test_a_message_cut_short_is_an_error(message: bytes):
    with pytest.raises(ValueError):
        messages.reply(message)


def test_a_failed_call_is_a_surprise_for_the_short_way(cortex: FakeCortex):
    with pytest.raises(http2.Surprise):
        http2.call(str(cortex_socket(TARGET.key)), "/kgents.cortex.v1.Cortex/Invoke", "wrong", b"", 10, 10)
