"""Ends every container of a hive, whether or not its runtime lives."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from kgents.embedded.runtime.launcher.shim import descendants, start_time, stat

_ROUNDS = 100
_NOBODY = -1


def read_json(path: Path) -> dict[str, object] | None:
    """A file that was written atomically, or None when it is not there (or is not ours to understand)."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def is_alive(pid: object, started: object) -> bool:
    """Whether that very process still runs: its pid may be somebody else's by now, or of one that waits for burial."""
    try:
        return _is_there(pid, started) and stat(int(str(pid)))[0] not in "ZX"
    except OSError:
        return False


def _is_there(pid: object, started: object) -> bool:
    """Whether the pid is still that process's own; also when only threads or others of its session live on."""
    try:
        return isinstance(pid, int) and start_time(pid) == started
    except OSError:
        return False


def send(folder: Path, number: int) -> bool:
    """Send a signal to the program kept in a container's folder. False when it does not run."""
    state = read_json(folder / "state.json")
    if state is None or (folder / "exit.json").exists() or not _is_there(state["pid"], state["pidStart"]):
        return False
    try:
        os.kill(int(str(state["pid"])), number)
    except ProcessLookupError:
        return False
    return True


def end_session(state: Mapping[str, object]) -> None:
    """SIGKILL for what a program whose keeper was killed left behind in its session."""
    pid = int(str(state["pid"]))
    if Path(f"/proc/{pid}").exists() and not _is_there(pid, state["pidStart"]):
        return  # The number is somebody else's by now, and so is the session.
    for _ in range(_ROUNDS):
        left = descendants(_NOBODY, pid)
        for member in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        if not left:
            return


def stop_pods(root: Path, patience: float = 10.0) -> int:
    """Ends every program below `root`/pods at once, with all it started. Returns how many there were.

    Waits until they and their keepers are gone, for `patience` seconds at most.
    """
    return stop_containers(Path(root).glob("pods/*/containers/*/*/spec.json"), patience)


def stop_containers(specs: Iterable[Path], patience: float = 10.0) -> int:
    """As `stop_pods`, for the attempts that these spec.json files belong to."""
    left = {path.parent for path in specs if not (path.parent / "exit.json").exists()}
    ended: set[Path] = set()
    deadline = time.monotonic() + patience
    while left:
        ended |= {folder for folder in left if send(folder, signal.SIGKILL)}
        left = {folder for folder in left if _has_keeper(folder)}
        if time.monotonic() > deadline:
            break
        if left:
            time.sleep(0.01)
    return len(ended)


def _has_keeper(folder: Path) -> bool:
    """Whether a shim lives for this attempt; when none does, nothing of it is left running."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        state = read_json(folder / "state.json")
        if state is not None and not (folder / "exit.json").exists():
            end_session(state)
        # One that is still on its way finds this, and does not start.
        (folder / "exit.json").touch()
        return False
    finally:
        os.close(lock)
