"""Pods that run longer than they may. That one was ended for it stands in its folder, for whoever keeps it next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.embedded.runtime.launcher.shim import write_json
from kgents.embedded.runtime.stopping import read_json

Object = Mapping[str, Any]
FILE = "failed.json"
MESSAGE = "Pod was active on the node longer than the specified deadline"


def left(pod: Object, now: float) -> float | None:
    """Seconds of activeDeadlineSeconds that are left; None without a limit, and before the pod began."""
    limit = pod["spec"].get("activeDeadlineSeconds")
    started = times.parse((pod.get("status") or {}).get("startTime"))
    return None if limit is None or started is None else started + float(limit) - now


def fail(folder: Path) -> str:
    """Note that the pod is over its deadline. Returns the message."""
    write_json(str(folder / FILE), {"reason": "DeadlineExceeded", "message": MESSAGE})
    return MESSAGE


def failure(folder: Path) -> tuple[str, str] | None:
    """(reason, message) of a pod that was ended as a whole."""
    found = read_json(folder / FILE)
    return (str(found.get("reason")), str(found.get("message"))) if found else None
