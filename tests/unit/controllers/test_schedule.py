"""When a CronJob is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kgents.api.errors import KgentsError
from kgents.embedded.controllers.schedule import Schedule

START = datetime(2026, 3, 28, 10, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("*/5 * * * *", "UTC", "2026-03-28T10:05:00+00:00"),
        ("0 0 ? * sun", "UTC", "2026-03-29T00:00:00+00:00"),
        ("@daily", "Europe/Berlin", "2026-03-28T23:00:00+00:00"),
        ("0 9 * * *", "America/New_York", "2026-03-28T13:00:00+00:00"),
        ("@every 90s", None, "2026-03-28T10:02:00+00:00"),
    ],
)
def test_the_next_time(text: str, zone: str | None, expected: str) -> None:
    found = Schedule(text, zone, START).next(START)
    assert found is not None and found.isoformat() == expected


def test_a_time_is_the_last_from_its_very_second_on() -> None:
    schedule, due = Schedule("*/5 * * * *", "UTC", START), START.replace(minute=5, second=0)
    assert schedule.last(due) == due == schedule.last(due + timedelta(minutes=4))
    assert schedule.last(due - timedelta(seconds=1)) == due - timedelta(minutes=5)


def test_every_counts_from_the_last_time() -> None:
    schedule = Schedule("@every 1h", None, START)
    assert schedule.last(START + timedelta(minutes=59)) is None
    assert schedule.last(START + timedelta(hours=2, minutes=1)) == START + timedelta(hours=2)


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "61 * * * *", "@often", "@every soon", "x" * 10_000])
def test_what_is_no_schedule_is_said(text: str) -> None:
    with pytest.raises(KgentsError):
        Schedule(text, None, START)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", "a\0b"])
def test_a_zone_that_is_not_known_is_said(zone: str) -> None:
    with pytest.raises(KgentsError):
        Schedule("@daily", zone, START)
