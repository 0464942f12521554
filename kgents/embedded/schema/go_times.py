"""Times as Kubernetes stores them: in UTC, metav1.Time in whole seconds, metav1.MicroTime with six digits.

What is none is refused in the words of Go's time.Parse.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECONDS = "2006-01-02T15:04:05Z07:00"
MICRO = "2006-01-02T15:04:05.000000Z07:00"
_HEAD = ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05")
_FRACTION = re.compile(r"[.,]\d+", re.ASCII)
_SIX_DIGITS = re.compile(r"\.\d{6}", re.ASCII)
_ZONE = re.compile(r"Z|[+-]\d\d:\d\d", re.ASCII)
_RANGES = (("month", 1, 12), ("day", 1, 31), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59))


def time_text(text: str) -> str:
    """A metav1.Time in its one form. Raises ValueError."""
    return f"{_moment(text, SECONDS):%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")


def micro_text(text: str) -> str:
    """A metav1.MicroTime in its one form. Raises ValueError."""
    return f"{_moment(text, MICRO):%Y-%m-%dT%H:%M:%S.%fZ}".rjust(27, "0")


def _moment(text: str, layout: str) -> datetime:
    numbers, at = _head(text, layout)
    fraction = _SIX_DIGITS.match(text, at) if layout == MICRO else _FRACTION.match(text, at)
    if layout == MICRO and fraction is None:
        raise _wrong(text, layout, text[at:], ".000000")
    at = fraction.end() if fraction else at
    zone = _ZONE.match(text, at)
    if zone is None:
        raise _wrong(text, layout, text[at:], "Z07:00")
    if zone.end() < len(text):
        raise ValueError(f'parsing time "{text}": extra text: "{text[zone.end() :]}"')
    year, *rest = numbers
    for (name, least, most), number in zip(_RANGES, rest, strict=True):
        if not least <= number <= most:
            raise ValueError(f'parsing time "{text}": {name} out of range')
    micro = int(fraction[0][1:7].ljust(6, "0")) if fraction else 0
    return _in_utc(text, (year, *rest, micro), zone[0])


def _head(text: str, layout: str) -> tuple[list[int], int]:
    """The numbers up to the second, and where they end."""
    numbers, at = [], 0
    for element in _HEAD:
        part = text[at : at + len(element)]
        if element.isdigit():
            if not (part.isascii() and part.isdigit() and len(part) == len(element)):
                raise _wrong(text, layout, text[at:], element)
            numbers.append(int(part))
        elif part != element:
            raise _wrong(text, layout, text[at:], element)
        at += len(element)
    return numbers, at


def _in_utc(text: str, numbers: tuple[int, ...], zone: str) -> datetime:
    year, month, day, hour, minute, second, micro = numbers
    written = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}{zone}"
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except OverflowError:
        raise ValueError("Time.MarshalJSON: year outside of range [0,9999]") from None
    except ValueError:
        raise ValueError(f'parsing time "{text}": day out of range') from None


def _wrong(text: str, layout: str, rest: str, element: str) -> ValueError:
    return ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{element}"')
