"""How often an agent may write."""

from __future__ import annotations

from operators.tgent import limits
from operators.tgent.limits import Limits

KEY = ("signals", "default", "bot")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_so_many_a_minute() -> None:
    clock = Clock()
    bucket = Limits(clock)
    passed = sum(bucket.take(KEY, 60) == 0 for _ in range(100))
    clock.now = 5.0
    later = sum(bucket.take(KEY, 60) == 0 for _ in range(100))
    assert (passed, later, bucket.refused(KEY)) == (10, 5, 185)


def test_a_flood_of_ten_thousand_a_minute_gets_a_minutes_worth_through() -> None:
    clock = Clock()
    bucket = Limits(clock)
    passed = 0
    for number in range(10_000):
        clock.now = number * 60 / 10_000
        passed += bucket.take(KEY, limits.SIGNALS_PER_MINUTE) == 0
    assert passed <= limits.SIGNALS_PER_MINUTE * 7 / 6 + 1


def test_one_flood_does_not_stop_others() -> None:
    bucket = Limits(Clock())
    for _ in range(1000):
        bucket.take(KEY, 60)
    assert bucket.take(("signals", "default", "other"), 60) == 0


def test_nothing_a_minute_is_nothing() -> None:
    assert Limits(Clock()).take(KEY, 0) > 0


def test_many_writers_do_not_make_it_grow() -> None:
    bucket = Limits(Clock())
    for number in range(limits.REMEMBERED + 50):
        bucket.take(("signals", "default", str(number)), 60)
    assert len(bucket._buckets) == limits.REMEMBERED


def test_a_clock_that_goes_back_gives_nothing() -> None:
    clock = Clock()
    bucket = Limits(clock)
    for _ in range(11):
        bucket.take(KEY, 60)
    clock.now = -100.0
    assert bucket.take(KEY, 60) > 0
