"""Ends the agents' programs of a hive whose processes have been stopped, and waits until each is gone.

Every container has a keeper (the shim) that holds a lock in the container's folder for as long as it lives: when
nobody holds one any more, nothing runs and nothing writes there.
"""

from __future__ import annotations

import fcntl
import json
import signal
import time
from pathlib import Path

from kgents.api.errors import KgentsError
from kgents.files import write_private

_POLITE = 3.0  # seconds between SIGTERM and SIGKILL
_PATIENCE = 15.0
_PAUSE = 0.03


def end_all(directory: Path) -> int:
    """SIGTERM, then SIGKILL, for every program of the hive in `directory`. Returns how many there were.

    Raises KgentsError when one does not end.
    """
    from kgents.embedded.runtime.stopping import send, stop_pods

    folders = [path.parent for path in directory.glob("pods/*/containers/*/*/state.json")]
    ended = [folder for folder in folders if send(folder, signal.SIGTERM)]
    if not _all_gone(directory, _POLITE):
        stop_pods(directory)
        if not _all_gone(directory, _PATIENCE):
            raise KgentsError(
                "Not every agent's program has ended",
                why=f"{_held(directory)[0]} is still held",
                fix="Try again: kgents infra stop",
            )
    for folder in ended:
        _pardon(folder)
    return len(ended)


def _pardon(folder: Path) -> None:
    """It did not fail, it was stopped: nobody calls it a crash."""
    path = folder / "exit.json"
    said = json.loads(path.read_bytes() or b"{}")
    if said:
        write_private(path, json.dumps({**said, "stopped": True}))


def _all_gone(directory: Path, patience: float) -> bool:
    end = time.monotonic() + patience
    while _held(directory):
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True


def _held(directory: Path) -> list[Path]:
    return [path for path in directory.glob("pods/*/containers/*/*/lock") if _is_held(path)]


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
