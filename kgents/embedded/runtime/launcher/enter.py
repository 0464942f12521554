"""Runs a command as a container's own: among its mounts and processes, as confined as it is. Exec probes and hooks.

python -I -S enter.py PID SPEC COMMAND…
"""

from __future__ import annotations

import json
import os
import signal
import sys

TYPE_CHECKING = False  # typing itself costs a megabyte
if TYPE_CHECKING:
    from kgents.embedded.runtime.launcher import confining, kernel
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import confining
    import kernel

_PR_SET_PDEATHSIG = 1
_SPACES = ("user", "mnt", "pid", "ipc")


def join(pid: int) -> None:
    """Into those namespaces of `pid` that are not ours. That of processes holds for the next child."""
    # All opened first: what is joined changes what /proc shows.
    theirs = [
        os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        for name in _SPACES
        if os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")
    ]
    for fd in theirs:
        kernel.check(kernel.libc.setns(fd, 0), "setns")


def main(pid: int, spec_file: str, command: list[str]) -> int:
    with open(spec_file, encoding="utf-8") as file:
        spec = json.load(file)
    isolation = spec["isolation"]
    try:
        join(pid)
        child = os.fork()
        if child == 0:
            # A space of processes bounds signals already; so a hook may send one to its own container.
            confining.confine(isolation, scope_signals=not isolation["spaces"])
            kernel.prctl("death signal", _PR_SET_PDEATHSIG, signal.SIGKILL)
            os.chdir(spec["cwd"])
            os.execvpe(command[0], command, spec["env"])
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(126)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
