"""The same requests get the same answers as from a real kube-apiserver 1.36."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.player import CASES, play
from tests.support.hive import HiveApi

ADMISSION = {
    "064-validating-admission-policy",
    "065-validating-webhooks",
    "066-mutating-webhooks",
    "067-webhook-failures",
    "069-authorizer",
}
"""Policies and webhooks are stored but not evaluated yet."""

PLAYED = [case for case in sorted(CASES.glob("*.json")) if case.stem not in ADMISSION]


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.stem)
def test_the_conversation_goes_as_recorded(case: Path, hive_api: HiveApi) -> None:
    play(case, hive_api)
