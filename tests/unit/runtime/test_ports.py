from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgents.embedded.runtime import ports
from kgents.embedded.runtime.launcher.shim import start_time

POD_IP = "127.91.1.1"
PROGRAM = """
import socket, sys
one = socket.socket()
one.bind((sys.argv[1], 0))
one.listen()
print(one.getsockname()[1], flush=True)
sys.stdin.read()
"""


def listening(address: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    made = socket.socket(family)
    made.bind((address, 0))
    made.listen()
    return made


@pytest.fixture
def stranger() -> Iterator[tuple[int, int]]:
    """The pid of a shell and the port that its child holds for all addresses."""
    shell = ["sh", "-c", f"{sys.executable} -c '{PROGRAM}' 0.0.0.0; true"]
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()


def test_a_listener_is_found_with_its_inode() -> None:
    with listening(POD_IP) as one:
        assert ports.listeners()[one.getsockname()] == os.fstat(one.fileno()).st_ino


def test_a_listener_on_ipv6_is_found() -> None:
    with listening("::", socket.AF_INET6) as one:
        assert ports.listeners()["::", one.getsockname()[1]] == os.fstat(one.fileno()).st_ino


def test_an_ipv4_address_within_ipv6_is_told_as_ipv4() -> None:
    with listening(f"::ffff:{POD_IP}", socket.AF_INET6) as one:
        assert (POD_IP, one.getsockname()[1]) in ports.listeners()


def test_a_connection_is_no_listener() -> None:
    with listening(POD_IP) as one, socket.create_connection(one.getsockname()) as client:
        assert client.getsockname() not in ports.listeners()


def test_a_port_held_by_a_pods_grandchild_is_the_pods(stranger: tuple[int, int]) -> None:
    pid, port = stranger
    assert ports.holder(port, {"a/other": {1 << 30}, "a/web": {pid}}) == "a/web"


def test_a_foreign_process_is_told_by_its_id_and_command(stranger: tuple[int, int]) -> None:
    assert (ports.holder(stranger[1], {}) or "").startswith("process ")


def test_a_port_that_nobody_holds_for_all_has_no_holder() -> None:
    with listening(POD_IP) as one:
        assert ports.holder(one.getsockname()[1], {}) is None


def test_a_port_held_for_all_addresses_is_a_conflict(stranger: tuple[int, int]) -> None:
    pid, port = stranger
    found = ports.find_conflict(POD_IP, [1, port], (), {"a/web": {pid}})
    assert found == ports.Conflict(port, "a/web", "0.0.0.0")


def test_what_a_pod_holds_itself_is_no_conflict(stranger: tuple[int, int]) -> None:
    pid, port = stranger
    assert ports.find_conflict(POD_IP, [port], {pid}) is None


def test_a_port_at_another_address_is_a_conflict_only_for_who_wants_all() -> None:
    with listening("127.91.1.2") as one:
        port = one.getsockname()[1]
        assert ports.find_conflict(POD_IP, [port], ()) is None
        found = ports.find_conflict(POD_IP, [port], (), anywhere=True)
        assert found == ports.Conflict(port, "the hive itself, for a Service", "127.91.1.2")


def test_a_port_at_the_pods_own_address_is_a_conflict() -> None:
    with listening(POD_IP) as one:
        found = ports.find_conflict(POD_IP, [one.getsockname()[1]], ())
        assert found is not None
        assert found.address == POD_IP


def write_pod(root: Path, started: str) -> None:
    folder = root / "pods" / "some-uid"
    attempt = folder / "containers" / "main" / "0"
    attempt.mkdir(parents=True)
    (folder / "pod.json").write_text(json.dumps({"namespace": "a", "name": "web"}))
    state = {"pid": os.getpid(), "pidStart": started, "shim": os.getpid(), "shimStart": started}
    (attempt / "state.json").write_text(json.dumps(state))


def test_the_processes_of_pods_are_read_from_their_folders(tmp_path: Path) -> None:
    write_pod(tmp_path, start_time(os.getpid()))
    assert ports.pod_processes(tmp_path) == {"a/web": {os.getpid()}}


def test_a_process_id_that_is_somebody_elses_by_now_is_left_out(tmp_path: Path) -> None:
    write_pod(tmp_path, "1")
    assert ports.pod_processes(tmp_path) == {}
