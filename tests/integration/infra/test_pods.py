from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgents.embedded.runtime.launcher import shim
from kgents.infra import pods
from tests.support.waiting import eventually

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(1000)"


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Path]:
    """A program that ignores SIGTERM, kept by a real shim."""
    folder = tmp_path / "pods" / "uid" / "containers" / "agent" / "0"
    folder.mkdir(parents=True)
    spec = {"argv": [sys.executable, "-c", DEAF], "env": {}, "cwd": "/", "mounts": [], "logLimit": 10**6}
    spec["isolation"] = {"spaces": False, "landlock": 0, "capabilities": [], "user": None, "notes": [], "unmet": []}
    (folder / "spec.json").write_text(json.dumps(spec))
    with subprocess.Popen([sys.executable, "-I", "-S", shim.__file__, str(folder)]) as keeper:
        eventually(lambda: (folder / "log").exists() and " up" in (folder / "log").read_text())
        yield folder
        keeper.kill()


def test_a_program_that_will_not_go_is_gone_all_the_same(tmp_path: Path, container: Path) -> None:
    assert pods.end_all(tmp_path) == 1

    assert json.loads((container / "exit.json").read_bytes())["signal"] == signal.SIGKILL
    assert pods.end_all(tmp_path) == 0


def test_a_stop_is_told_from_a_crash(tmp_path: Path, container: Path) -> None:
    pods.end_all(tmp_path)

    assert json.loads((container / "exit.json").read_bytes())["stopped"] is True


def test_where_nothing_ran_nothing_is_ended(tmp_path: Path) -> None:
    assert pods.end_all(tmp_path) == 0
