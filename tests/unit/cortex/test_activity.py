from __future__ import annotations

from typing import Any

from cortex.activity import activity


def pod(**cpu: str) -> dict[str, Any]:
    resources = {part: {"cpu": value} for part, value in cpu.items()}
    return {"spec": {"containers": [{"name": "main", "resources": resources}]}}


def using(cpu: str) -> dict[str, Any]:
    return {"containers": [{"name": "main", "usage": {"cpu": cpu}}]}


def test_what_is_not_measured_is_unknown() -> None:
    assert activity([(pod(requests="1"), None)], 60) is None


def test_use_counts_against_the_request() -> None:
    assert activity([(pod(requests="200m", limits="1"), using("100m"))], 0) == 0.5


def test_without_requests_one_core_counts() -> None:
    assert activity([(pod(), using("250m"))], 0) == 0.25


def test_who_only_speaks_is_active_too() -> None:
    assert activity([(pod(requests="1"), using("0"))], 30) == 0.5


def test_it_never_exceeds_one() -> None:
    assert activity([(pod(requests="100m"), using("3"))], 600) == 1.0


def test_who_only_writes_is_active_too() -> None:
    assert activity([(pod(requests="1"), using("0"))], 0, lines=300) == 0.5
