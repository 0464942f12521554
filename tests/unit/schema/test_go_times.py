from __future__ import annotations

import pytest

from kgents.embedded.schema.go_times import micro_text, time_text
from kgents.embedded.schema.schema import Schema
from kgents.embedded.schema.settling import settle


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z"),
        ("2026-01-01T01:00:00.999+02:00", "2025-12-31T23:00:00Z"),
        ("2026-01-01T01:00:00-00:30", "2026-01-01T01:30:00Z"),
        ("0987-01-01T00:00:00Z", "0987-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_in_utc_and_whole_seconds(given: str, kept: str) -> None:
    assert time_text(given) == kept


def test_a_micro_time_keeps_six_digits() -> None:
    assert micro_text("2026-01-01T01:00:00.120000+01:00") == "2026-01-01T00:00:00.120000Z"


LAYOUT = '"2006-01-02T15:04:05Z07:00": cannot parse'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", f'parsing time "" as {LAYOUT} "" as "2006"'),
        ("soon", f'parsing time "soon" as {LAYOUT} "soon" as "2006"'),
        ("2026-01-01", f'parsing time "2026-01-01" as {LAYOUT} "" as "T"'),
        ("2026-01-01T01:00:00", f'parsing time "2026-01-01T01:00:00" as {LAYOUT} "" as "Z07:00"'),
        ("2026-13-01T01:00:00Z", 'parsing time "2026-13-01T01:00:00Z": month out of range'),
        ("2026-02-30T01:00:00Z", 'parsing time "2026-02-30T01:00:00Z": day out of range'),
        ("2026-02-03T01:00:00Zz", 'parsing time "2026-02-03T01:00:00Zz": extra text: "z"'),
        ("9999-12-31T23:00:00-05:00", "Time.MarshalJSON: year outside of range [0,9999]"),
    ],
)
def test_what_is_no_time_is_refused_in_gos_words(text: str, why: str) -> None:
    with pytest.raises(ValueError) as refusal:
        time_text(text)
    assert str(refusal.value) == why


@pytest.mark.parametrize("text", ["2026-01-01T01:00:00Z", "2026-01-01T01:00:00.1Z", "2026-01-01T01:00:00.1234567Z"])
def test_a_micro_time_has_exactly_six_digits(text: str) -> None:
    with pytest.raises(ValueError, match="cannot parse"):
        micro_text(text)


def test_times_are_found_wherever_a_kind_has_them() -> None:
    pod = Schema.builtin("", "v1", "Pod")
    assert pod is not None
    state = {"running": {"startedAt": "2026-01-01T01:00:00.5+01:00"}}
    obj = {"status": {"startTime": None, "containerStatuses": [{"state": state}]}}

    settle(pod.root, obj)

    assert state["running"]["startedAt"] == "2026-01-01T00:00:00Z"
