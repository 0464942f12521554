"""Times and ages, as kubectl writes them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any


def parse_time(value: Any) -> float | None:
    """Seconds since the epoch of an RFC 3339 time, or None."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def age(moment: float, now: float | None = None) -> str:
    """How long ago, in at most two units: 42s, 3m7s, 5h, 2d3h, 4y20d."""
    seconds = int((time.time() if now is None else now) - moment)
    if seconds < -1:
        return "<invalid>"
    return duration(max(seconds, 0))


def duration(seconds: int) -> str:
    """A length of time in at most two units."""
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    years = days // 365
    return _two(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first}{unit}{second}{smaller}" if second else f"{first}{unit}"


def since(value: Any) -> str:
    """The age of a timestamp as a table shows it."""
    moment = parse_time(value)
    return "<unknown>" if moment is None else age(moment)
