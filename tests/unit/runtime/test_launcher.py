"""The keeper of a container, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime.launcher import shim
from kgents.embedded.runtime.stopping import read_json
from tests.support.waiting import eventually

_PATH = {"PATH": os.defpath}
_OPEN: dict[str, Any] = {"landlock": False, "spaces": False, "why": "none", "capabilities": [], "user": None}
_OPEN |= {"notes": [], "unmet": [], "readOnlyRoot": False}


def _keep(folder: Path, *argv: str, **more: Any) -> dict[str, Any]:
    """Runs a program under a keeper to its end; what exit.json says."""
    spec = {"argv": argv, "env": _PATH, "cwd": str(folder), "mounts": [], "logLimit": 1000, "isolation": _OPEN, **more}
    shim.write_json(str(folder / "spec.json"), spec)
    subprocess.run([sys.executable, "-I", "-S", shim.__file__, str(folder)], check=True)
    return dict(eventually(lambda: read_json(folder / "exit.json")))


def _lines(folder: Path) -> list[list[str]]:
    return [line.split(" ", 3) for line in (folder / "log").read_text().splitlines()]


def test_output_and_exit_code_are_kept(tmp_path: Path) -> None:
    end = _keep(tmp_path, "sh", "-c", "echo out; echo err >&2; exit 9")
    assert end["exitCode"] == 9
    assert {(stream, text) for _, stream, _, text in _lines(tmp_path)} == {("stdout", "out"), ("stderr", "err")}


@pytest.mark.parametrize(
    ("argv", "more", "code", "words"),
    [
        (["no-such"], {}, 127, "not found in PATH"),
        (["/no/such"], {}, 127, "“/no/such” is not found"),
        (["/etc/passwd"], {}, 126, "cannot be run"),
        (["true"], {"cwd": "/no/such"}, 128, "workingDir /no/such"),
        (["true", "a\0b"], {}, 128, "cannot be passed on"),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, argv: list[str], more: Any, code: int, words: str) -> None:
    end = _keep(tmp_path, *argv, **more)
    assert end["exitCode"] == code
    assert words in end["trouble"][1]


def test_a_script_whose_interpreter_is_missing_says_so(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert "interpreter" in _keep(tmp_path, str(script))["trouble"][1]


def test_the_log_is_turned_over_and_only_one_older_is_kept(tmp_path: Path) -> None:
    _keep(tmp_path, "sh", "-c", "for n in 1 2 3 4 5 6 7 8 9; do echo $n; sleep 0.02; done", logLimit=120)
    assert sorted(path.name for path in tmp_path.glob("log*")) == ["log", "log.1"]
    assert (tmp_path / "log").read_text().endswith("9\n")


def test_what_is_left_running_ends_with_its_program(tmp_path: Path) -> None:
    _keep(tmp_path, "sh", "-c", "setsid sleep 4321.5 & sleep 4321.5 & echo started")
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 4321.5" not in commands


def test_an_exit_that_is_there_already_keeps_it_from_starting(tmp_path: Path) -> None:
    (tmp_path / "exit.json").write_text(json.dumps({"exitCode": 128}))
    assert _keep(tmp_path, "touch", "ran") == {"exitCode": 128}
    assert not (tmp_path / "ran").exists()


def test_a_mount_that_is_refused_is_told_and_the_program_runs_without(tmp_path: Path) -> None:
    gone = [{"source": str(tmp_path / "none"), "target": "/x", "readOnly": False}]
    main = "cat state.json 2>/dev/null; while ! test -e state.json; do sleep 0.02; done; exit 0"
    assert _keep(tmp_path, "sh", "-c", main, mounts=gone, staging=str(tmp_path))["exitCode"] == 0
    state = read_json(tmp_path / "state.json")
    assert state is not None
    assert state["mountsRefused"]
