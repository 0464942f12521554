"""The daemon as commands meet it: it comes by itself, hangs, and is gone, and `status` answers all the while."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hive import HiveApi
from tests.support.waiting import eventually


def in_namespace(kubeconfig: Path, namespace: str, path: Path) -> Path:
    """The same kubeconfig, for a namespace of the test's own."""
    config = json.loads(kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    path.write_text(json.dumps(config))
    return path


class Cli:
    """The command line in a home of its own, where a Cortex may start."""

    def __init__(self, home: Path, kubeconfig: Path) -> None:
        self.env = {**os.environ, "KGENTS_HOME": str(home), "KUBECONFIG": str(kubeconfig)}
        for name in ("CI", "KGENTS_NO_DAEMON"):
            self.env.pop(name, None)

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kgents.cli.main", *words]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**self.env, **env}, timeout=120
        )

    def daemon(self) -> dict[str, Any]:
        return dict(json.loads(self("daemon", "status", "-o", "json").stdout))

    def layer(self, *words: str) -> str:
        done = self("status", "-o", "json", *words)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["source"]["layer"])


@pytest.fixture
def kgents(api_with_kinds: HiveApi, new_namespace: Callable[[str], str], tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home", in_namespace(api_with_kinds.kubeconfig, new_namespace("cli"), tmp_path / "kubeconfig"))
    yield cli
    cli("daemon", "stop")


def test_the_first_command_starts_it_and_does_not_wait(kgents: Cli):
    assert kgents.layer() == "kubectl"
    eventually(lambda: kgents.daemon()["listens"])
    eventually(lambda: kgents.layer() == "cortex")


@pytest.mark.parametrize("name", ["CI", "KGENTS_NO_DAEMON"])
def test_it_stays_out_where_it_is_not_wanted(kgents: Cli, name: str):
    assert kgents("status", **{name: "1"}).returncode == 0
    assert not kgents.daemon()["running"]


def test_a_hung_one_is_passed_over_and_not_started_twice(kgents: Cli):
    assert kgents("daemon", "start").returncode == 0
    pid = kgents.daemon()["pid"]
    eventually(lambda: kgents.layer() == "cortex")
    os.kill(pid, signal.SIGSTOP)
    try:
        assert kgents.layer() in ("ghost", "kubectl")
        assert kgents.layer("--require-live") == "kubectl"
        assert kgents("signal", "emit", "TEST").returncode == 0
        assert kgents.daemon()["pid"] == pid
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: kgents.layer() == "cortex")


def test_a_killed_one_is_passed_over_and_comes_back(kgents: Cli):
    assert kgents("daemon", "start").returncode == 0
    pid = kgents.daemon()["pid"]
    os.kill(pid, signal.SIGKILL)
    assert kgents.layer() in ("ghost", "kubectl")
    eventually(lambda: kgents.daemon()["pid"] not in (None, pid))
    eventually(lambda: kgents.layer() == "cortex")


def test_start_and_stop_by_hand(kgents: Cli):
    assert kgents("daemon", "status").returncode == 1
    assert "listens (pid" in kgents("daemon", "start").stdout
    assert "runs already" in kgents("daemon", "start").stdout
    assert "is stopped" in kgents("daemon", "stop").stdout
    assert "does not run" in kgents("daemon", "stop").stdout


def test_changes_are_one_json_object_a_line(kgents: Cli):
    kgents("daemon", "start")
    command = [sys.executable, "-m", "kgents.cli.main", "observe", "-f", "-o", "json", "--type", "DREAM"]
    # A shell that runs the tests in its background has SIGINT ignored, and children inherit that.
    mind = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=kgents.env, text=True, preexec_fn=mind) as following:
        try:
            assert kgents("signal", "emit", "DREAM", "--payload", "sheep").returncode == 0
            assert following.stdout is not None
            said = json.loads(following.stdout.readline())
            assert (said["type"], said["item"]["payload"]) == ("ADDED", "sheep")
            assert said["source"]["layer"] in ("cortex", "kubectl", "ghost")
        finally:
            following.send_signal(signal.SIGINT)
            assert following.wait(30) == 130
