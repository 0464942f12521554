"""Keeps the processes of a hive alive. Standard library only, and no listening socket: little can kill it.

It starts each process, restarts what ends (at once, then with a pause that grows, to 2 s in an embedded hive), and
says in `supervisor.json` what it knows. When it ends, its processes end with it: the kernel sees to that even if it
is killed. Agents are not its children: they live on, and the runtime finds them again.

    python -P -m kgents.infra.supervisor --hive NAME
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from kgents.files import write_private
from kgents.infra.hive import API_PORT, Hive, load
from kgents.infra.processes import Process, processes

_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
_STEADY = 10.0  # seconds a process must live for its next restart to be immediate again
_GRACE = 8.0  # seconds between SIGTERM and SIGKILL
_LOG_LIMIT = 8 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """One supervised process and its history."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.popen: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.due = 0.0
        self.restarts = 0
        self.quick_ends = 0
        self.last_exit: int | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "pid": self.popen.pid if self.popen else None,
            "restarts": self.restarts,
            "lastExit": self.last_exit,
            "startedAt": self.started,
        }


class Supervisor:
    """Runs until SIGTERM or SIGINT."""

    def __init__(self, hive: Hive, commands: list[Process]) -> None:
        self.hive = hive
        self.children = [Child(process) for process in commands]
        self.stopping = False
        self._home = hive.dir.stat().st_ino

    def run(self) -> None:
        wake_read, wake_write = socket.socketpair()
        wake_write.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        with selectors.DefaultSelector() as selector:
            selector.register(wake_read, selectors.EVENT_READ)
            while not self.stopping and not self._is_homeless():
                self._turn()
                if selector.select(self._patience()):
                    wake_read.recv(4096)
        self._end_all()

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self.stopping = True

    def _is_homeless(self) -> bool:
        """Whether somebody has removed the hive's folder: its processes would go on making it anew."""
        try:
            return self.hive.dir.stat().st_ino != self._home
        except FileNotFoundError:
            return True

    def _turn(self) -> None:
        """One look at every process: note what ended, start what is due."""
        changed = False
        now = time.monotonic()
        for child in self.children:
            if child.popen and child.popen.poll() is not None:
                self._note_end(child, now)
                changed = True
            if child.popen is None and now >= child.due and self._ready_for(child):
                self._start(child)
                changed = True
        if changed:
            self._say()

    def _ready_for(self, child: Child) -> bool:
        return not child.process.needs_api or _answers(self.hive.address)

    def _note_end(self, child: Child, now: float) -> None:
        assert child.popen is not None
        child.last_exit = child.popen.returncode
        child.popen = None
        child.restarts += 1
        child.quick_ends = 0 if time.time() - child.started > _STEADY else child.quick_ends + 1
        pause = _PAUSES[min(child.quick_ends, len(_PAUSES) - 1)]
        child.due = now + min(pause, child.process.longest_pause)

    def _start(self, child: Child) -> None:
        with _open_log(self.hive.log_dir / f"{child.process.name}.log") as log:
            child.popen = subprocess.Popen(
                child.process.argv,
                env=child.process.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.hive.dir,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        child.started = time.time()

    def _patience(self) -> float:
        """Seconds until something is due: soon while a process waits for its turn, else a slow look around."""
        now = time.monotonic()
        waiting = [max(child.due - now, 0.02) for child in self.children if child.popen is None]
        return min(waiting, default=5.0)

    def _end_all(self) -> None:
        # The API server goes last, so that the others can still say goodbye to it.
        for child in reversed(self.children):
            _end(child)
        self._say()

    def _say(self) -> None:
        state = {
            "pid": os.getpid(),
            "processes": {child.process.name: child.to_dict() for child in self.children},
        }
        try:
            write_private(self.hive.state_file, json.dumps(state, indent=1) + "\n")
        except OSError as error:  # a full disk must not stop the processes; the next change writes it again
            print(f"supervisor: cannot write {self.hive.state_file}: {error}", file=sys.stderr, flush=True)


def _end(child: Child) -> None:
    popen = child.popen
    if popen is None:
        return
    popen.terminate()
    try:
        popen.wait(_GRACE)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
    child.last_exit, child.popen = popen.returncode, None


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.set_wakeup_fd(-1)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, API_PORT), timeout=0.2):
            return True
    except OSError:
        return False


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def hold_lock(hive: Hive) -> IO[str] | None:
    """The lock, held until the file is closed; None when another supervisor has it."""
    lock = os.fdopen(os.open(hive.lock_file, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def main() -> None:
    # Neither argparse nor dataclasses here: together they would take as much memory as all the rest.
    if len(sys.argv) != 3 or sys.argv[1] != "--hive":
        sys.exit("usage: python -P -m kgents.infra.supervisor --hive NAME")
    hive = load(sys.argv[2])
    lock = hold_lock(hive)
    if lock is None:
        return
    Supervisor(hive, processes(hive)).run()
    # The lock goes with the process and not before it: who finds it free finds nothing running.
    os._exit(0)


if __name__ == "__main__":
    main()
