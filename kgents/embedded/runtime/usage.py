"""CPU time and memory of process trees, from one pass over /proc for all of them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat. Times are seconds of CPU; `reaped` is what its ended children had used."""

    parent: int
    own: float
    reaped: float
    started: str
    memory: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a tree: seconds of CPU since its beginning, bytes of memory now."""

    cpu: float
    memory: int


def processes() -> dict[int, Process]:
    """All processes of the machine. One that ends meanwhile is left out."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - many names, and no need of paths
        if name.isdecimal():
            process = _process(name)
            if process is not None:
                found[int(name)] = process
    return found


def _process(pid: str) -> Process | None:
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(fd, 4096)
        finally:
            os.close(fd)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    fields = data.rpartition(b")")[2].split()
    own, reaped = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return Process(int(fields[1]), own / TICKS, reaped / TICKS, fields[19].decode(), int(fields[21]) * PAGE)


def of_trees(roots: Iterable[int], table: dict[int, Process]) -> dict[int, Usage]:
    """The use of what each root has below itself, the root itself left out. A root that is gone has no entry."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid, process in table.items():
        children[process.parent].append(pid)
    found = {}
    for root in roots:
        if root not in table:
            continue
        # What ended children used is counted with whoever reaped them, so that the sum never shrinks by an end.
        cpu, memory = table[root].reaped, 0
        left = list(children[root])
        while left:
            pid = left.pop()
            left += children[pid]
            cpu += table[pid].own + table[pid].reaped
            memory += table[pid].memory
        found[root] = Usage(cpu, memory)
    return found


def machine_cpu() -> float:
    """Seconds of CPU that the whole machine has used since boot, on all cores together."""
    user, nice, system, _idle, _wait, irq, soft, *_ = _numbers()
    return (user + nice + system + irq + soft) / TICKS


def _numbers() -> list[int]:
    with Path("/proc/stat").open(encoding="ascii") as file:
        return [int(text) for text in file.readline().split()[1:]]
