from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgents.api import duration
from kgents.api.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h5m30s", 3930),
        ("1.5h", 5400),
        ("2d", 172800),
        ("250ms", 0.25),
        ("0", 0),
        ("0s", 0),
        (" 5m ", 300),
    ],
)
def test_durations_are_understood(text: str, seconds: float) -> None:
    assert duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-5m", "5 m", "1y", "5m!", "1e3s", "9" * 60 + "h", "5m" * 40, "五m", "٥m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        duration.parse(text)


@given(st.floats(min_value=0, max_value=duration.MAX_SECONDS))
def test_a_duration_survives_being_written(seconds: float) -> None:
    assert duration.parse(duration.to_text(seconds)) == pytest.approx(seconds, abs=0.001)


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_a_usage_error(text: str) -> None:
    assert duration.parse_or(text, 7.0) > 0


@pytest.mark.parametrize("value", [None, 5, "soon", "0s", ["5m"]])
def test_a_broken_duration_becomes_the_default(value: object) -> None:
    assert duration.parse_or(value, 30.0) == 30.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (42.9, "42s"),
        (130, "2m10s"),
        (900, "15m"),
        (7200, "2h"),
        (14700, "4h5m"),
        (40 * 3600, "40h"),
        (5 * 86400, "5d"),
        (800 * 86400, "2y70d"),
        (-3, "0s"),
        (None, "?"),
        (float("nan"), "?"),
        (float("inf"), "292y171d"),
    ],
)
def test_ages_read_as_people_write_them(seconds: float | None, text: str) -> None:
    assert duration.age(seconds) == text
