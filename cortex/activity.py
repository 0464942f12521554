"""How busy an agent is, 0 to 1: its pods' CPU use against what they request, and what it said in the last minute.

Shown, never stored. Where no metrics are served it is unknown; pods that request nothing are held against one core.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgents.api import quantity

Object = Mapping[str, Any]
BUSY_SIGNALS = 60.0
"""So many signals a minute count as fully busy."""
BUSY_LINES = 600
"""So many lines of its pods' logs in a minute do, too."""


def cpu_used(metrics: Object) -> float:
    """Cores that a PodMetrics object says are in use."""
    containers = metrics.get("containers") or []
    return sum(quantity.parse_or((one.get("usage") or {}).get("cpu"), 0.0) or 0.0 for one in containers)


def cpu_requested(pod: Object) -> float:
    """Cores that a pod requests; its limits where it requests nothing, one core where it says nothing."""
    containers = (pod.get("spec") or {}).get("containers") or []
    return sum(_requested(one) for one in containers) or 1.0


def _requested(container: Object) -> float:
    resources = container.get("resources") or {}
    for part in ("requests", "limits"):
        found = quantity.parse_or((resources.get(part) or {}).get("cpu"), None)
        if found:
            return found
    return 0.0


def activity(pods: Iterable[tuple[Object, Object | None]], signals: int, lines: int = 0) -> float | None:
    """Of (pod, its metrics) pairs, and of the signals and the log lines of the last minute.

    None when no use was measured. Lines that nobody has counted are none.
    """
    measured = [(cpu_used(metrics), cpu_requested(pod)) for pod, metrics in pods if metrics is not None]
    if not measured:
        return None
    cpu = min(sum(used for used, _ in measured) / sum(requested for _, requested in measured), 1.0)
    idle = (1.0 - cpu) * (1.0 - min(signals / BUSY_SIGNALS, 1.0)) * (1.0 - min(lines / BUSY_LINES, 1.0))
    return round(1.0 - idle, 2)
