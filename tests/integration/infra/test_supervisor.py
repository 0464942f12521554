from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kgents.infra import hive as hives
from kgents.infra import revive
from kgents.infra.hive import Hive
from tests.support.waiting import eventually

# The real supervisor, keeping two small processes instead of a whole hive.
RUN = textwrap.dedent(
    """
    import os, sys
    from kgents.infra.hive import load
    from kgents.infra.processes import Process
    from kgents.infra.supervisor import Supervisor, hold_lock
    hive = load(sys.argv[1])
    lock = hold_lock(hive)
    if lock is None:
        sys.exit(7)
    sleeper = Process("sleeper", ["sleep", "1000"], dict(os.environ))
    failing = Process("failing", ["false"], dict(os.environ))
    Supervisor(hive, [sleeper, failing]).run()
    """
)


@pytest.fixture
def hive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hive:
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path / "home"))
    return hives.create("tested")


@pytest.fixture
def supervisor(hive: Hive) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", RUN, hive.name]) as process:
        eventually(lambda: child_pid(hive, "sleeper"))
        yield process
        process.kill()


def child_pid(hive: Hive, name: str) -> int | None:
    pid: int | None = revive.state(hive).get("processes", {}).get(name, {}).get("pid")
    return pid


def test_a_killed_process_is_started_again(hive: Hive, supervisor: subprocess.Popen[bytes]) -> None:
    first = child_pid(hive, "sleeper")
    assert first
    os.kill(first, signal.SIGKILL)

    eventually(lambda: child_pid(hive, "sleeper") not in (None, first))
    assert revive.state(hive)["processes"]["sleeper"]["lastExit"] == -signal.SIGKILL


def test_a_process_that_always_fails_is_counted(hive: Hive, supervisor: subprocess.Popen[bytes]) -> None:
    eventually(lambda: revive.state(hive)["processes"]["failing"]["restarts"] >= 3)
    assert supervisor.poll() is None


def test_a_killed_supervisor_takes_its_processes_with_it(hive: Hive, supervisor: subprocess.Popen[bytes]) -> None:
    pid = child_pid(hive, "sleeper")
    assert pid

    supervisor.kill()
    supervisor.wait()

    eventually(lambda: not psutil.pid_exists(pid))
    assert not revive.is_supervised(hive)


def test_a_second_supervisor_stays_out(hive: Hive, supervisor: subprocess.Popen[bytes]) -> None:
    second = subprocess.run([sys.executable, "-c", RUN, hive.name], timeout=60, check=False)

    assert second.returncode == 7
    assert revive.is_supervised(hive)


def test_stopping_ends_everything_and_says_so(hive: Hive, supervisor: subprocess.Popen[bytes]) -> None:
    pid = child_pid(hive, "sleeper")
    assert pid

    assert revive.stop_supervisor(hive)

    assert supervisor.wait() == 0
    assert not psutil.pid_exists(pid)
    assert revive.revive(hive.context) is False  # it was stopped on purpose


def test_a_hive_whose_folder_is_removed_ends(hive: Hive, supervisor: subprocess.Popen[bytes]) -> None:
    sleeper = child_pid(hive, "sleeper")
    shutil.rmtree(hive.dir)
    eventually(lambda: supervisor.poll() is not None)
    assert sleeper and not psutil.pid_exists(sleeper)
    assert not hive.dir.exists()


def test_a_stale_state_file_does_not_mislead(hive: Hive) -> None:
    hive.state_file.write_text('{"pid": 1, "processes": {}}')

    assert not revive.is_supervised(hive)
    assert revive.stop_supervisor(hive) is False
