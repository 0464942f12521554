"""Whether a CronJob's schedule and time zone can be read, in the words of github.com/robfig/cron and of Go."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
DAYS = {name: number for number, name in enumerate(DAY_NAMES)}
NONE: dict[str, int] = {}
FIELDS = ((0, 59, NONE), (0, 23, NONE), (1, 31, NONE), (1, 12, MONTHS), (0, 6, DAYS))
"""From, to, and names: minutes, hours, days of the month, months, days of the week."""
WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
ZONE_PART = re.compile(r"[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}")
LOCAL = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"


def schedule_problem(text: str) -> str:
    """What is wrong with a schedule, or nothing."""
    if text.startswith("@"):
        known = text in WORDS or re.fullmatch(r"@every [-+0-9.a-zµ]+", text)
        return "" if known else f"unrecognized descriptor: {text}"
    fields = text.split()
    if len(fields) != len(FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    found = (
        _range_problem(one, *bounds) for field, bounds in zip(fields, FIELDS, strict=True) for one in field.split(",")
    )
    return next(filter(None, found), "")


def _range_problem(text: str, least: int, most: int, names: dict[str, int]) -> str:
    span, *steps = text.split("/")
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        first, last = least, most
    else:
        numbers = [names.get(end.lower(), end) for end in ends[:2]]
        for number in numbers:
            if problem := _number_problem(str(number)):
                return problem
        if len(ends) > 2:
            return f"too many hyphens: {text}"
        first, last = int(numbers[0]), int(numbers[-1])
    if len(steps) > 1:
        return f"too many slashes: {text}"
    if steps:
        if problem := _number_problem(steps[0]):
            return problem
        # `5/10` goes on to the end.
        last = most if len(ends) == 1 else last
    if first < least:
        return f"beginning of range ({first}) below minimum ({least}): {text}"
    if last > most:
        return f"end of range ({last}) above maximum ({most}): {text}"
    if first > last:
        return f"beginning of range ({first}) beyond end of range ({last}): {text}"
    return f"step of range should be a positive number: {text}" if steps and int(steps[0]) == 0 else ""


def _number_problem(text: str) -> str:
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
    return f"negative number ({text}) not allowed: {text}" if int(text) < 0 else ""


def zone_problem(name: str) -> str:
    """What is wrong with a time zone, or nothing."""
    if not name:
        return "timeZone must be nil or non-empty string"
    if any(part in (".", "..") or not ZONE_PART.fullmatch(part) for part in name.split("/")):
        return f"unknown time zone {name}"
    if name.lower() == "local":
        return LOCAL
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return f"unknown time zone {name}"
    return ""
