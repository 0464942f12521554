"""The attempts to run a container, as their folders tell: what runs, how the last one ended, when the next is due.

    containers/<name>/<attempt>/{spec.json,state.json,exit.json,log,log.1}

The folders are all there is to know, so a restarted runtime goes on where the last one stopped. Only the back-off is
not in them: as with the kubelet, it is no older than the runtime, so that a hive that failed as a whole is soon back.
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
LONGEST_PAUSE = 300.0
_KEPT = 2
_START_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a container. `number` is -1 before the first."""

    folder: Path
    number: int = -1
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
    state = read_json(folder / "state.json") or {}
    end: Object | None = read_json(folder / "exit.json")
    if end is None and not _is_kept(state):
        end = _close(folder)
        state = state or read_json(folder / "state.json") or {}
    return Attempt(folder, numbers[-1], state, end)


def previous(attempt: Attempt) -> Attempt | None:
    """The attempt before, if its folder is still kept."""
    folder = attempt.folder.parent / str(attempt.number - 1)
    end = read_json(folder / "exit.json")
    return Attempt(folder, attempt.number - 1, read_json(folder / "state.json") or {}, end) if end else None


def pause(streak: int, first: float) -> float:
    """Seconds between an end and the next start: none after the first of a streak, then `first`, doubling."""
    return float(min(first * 2 ** min(streak - 1, 16), LONGEST_PAUSE)) if streak else 0.0


def next_streak(streak: int, last: Attempt) -> int:
    """How many quick ends in a row come before the attempt after `last`, if `streak` came before that one."""
    if last.end is None or last.number < 0:
        return 0
    ran = float(last.end.get("finishedAt") or 0) - float(last.end.get("startedAt") or 0)
    return 0 if ran >= STEADY else streak + 1


async def start(last: Attempt, spec: dict[str, Any]) -> Attempt:
    """Starts the attempt after `last`, until it runs or has failed to. Raises KgentsError when neither comes."""
    container = last.folder.parent
    number = last.number + 1
    folder = container / str(number)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    shim.write_json(str(folder / "spec.json"), {**spec, "logLimit": LOG_LIMIT})
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
