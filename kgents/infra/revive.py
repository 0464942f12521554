"""Starting a hive's supervisor, and knowing whether it lives. Standard library only: commands ask this often.

The supervisor holds a lock for as long as it lives, so a stale pid file can't mislead: no lock, no supervisor.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from kgents.api.errors import KgentsError
from kgents.infra.hive import Hive, of_context

_STOP_PATIENCE = 30.0


def is_supervised(hive: Hive) -> bool:
    """Whether a supervisor holds the hive's lock now."""
    try:
        with hive.lock_file.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def start_supervisor(hive: Hive) -> None:
    """Starts the supervisor, detached from this terminal. A second one beside it would end at once by itself."""
    hive.stopped_file.unlink(missing_ok=True)
    log = os.open(hive.log_dir / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        subprocess.Popen(
            [sys.executable, "-P", "-m", "kgents.infra.supervisor", "--hive", hive.name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=hive.dir,
            start_new_session=True,
        )
    finally:
        os.close(log)


def revive(context: str) -> bool:
    """If `context` is an embedded hive that should run and does not, starts it. True when it did."""
    hive = of_context(context)
    if hive is None or hive.deployed or hive.stopped_file.exists() or is_supervised(hive):
        return False
    start_supervisor(hive)
    return True


def state(hive: Hive) -> dict[str, Any]:
    """What the supervisor last said: {"pid", "processes": {name: {"pid", "restarts", "lastExit", "startedAt"}}}."""
    try:
        said = json.loads(hive.state_file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def stop_supervisor(hive: Hive) -> bool:
    """Ends the supervisor and with it the hive's processes; waits for it. False when none ran."""
    hive.stopped_file.touch(mode=0o600)
    if not is_supervised(hive):
        return False
    pid = state(hive).get("pid")
    end = time.monotonic() + _STOP_PATIENCE
    while is_supervised(hive):
        if isinstance(pid, int):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pid = None
        if time.monotonic() > end:
            raise KgentsError(
                f"The hive “{hive.name}” does not stop",
                why=f"its supervisor (pid {pid}) still runs after {_STOP_PATIENCE:.0f} s",
                fix=f"See {hive.log_dir / 'supervisor.log'}",
            )
        time.sleep(0.05)
        pid = pid or state(hive).get("pid")
    return True
