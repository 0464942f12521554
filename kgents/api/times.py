"""Times as the API writes them: RFC 3339 in UTC. Inside kgents a time is seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?(?:([Zz])|([+-]\d{2}:\d{2}))$",
    re.ASCII,
)


def parse(text: object) -> float | None:
    """Seconds since 1970, or None for what is not a time; never an exception, for objects are written by others."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    match = _RFC3339.match(text)
    if match is None:
        return None
    day, clock, fraction, _, offset = match.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{offset or '+00:00'}").timestamp()
    except (ValueError, OverflowError):
        return None
    return whole + float(fraction or 0)


def to_text(seconds: float) -> str:
    """`2026-01-02T03:04:05Z`, the fraction cut off, as the API holds it. Clamped to the years 1 to 9999."""
    clamped = min(max(seconds, -62_135_596_800.0), 253_402_300_799.0)
    return datetime.fromtimestamp(int(clamped), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def to_micro_text(seconds: float) -> str:
    """As `to_text` with six fractional digits, so that what was written in one second keeps its order."""
    whole, micros = divmod(round(seconds * 1e6), 1_000_000)
    return f"{to_text(whole)[:-1]}.{micros:06d}Z"
