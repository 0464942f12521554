"""When a CronJob is due: the five fields of cron, its @words, and `@every 1h30m`, in a time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from kgents.api import duration
from kgents.api.errors import KgentsError

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_SECOND = timedelta(seconds=1)


class BadSchedule(KgentsError):
    """Neither cron nor one of its words, or a time zone that this machine does not know."""


class Schedule:
    """The times of a CronJob. `since` is what `@every` counts from."""

    def __init__(self, text: str, zone: str | None, since: datetime) -> None:
        self._zone = _zone(zone)
        self._since = since
        self._every: timedelta | None = None
        if text.startswith(_EVERY):
            self._every = max(_SECOND, timedelta(seconds=int(duration.parse(text.removeprefix(_EVERY)))))
            return
        self._fields = _WORDS.get(text, text).replace("?", "*")
        if len(self._fields.split()) != 5:
            raise BadSchedule(f"The schedule “{text[:60]}” has not five fields")
        # A first look: what does not parse is said now.
        self._next(since)

    def last(self, now: datetime) -> datetime | None:
        """The latest time up to `now`; None when there was none."""
        if self._every is not None:
            turns = (now - self._since) // self._every
            return self._since + turns * self._every if turns > 0 else None
        try:
            found: datetime = next(CronSim(self._fields, now.astimezone(self._zone) + _SECOND, reverse=True))
        except StopIteration:
            return None
        return found.astimezone(UTC)

    def next(self, now: datetime) -> datetime | None:
        """The first time after `now`; None when there is none in the next fifty years."""
        if self._every is not None:
            turns = max(0, (now - self._since) // self._every) + 1
            return self._since + turns * self._every
        return self._next(now)

    def _next(self, now: datetime) -> datetime | None:
        try:
            found: datetime = next(CronSim(self._fields, now.astimezone(self._zone)))
        except CronSimError as error:
            raise BadSchedule(f"The schedule “{self._fields[:60]}” is no cron expression", why=str(error)) from error
        except StopIteration:
            return None
        return found.astimezone(UTC)

    def local(self, when: datetime) -> datetime:
        """The same time as the CronJob's clock shows it."""
        return when.astimezone(self._zone)


def schedule_of(cron_job: Mapping[str, Any], since: datetime) -> Schedule:
    """The schedule of a CronJob. Raises KgentsError."""
    spec = cron_job["spec"]
    return Schedule(str(spec["schedule"]).strip(), spec.get("timeZone"), since)


def _zone(name: str | None) -> tzinfo | None:
    """None is the zone of this machine, as with Kubernetes that of its controller manager."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadSchedule(f"The time zone “{name[:60]}” is not known here") from error
