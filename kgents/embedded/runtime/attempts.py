"""The attempts to run a container, as their folders tell: what runs, how the last one ended, when the next is due.

    containers/<name>/<attempt>/{spec.json,state.json,exit.json,log,log.1}

The folders are all there is to know, so a restarted runtime goes on where the last one stopped.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.runtime.launcher import shim
from kgents.embedded.runtime.stopping import end_session, is_alive, read_json, send

Object = Mapping[str, Any]
LOG_LIMIT = 10 * 1024 * 1024
STEADY = 600.0
"""Seconds that a container must run for its back-off to begin anew, as with the kubelet."""
UNBLAMED = 5.0
LONGEST_PAUSE = 300.0
_KEPT = 2
_START_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a container. `number` is -1 before the first, `streak` counts the quick ends before it."""

    folder: Path
    number: int = -1
    streak: int = 0
    state: Object = field(default_factory=dict)
    end: Object | None = None

    @property
    def runs(self) -> bool:
        return bool(self.state) and self.end is None

    @property
    def starts(self) -> bool:
        """Whether its keeper is about to run it."""
        return self.number >= 0 and not self.state and self.end is None

    def signal(self, number: int) -> bool:
        """Sends it a signal. False when it does not run."""
        return send(self.folder, number)


def newest(container: Path) -> Attempt:
    """The last attempt in a container's folder. One whose keeper was killed is closed by this very look."""
    numbers = _numbers(container)
    if not numbers:
        return Attempt(container / "0")
    folder = container / str(numbers[-1])
    spec, state = read_json(folder / "spec.json") or {}, read_json(folder / "state.json") or {}
    end: Object | None = read_json(folder / "exit.json")
    if end is None and not _is_kept(state):
        end = _close(folder)
        state = state or read_json(folder / "state.json") or {}
    return Attempt(folder, numbers[-1], int(str(spec.get("streak", 0))), state, end)


def previous(attempt: Attempt) -> Attempt | None:
    """The attempt before, if its folder is still kept."""
    folder = attempt.folder.parent / str(attempt.number - 1)
    end = read_json(folder / "exit.json")
    return Attempt(folder, attempt.number - 1, 0, read_json(folder / "state.json") or {}, end) if end else None


def pause(attempt: Attempt, first: float) -> float:
    """Seconds between its end and the next start: none after the first failure, then `first`, doubling."""
    if attempt.streak == 0 or _was_taken_down(attempt):
        return 0.0
    return float(min(first * 2 ** min(attempt.streak - 1, 16), LONGEST_PAUSE))


def next_streak(attempt: Attempt) -> int:
    """The streak that the attempt after this one starts with."""
    if attempt.end is None or attempt.number < 0 or _was_taken_down(attempt):
        return 0
    return 0 if _ran(attempt.end) >= STEADY else attempt.streak + 1


def _was_taken_down(attempt: Attempt) -> bool:
    """Whether it went with its keeper, as when the machine fails: no fault of the program's, unless it has hardly run.

    A kubelet that comes back keeps no back-off either.
    """
    return bool(attempt.end and attempt.end.get("lost")) and _ran(attempt.end or {}) >= UNBLAMED


def _ran(end: Object) -> float:
    return float(end.get("finishedAt") or 0) - float(end.get("startedAt") or 0)


async def start(last: Attempt, spec: dict[str, Any]) -> Attempt:
    """Starts the attempt after `last`, until it runs or has failed to. Raises KgentsError when neither comes."""
    container = last.folder.parent
    number = last.number + 1
    folder = container / str(number)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    shim.write_json(str(folder / "spec.json"), {**spec, "streak": next_streak(last), "logLimit": LOG_LIMIT})
    # Not our own output: whoever reads that would wait for the end of every pod.
    with (folder / "keeper.log").open("ab") as said:
        launcher = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", shim.__file__, str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={},
        )
    if code := await launcher.wait():
        raise KgentsError(f"The container in {folder} did not start", why=f"its keeper ended with exit code {code}")
    deadline = time.monotonic() + _START_PATIENCE
    while not ((folder / "state.json").exists() or (folder / "exit.json").exists()):
        if time.monotonic() > deadline:
            raise KgentsError(f"The container in {folder} did not start", why="its keeper says nothing")
        await asyncio.sleep(0.005)
    _prune(container)
    return newest(container)


def _close(folder: Path) -> Object | None:
    """Says how an attempt without a keeper ended, for good, and ends what is left of it. None when a keeper has it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    try:
        if end := read_json(folder / "exit.json"):
            return end
        state, now = read_json(folder / "state.json"), time.time()
        if state is None:
            end = {"exitCode": 128, "signal": 0, "trouble": ["start", "it was interrupted"], "startedAt": now}
        else:
            end_session(state)
            end = {"exitCode": 137, "signal": 9, "startedAt": state.get("startedAt"), "lost": True}
        # A keeper that comes late finds this file, and does not start.
        shim.write_json(str(folder / "exit.json"), end | {"finishedAt": now})
        return read_json(folder / "exit.json")
    finally:
        os.close(lock)


def _numbers(container: Path) -> list[int]:
    return sorted(int(path.name) for path in container.glob("[0-9]*") if path.name.isdigit())


def _prune(container: Path) -> None:
    for number in _numbers(container)[:-_KEPT]:
        shutil.rmtree(container / str(number), ignore_errors=True)


def _is_kept(state: Object) -> bool:
    return bool(state) and is_alive(state["shim"], state["shimStart"])
