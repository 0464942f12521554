"""Ends every container of a hive, whether or not its runtime lives."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from kgents.embedded.runtime.launcher.shim import start_time


def read_json(path: Path) -> dict[str, object] | None:
    """A file that was written atomically, or None when it is not there (or is not ours to understand)."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def is_alive(pid: object, started: object) -> bool:
    """Whether that very process still runs: a pid alone may be somebody else's by now."""
    try:
        return isinstance(pid, int) and start_time(pid) == started
    except OSError:
        return False


def send(folder: Path, number: int) -> bool:
    """Send a signal to the program kept in a container's folder. False when it does not run."""
    state = read_json(folder / "state.json")
    if state is None or (folder / "exit.json").exists() or not is_alive(state["pid"], state["pidStart"]):
        return False
    try:
        os.kill(int(str(state["pid"])), number)
    except ProcessLookupError:
        return False
    return True


def stop_pods(root: Path) -> int:
    """SIGKILL for every program below `root`/pods; their shims end what is left. Returns how many there were."""
    return sum(send(path.parent, signal.SIGKILL) for path in Path(root).glob("pods/*/containers/*/*/state.json"))
