"""Durations as Kubernetes writes them (`1h5m30s`), as people write them (`2d`), and ages as people read them."""

from __future__ import annotations

import math
import re

from kgents.api.errors import UsageError

_SMALL = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3}
_UNITS = {**_SMALL, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|[smhdw])", re.ASCII)
_LONGEST = 64
MAX_SECONDS = 9_223_372_036.0
"""What Go's Duration holds, about 292 years."""


def parse(text: str) -> float:
    """Seconds in `90s`, `1h5m30s`, `1.5h`, `2d`. Raises UsageError for anything else; there are no negative ones."""
    text = text.strip()
    if text == "0":
        return 0.0
    seconds, position = 0.0, 0
    while position < len(text) <= _LONGEST:
        part = _PART.match(text, position)
        if part is None:
            break
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not text or position < len(text) or seconds > MAX_SECONDS:
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
        raise UsageError(f'"{shown}" is not a duration', fix="Write it like 90s, 5m, 1h30m or 2d")
    return seconds


def parse_or(text: object, default: float) -> float:
    """As `parse`, but `default` for what is absent, broken or not positive: for objects that others wrote."""
    if not isinstance(text, str):
        return default
    try:
        seconds = parse(text)
    except UsageError:
        return default
    return seconds if seconds > 0 else default


def to_text(seconds: float) -> str:
    """The shortest form that the API accepts: `5m`, `1h30m`, `250ms`. Exact to the millisecond."""
    if not 0 <= seconds <= MAX_SECONDS:
        raise UsageError(f"{seconds} s is not a duration", why="it is negative, or longer than 292 years")
    milliseconds = math.floor(seconds * 1000 + 0.5)
    if milliseconds == 0:
        return "0s"
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def age(seconds: float | None) -> str:
    """An age as people write it: `42s`, `3m`, `2h`, `5d`; `2m10s` while that still matters; `?` when unknown."""
    if seconds is None or math.isnan(seconds):
        return "?"
    whole = int(max(0.0, min(seconds, MAX_SECONDS)))
    if whole < 120:
        return f"{whole}s"
    if whole < 600:
        return _two(whole, 60, "m", 1, "s")
    if whole < 2 * 3600:
        return f"{whole // 60}m"
    if whole < 8 * 3600:
        return _two(whole, 3600, "h", 60, "m")
    if whole < 48 * 3600:
        return f"{whole // 3600}h"
    if whole < 8 * 86400:
        return _two(whole, 86400, "d", 3600, "h")
    if whole < 2 * 365 * 86400:
        return f"{whole // 86400}d"
    return _two(whole, 365 * 86400, "y", 86400, "d")


def _two(whole: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    count, rest = divmod(whole, big)
    return f"{count}{big_unit}{rest // small}{small_unit}" if rest // small else f"{count}{big_unit}"
