"""What the folders of attempts tell."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime.attempts import LONGEST_PAUSE, Attempt, newest, next_streak, pause
from kgents.embedded.runtime.launcher.shim import start_time, write_json


def _attempt(tmp_path: Path, number: int = 0, **files: Any) -> Path:
    folder = tmp_path / str(number)
    folder.mkdir()
    for name, data in {"spec": {}, **files}.items():
        write_json(str(folder / f"{name}.json"), data)
    return folder


def test_before_the_first_there_is_number_minus_one(tmp_path: Path) -> None:
    assert newest(tmp_path / "none").number == -1


def test_the_highest_number_is_the_newest(tmp_path: Path) -> None:
    for number in (2, 10):
        _attempt(tmp_path, number, exit={"exitCode": number})
    assert newest(tmp_path).end == {"exitCode": 10}


def test_an_attempt_whose_keeper_is_gone_is_closed_once_and_for_all(tmp_path: Path) -> None:
    gone = {"shim": 2**22 + 1, "shimStart": "1", "pid": 2**22 + 2, "pidStart": "1", "startedAt": 5.0}
    _attempt(tmp_path, state=gone)
    first = newest(tmp_path).end
    assert first is not None
    assert (first["exitCode"], first["signal"], first["startedAt"]) == (137, 9, 5.0)
    assert newest(tmp_path).end == first


def test_a_dead_keeper_that_nobody_has_buried_is_gone_all_the_same(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as keeper:
        state = {"shim": keeper.pid, "shimStart": start_time(keeper.pid), "pid": 2**22 + 2, "pidStart": "1"}
        _attempt(tmp_path, state={**state, "startedAt": 5.0})
        assert newest(tmp_path).runs
        keeper.kill()
        os.waitid(os.P_PID, keeper.pid, os.WEXITED | os.WNOWAIT)

        assert newest(tmp_path).end is not None


def test_an_attempt_that_was_interrupted_before_its_start_is_closed(tmp_path: Path) -> None:
    _attempt(tmp_path)
    end = newest(tmp_path).end
    assert end is not None
    assert end["trouble"] == ["start", "it was interrupted"]


def test_an_attempt_that_its_keeper_is_about_to_run_is_left_alone(tmp_path: Path) -> None:
    folder = _attempt(tmp_path)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert newest(tmp_path).starts
    assert not newest(tmp_path).starts


@pytest.mark.parametrize(("streak", "seconds"), [(0, 0.0), (1, 10.0), (2, 20.0), (5, 160.0), (99, LONGEST_PAUSE)])
def test_the_pause_doubles_up_to_a_limit(streak: int, seconds: float) -> None:
    assert pause(streak, 10.0) == seconds


@pytest.mark.parametrize(("ran", "streak"), [(1.0, 4), (599.0, 4), (600.0, 0)])
def test_a_long_run_begins_the_count_anew(ran: float, streak: int) -> None:
    end = {"exitCode": 1, "startedAt": 100.0, "finishedAt": 100.0 + ran}
    assert next_streak(3, Attempt(Path("0"), 3, {}, end)) == streak


def test_before_the_first_attempt_nothing_has_ended() -> None:
    assert next_streak(0, Attempt(Path("0"))) == 0
