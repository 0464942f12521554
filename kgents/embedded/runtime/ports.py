"""Who listens where on this machine, read from /proc: for "the port is in use" with a name to it. Linux only.

All pods share the machine's ports. One that listens on 0.0.0.0 or [::] takes a port for every address, and the next
program that wants it fails. `find_conflict` says who it was. Whether a socket on [::] leaves IPv4 alone is not told
by /proc; it is taken to hold both, as is the rule.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kgents.embedded.runtime.stopping import is_alive, read_json

WILDCARDS = ("0.0.0.0", "::")
Address = tuple[str, int]
Pods = Mapping[str, Collection[int]]
"""Process ids by the name of the pod; their children belong to it too."""

_LISTEN = "0A"
_DEEPEST = 64
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Conflict:
    """`holder` listens on `address`, which keeps a pod from listening on `port`."""

    port: int
    holder: str
    address: str


def listeners() -> dict[Address, int]:
    """Every TCP socket that listens: (ip, port) → inode. IPv4 addresses within IPv6 are told as IPv4."""
    found: dict[Address, int] = {}
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (_PROC / table).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN:
                found.setdefault(_parse(fields[1]), int(fields[9]))
    return found


def _parse(text: str) -> Address:
    digits, _, port = text.partition(":")
    # Words of 32 bits, each as this machine holds it.
    words = (digits[start : start + 8] for start in range(0, len(digits), 8))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    ip = ipaddress.ip_address(packed)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip), int(port, 16)


def holder(port: int, pods: Pods) -> str | None:
    """Who holds `port` for all addresses: a pod's name, or words for another process. None when nobody does."""
    taken = listeners()
    for wildcard in WILDCARDS:
        if inode := taken.get((wildcard, port)):
            return name_of(process_of(inode), pods)
    return None


def find_conflict(
    pod_ip: str, ports: Iterable[int], own_pids: Collection[int], pods: Pods | None = None, *, anywhere: bool = False
) -> Conflict | None:
    """The first of `ports` that someone other than `own_pids` and their children keeps from a pod at `pod_ip`.

    With `anywhere`, a listener at any other address counts too: it is in the way of a program that binds 0.0.0.0.
    """
    taken = listeners()
    for port in ports:
        places = [place for place in ((WILDCARDS[0], port), (WILDCARDS[1], port), (pod_ip, port)) if place in taken]
        if anywhere:
            places += sorted(place for place in taken if place[1] == port and place not in places)
        for place in places:
            pid = process_of(taken[place])
            if pid is None or not any(member in own_pids for member in ancestry(pid)):
                return Conflict(port, name_of(pid, pods or {}), place[0])
    return None


def name_of(pid: int | None, pods: Pods) -> str:
    """The pod that a process belongs to, or words for it."""
    if pid is None:
        return "a process of another user"
    family = list(ancestry(pid))
    for pod, pids in pods.items():
        if any(member in pids for member in family):
            return pod
    if pid == os.getpid():
        return "the hive itself, for a Service"
    try:
        command = (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({command})"


def process_of(inode: int) -> int | None:
    """A process that has the socket open; None when none that we may look into does."""
    wanted = f"socket:[{inode}]"
    with os.scandir(_PROC) as processes:
        for entry in processes:
            if entry.name.isdigit() and _has(entry.name, wanted):
                return int(entry.name)
    return None


def _has(pid: str, wanted: str) -> bool:
    try:
        with os.scandir(f"/proc/{pid}/fd") as files:
            return any(_target(entry.path) == wanted for entry in files)
    except OSError:
        # It is gone, or another user's.
        return False


def _target(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - thousands of them
    except OSError:
        return ""


def ancestry(pid: int) -> Iterator[int]:
    """The process, its parent, and so on."""
    for _ in range(_DEEPEST):
        if pid <= 0:
            return
        yield pid
        try:
            stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return
        pid = int(stat.rpartition(")")[2].split()[1])


def pod_processes(root: Path) -> dict[str, set[int]]:
    """The programs and shims that run below `root`/pods, by `namespace/name`."""
    found: dict[str, set[int]] = {}
    for path in root.glob("pods/*/containers/*/*/state.json"):
        state, pod = read_json(path), read_json(path.parents[3] / "pod.json")
        if state is None or pod is None:
            continue
        for pid, started in ((state.get("pid"), state.get("pidStart")), (state.get("shim"), state.get("shimStart"))):
            if isinstance(pid, int) and is_alive(pid, started):
                found.setdefault(f"{pod.get('namespace')}/{pod.get('name')}", set()).add(pid)
    return found
