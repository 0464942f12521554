"""The same requests get the same answers as from a real kube-apiserver 1.36."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.player import CASES, play
from tests.support.hive import HiveApi

PLAYED = sorted(CASES.glob("*.json"))


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.stem)
def test_the_conversation_goes_as_recorded(case: Path, hive_api: HiveApi, tmp_path: Path) -> None:
    play(case, hive_api, tmp_path)
