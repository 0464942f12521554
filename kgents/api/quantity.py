"""Kubernetes quantities (`250m`, `1.5Gi`, `2e3`) as numbers."""

from __future__ import annotations

import math
import re

from kgents.api.errors import UsageError

_SUFFIXES = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    **{letter: 1000.0 ** (power + 1) for power, letter in enumerate("kMGTPE")},
    **{f"{letter}i": 1024.0 ** (power + 1) for power, letter in enumerate("KMGTPE")},
}
_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$", re.ASCII)


def parse(value: object) -> float:
    """Cores, bytes or pieces in a quantity: `250m` is 0.25, `1Ki` is 1024. Raises UsageError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    match = _QUANTITY.match(value) if isinstance(value, str) and len(value) <= 64 else None
    if match is None:
        raise UsageError(f'"{str(value)[:64]}" is not a quantity', fix="Write it like 250m, 0.5, 128Mi or 2Gi")
    number, suffix, exponent = match.groups()
    return float(number) * (10.0 ** int(exponent) if exponent else _SUFFIXES[suffix or ""])


def parse_or(value: object, default: float | None) -> float | None:
    """As `parse`, but `default` for what is absent or broken: for objects that others wrote."""
    try:
        return parse(value)
    except UsageError:
        return default


def cpu_text(cores: float) -> str:
    """Cores in millicores, as `kubectl top` writes them."""
    return f"{math.ceil(cores * 1000 - 1e-9)}m"


def memory_text(size: float) -> str:
    """Bytes as a whole number of the largest binary unit that leaves at least 10: `128Mi`, `1536Mi`, `20Gi`."""
    units = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
    power = 0
    while size >= 10 * 1024 and power < len(units) - 1:
        size /= 1024
        power += 1
    return f"{round(size)}{units[power]}"
