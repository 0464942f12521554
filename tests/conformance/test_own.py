"""Conversations of our own, in the corpus' form: gaps that were found, with what Kubernetes' sources say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.player import play
from tests.support.hive import HiveApi

OWN = sorted((Path(__file__).parent / "own").glob("*.json"))


@pytest.mark.parametrize("case", OWN, ids=lambda case: case.stem)
def test_the_conversation_goes_as_in_kubernetes(case: Path, hive_api: HiveApi, tmp_path: Path) -> None:
    play(case, hive_api, tmp_path)
