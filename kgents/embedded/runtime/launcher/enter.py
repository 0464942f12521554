"""Runs a command among a container's mounts and environment: exec probes and hooks.

python -I -S enter.py PID SPEC COMMAND…
"""

from __future__ import annotations

import ctypes
import json
import os
import sys


def join(pid: int) -> None:
    """Into the mount namespace of `pid`, and its user namespace where it has one of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    spaces = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in ("user", "mnt")]
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return
    if os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user"):
        spaces = spaces[1:]
    for fd in spaces:
        if libc.setns(fd, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def main(pid: int, spec_file: str, command: list[str]) -> None:
    with open(spec_file, encoding="utf-8") as file:
        spec = json.load(file)
    try:
        join(pid)
        os.chdir(spec["cwd"])
        os.execvpe(command[0], command, spec["env"])
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(126)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
