"""One terminal held to an agent: its ports, its log and its signals, across the end of its pod."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kgents.looks import HUES
from tests.support.machine import Machine
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PROGRAM = """
import http.server, os

class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        lines = 0 if self.path == "/healthz" else 20000 if self.path == "/flood" else 1
        for _ in range(lines):
            print("asked for", self.path, "\\x1b[2J" + "and so on " * (lines // 1000), flush=True)
        said = os.environ["HOSTNAME"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
    def log_message(self, *_):
        pass

print("serving", flush=True)
http.server.ThreadingHTTPServer((os.environ["POD_IP"], int(os.environ["PORT"])), Answer).serve_forever()
"""


@pytest.fixture(scope="module")
def hive(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """With an agent that serves HTTP at port 8123."""
    machine("infra", "init")
    agent = {
        "apiVersion": "kgents.io/v1",
        "kind": "Agent",
        "metadata": {"name": "server"},
        "spec": {
            "command": [sys.executable, "-u", "-c", PROGRAM],
            "ports": [{"name": "http", "containerPort": 8123}],
            "health": {"type": "HTTP", "period": "1s"},
            "signals": [{"match": "asked for /alarm", "type": "WARNING", "payload": "somebody is alarmed"}],
        },
    }
    path = tmp_path_factory.mktemp("agents") / "server.json"
    path.write_text(json.dumps(agent))
    machine("apply", "-f", str(path))
    eventually(lambda: machine.agents()["server"]["readyReplicas"] == 1)
    return machine


class Held:
    """A tether, and what it has printed."""

    def __init__(self, machine: Machine, root: Path, *words: str) -> None:
        self.out, self.err = root / "out", root / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kgents.cli.main", "tether", *words],
                env=machine.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def said(self, text: str) -> bool:
        assert self.process.poll() is None, self.err.read_text()
        return text in self.err.read_text()

    def printed(self, text: str) -> bool:
        assert self.process.poll() is None, self.err.read_text()
        return text in self.out.read_text()

    @property
    def port(self) -> int:
        found = eventually(lambda: self.said("Ctrl-C") and re.search(r"127\.0\.0\.1:(\d+) → ", self.err.read_text()))
        assert isinstance(found, re.Match)
        return int(found[1])


@contextmanager
def held(machine: Machine, root: Path, *words: str) -> Iterator[Held]:
    root.mkdir(exist_ok=True)
    tether = Held(machine, root, *words)
    try:
        yield tether
    finally:
        tether.process.kill()
        tether.process.wait()


def get(port: int, path: str = "/") -> str:
    """What the program answers; "" when the connection breaks."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return str(answer.read().decode())
    except (OSError, urllib.error.URLError):
        return ""


def test_ports_log_and_signals_outlive_the_pod_and_letting_go_stops_nothing(hive: Machine, tmp_path: Path) -> None:
    with held(hive, tmp_path / "one", "server", ":8123") as tether:
        port = tether.port
        first = get(port)
        assert first.startswith("server-")
        assert eventually(lambda: tether.printed("log    │ asked for /  [2J\n"))
        assert "\x1b" not in tether.out.read_text()
        get(port, "/alarm")
        assert eventually(lambda: tether.printed("signal │ WARNING 1.00 from server: somebody is alarmed"))

        hive.kubectl("delete", "pod", first)
        second = eventually(lambda: (found := get(port)) != first and found)
        assert eventually(lambda: tether.said(f"◎ {second} is ready in place of {first}: new connections go there"))

        programs = hive.programs()
        tether.process.send_signal(signal.SIGINT)
        assert tether.process.wait(60) == 0
        assert tether.err.read_text().endswith("◎ let go of server; nothing of it is stopped\n")
        assert hive.programs() == programs
        assert not get(port)


def test_on_a_terminal_it_is_coloured_and_moves_nothing_and_ctrl_c_lets_go(hive: Machine) -> None:
    words = [sys.executable, "-P", "-m", "kgents.cli.main", "tether", "server", ":8123"]
    with Terminal(words, {**hive.environment, "COLORTERM": "truecolor"}) as terminal:
        terminal.shows("► 127.0.0.1:", "Ctrl-C lets go")
        found = re.search(r"127\.0\.0\.1:(\d+)", terminal.text())
        assert found is not None
        assert get(int(found[1]))
        hive("signal", "emit", "WARNING", "--target", "server", "--payload", "a storm")
        terminal.shows("log    │ asked for /", "signal │ WARNING", "to server: a storm", "► 127.0.0.1:")
        assert HUES["WARNING"].removeprefix("#") in terminal.colours()
        terminal.press("ctrl+c")
        assert terminal.process.wait(60) == 0
        terminal.shows("let go of server")


def test_who_does_not_read_the_log_holds_back_neither_the_ports_nor_ctrl_c(hive: Machine, tmp_path: Path) -> None:
    err = tmp_path / "err"
    words = [sys.executable, "-P", "-m", "kgents.cli.main", "tether", "server", ":8123"]
    with err.open("wb") as told:
        process = subprocess.Popen(words, env=hive.environment, stdout=subprocess.PIPE, stderr=told)
    try:
        found = eventually(lambda: "Ctrl-C" in err.read_text() and re.search(r"1:(\d+) →", err.read_text()))
        assert isinstance(found, re.Match)
        assert get(int(found[1]), "/flood")
        assert get(int(found[1]))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_it_ends_when_the_reader_of_its_output_is_gone(hive: Machine) -> None:
    words = [sys.executable, "-P", "-m", "kgents.cli.main", "tether", "server", ":8123"]
    process = subprocess.Popen(words, env=hive.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) != 0
    finally:
        process.kill()
        process.wait()


def test_two_tethers_go_on_together_and_a_taken_port_names_the_way_out(hive: Machine, tmp_path: Path) -> None:
    with held(hive, tmp_path / "one", "server", ":http") as one, held(hive, tmp_path / "two", "server", ":http") as two:
        assert get(one.port) == get(two.port) != ""
        done = hive.run("tether", "server", f"{one.port}:8123")
        assert done.returncode == 1
        assert f"Port {one.port} of this machine is taken" in done.stderr
        assert "kgents tether server :8123" in done.stderr


def test_a_port_at_which_nobody_listens_is_told_once(hive: Machine, tmp_path: Path) -> None:
    with held(hive, tmp_path / "one", "server", ":9") as tether:
        assert [get(tether.port) for _ in range(3)] == ["", "", ""]
        assert tether.said("✖ server:9: its program refuses: nothing listens at port 9 of server-")
        assert tether.err.read_text().count("✖") == 1


def test_ports_below_1024_are_named_as_the_systems(hive: Machine) -> None:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 81))
        except PermissionError:
            done = hive.run("tether", "server", "81:8123")
            assert (done.returncode, "8081:8123" in done.stderr) == (1, True)
        else:
            pytest.skip(f"this user ({os.getuid()}) may open port 81")


def test_a_paused_agent_is_said_to_be_paused_and_its_port_answers_once_it_is_resumed(
    hive: Machine, tmp_path: Path
) -> None:
    hive("pause", "server")
    eventually(lambda: not hive.programs() or not any("server-" in folder for folder in hive.programs()))
    with held(hive, tmp_path / "one", "server", ":8123") as tether:
        eventually(lambda: tether.said("◎ server is paused: nothing answers until kgents resume server"))
        port = tether.port
        hive("resume", "server")
        assert eventually(lambda: get(port))


def test_what_is_not_there_cannot_be_held(hive: Machine) -> None:
    assert hive.run("tether", "nobody").returncode == 3
    assert hive.run("tether", "server", "eighty").returncode == 2
