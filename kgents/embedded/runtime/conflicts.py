"""Why a container in trouble cannot listen: who holds a port that it declares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kgents.embedded.runtime import ports
from kgents.embedded.runtime.states import View

Object = Mapping[str, Any]
_TAIL = 8192
_IN_USE = re.compile(rb"address (is )?already in use|EADDRINUSE|port .{0,20}(is )?(already )?in use", re.IGNORECASE)


def find(root: Path, address: str, pod: Object, views: Iterable[View]) -> str | None:
    """Who is in the way of one of these containers, in words; None when nobody is. Reads /proc: not for the loop."""
    processes = ports.pod_processes(root)
    own = processes.pop(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}", set())
    for view in views:
        declared = [int(port["containerPort"]) for port in view.spec.get("ports") or []]
        # Another address of that port is only in the way of who asks for all, and then the program says so.
        anywhere = complains(view.attempt.folder / "log")
        found = ports.find_conflict(address, declared, own, processes, anywhere=anywhere)
        if found:
            return (
                f"container {view.spec['name']} wants port {found.port}, which {found.holder} "
                f"holds on {found.address}: listen on $POD_IP, or choose another port"
            )
    return None


def complains(log: Path) -> bool:
    """Whether the last that a program said is that its address is taken."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return bool(_IN_USE.search(file.read()))
    except FileNotFoundError:
        return False
