"""The attempts to run a container, as their folders tell: what runs, how the last one ended, when the next is due.

    containers/<name>/<attempt>/{spec.json,state.json,exit.json,log,log.1}

The folders are all there is to know, so a restarted runtime goes on where the last one stopped.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.runtime.launcher import shim
from kgents.embedded.runtime.stopping import is_alive, read_json, send

Object = Mapping[str, Any]
LOG_LIMIT = 10 * 1024 * 1024
STEADY = 600.0
"""Seconds that a container must run for its back-off to begin anew, as with the kubelet."""
LONGEST_PAUSE = 300.0
_KEPT = 5
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

    def signal(self, number: int) -> bool:
        """Sends it a signal. False when it does not run."""
        return send(self.folder, number)


def newest(container: Path) -> Attempt:
    """The last attempt in a container's folder."""
    numbers = _numbers(container)
    if not numbers:
        return Attempt(container / "0")
    folder = container / str(numbers[-1])
    spec, state = read_json(folder / "spec.json") or {}, read_json(folder / "state.json") or {}
    end = read_json(folder / "exit.json")
    if end is None and not _is_kept(state):
        # Its keeper was killed, and the container with it; or it never came to start.
        end = read_json(folder / "exit.json") or {"exitCode": 137, "signal": 9, "startedAt": state.get("startedAt")}
    return Attempt(folder, numbers[-1], int(str(spec.get("streak", 0))), state, end)


def previous(attempt: Attempt) -> Attempt | None:
    """The attempt before, if its folder is still kept."""
    folder = attempt.folder.parent / str(attempt.number - 1)
    end = read_json(folder / "exit.json")
    return Attempt(folder, attempt.number - 1, 0, read_json(folder / "state.json") or {}, end) if end else None


def pause(attempt: Attempt, first: float) -> float:
    """Seconds between its end and the next start: none after the first failure, then `first`, doubling."""
    if attempt.streak == 0:
        return 0.0
    return float(min(first * 2 ** min(attempt.streak - 1, 16), LONGEST_PAUSE))


def next_streak(attempt: Attempt) -> int:
    """The streak that the attempt after this one starts with."""
    if attempt.end is None or attempt.number < 0:
        return 0
    ran = float(attempt.end.get("finishedAt") or 0) - float(attempt.end.get("startedAt") or 0)
    return 0 if ran >= STEADY else attempt.streak + 1


async def start(last: Attempt, spec: dict[str, Any]) -> Attempt:
    """Starts the attempt after `last`, until it runs or has failed to. Raises KgentsError when neither comes."""
    container = last.folder.parent
    if last.end is not None and not (last.folder / "exit.json").exists():
        # Its keeper may be starting this very moment: an exit.json keeps it from doing so.
        shim.write_json(str(last.folder / "exit.json"), dict(last.end))
    number = last.number + 1
    folder = container / str(number)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    shim.write_json(str(folder / "spec.json"), {**spec, "streak": next_streak(last), "logLimit": LOG_LIMIT})
    launcher = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", shim.__file__, str(folder)), stdin=asyncio.subprocess.DEVNULL, env={}
    )
    await launcher.wait()
    deadline = time.monotonic() + _START_PATIENCE
    while not ((folder / "state.json").exists() or (folder / "exit.json").exists()):
        if time.monotonic() > deadline:
            raise KgentsError(f"The container in {folder} did not start", why="its keeper says nothing")
        await asyncio.sleep(0.005)
    _prune(container)
    return newest(container)


def _numbers(container: Path) -> list[int]:
    return sorted(int(path.name) for path in container.glob("[0-9]*") if path.name.isdigit())


def _prune(container: Path) -> None:
    for number in _numbers(container)[:-_KEPT]:
        shutil.rmtree(container / str(number), ignore_errors=True)


def _is_kept(state: Object) -> bool:
    return bool(state) and is_alive(state["shim"], state["shimStart"])
