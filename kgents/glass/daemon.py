"""Starting and ending the local Cortex of one hive.

It starts by itself on the first command that misses it, detached, and no command waits for it. It stays out under
`CI` or `KGENTS_NO_DAEMON`. A hive's supervisor keeps the hive's own; there the supervisor is revived instead.

The daemon holds a lock from its start to its end (it inherits the descriptor), so neither a stale pid file nor two
commands at once can mislead: no lock, no daemon.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kgents.api.errors import KgentsError
from kgents.glass.context import Target
from kgents.infra.home import cortex_log_file, cortex_pid_file, cortex_socket, home, private_dir

_STOP_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class State:
    """`listens` tells whether somebody accepts on its socket; `supervised`, that a hive's supervisor keeps it."""

    running: bool
    listens: bool
    pid: int | None
    supervised: bool


def wake(target: Target, env: Mapping[str, str] = os.environ) -> None:
    """Have a Cortex soon, if one may run. Never waits, never fails: the answer comes from the next layer anyway."""
    from kgents.infra.hive import of_context
    from kgents.infra.revive import revive

    hive = of_context(target.context)
    ours = hive is not None and hive.server == target.server
    try:
        if ours:
            revive(target.context)
        if (hive is None or not ours or not hive.keeps_cortex) and not (env.get("CI") or env.get("KGENTS_NO_DAEMON")):
            start(target)
    except (OSError, KgentsError):
        return  # the layers below say what is wrong, should they fail too


def start(target: Target) -> bool:
    """Starts the daemon, detached. False when one runs. Raises OSError when the home cannot be written."""
    import subprocess
    import sys

    lock = _locked(target)
    if lock is None:
        return False
    try:
        log = os.open(cortex_log_file(target.key), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            subprocess.Popen(
                [sys.executable, "-P", "-m", "cortex", "--context", target.context],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                pass_fds=(lock,),
            )
        finally:
            os.close(log)
    finally:
        os.close(lock)
    return True


def stop(target: Target) -> bool:
    """Ends the daemon and waits for it. False when none runs. Raises KgentsError when it does not end."""
    now = state(target)
    if now.supervised:
        raise KgentsError(
            "This Cortex belongs to its hive", why="its supervisor would start it again", fix="kgents infra stop"
        )
    return end(target)


def end(target: Target) -> bool:
    """Ends the daemon, whoever keeps it, and waits for it. False when none runs. Raises KgentsError as `stop` does."""
    now = state(target)
    if not now.running or now.pid is None:
        return False
    latest = time.monotonic() + _STOP_PATIENCE
    os.kill(now.pid, signal.SIGTERM)
    while state(target).running:
        if time.monotonic() > latest:
            os.kill(now.pid, signal.SIGKILL)
            raise KgentsError("Cortex did not end by itself", why=f"pid {now.pid} was killed")
        time.sleep(0.05)
    return True


def state(target: Target) -> State:
    """What there is of the daemon now."""
    pid = _pid(target)
    alive = pid is not None and _is_cortex(pid)
    return State(alive, _listens(target), pid if alive else None, _own_hive(target))


def log_file(target: Target) -> Path:
    """Where its log is: of a hive's Cortex, the hive's own."""
    from kgents.infra.hive import of_context

    hive = of_context(target.context)
    return hive.log_dir / "cortex.log" if hive is not None and _own_hive(target) else cortex_log_file(target.key)


def _own_hive(target: Target) -> bool:
    from kgents.infra.hive import of_context

    hive = of_context(target.context)
    return hive is not None and hive.server == target.server and hive.keeps_cortex


def _locked(target: Target) -> int | None:
    private_dir(home() / "run")
    lock = os.open(cortex_pid_file(target.key).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _environment() -> dict[str, str]:
    # Relative paths would mean another file once it runs in /.
    files = os.environ.get("KUBECONFIG", "")
    absolute = os.pathsep.join(str(Path(part).absolute()) for part in files.split(os.pathsep) if part)
    return {**os.environ, "KGENTS_HOME": str(home().absolute()), **({"KUBECONFIG": absolute} if absolute else {})}


def _pid(target: Target) -> int | None:
    try:
        first = cortex_pid_file(target.key).read_text().split()
        return int(first[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_cortex(pid: int) -> bool:
    """Whether that pid is a Cortex: a stale pid file may name a stranger by now."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"cortex" in command


def _listens(target: Target) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(cortex_socket(target.key)))
        except OSError:
            return False
    return True
