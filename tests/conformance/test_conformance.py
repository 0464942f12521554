"""The same requests get the same answers as from a real kube-apiserver 1.36."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.player import CASES, FIXTURES, Client, play
from tests.support.hive import HiveApi

ALONE = pytest.mark.alone("recorded where no controllers take part")
WORKLOADS = re.compile(r'"path": "(/apis/apps/v1/(namespaces|deployments|replicasets)|/api/v1/namespaces/[^/"]+/pods)')


def played(case: Path) -> Any:
    marks = [ALONE] if WORKLOADS.search(case.read_text()) else []
    return pytest.param(case, id=case.stem, marks=marks)


@pytest.fixture(scope="module", autouse=True)
def nothing_left(hive_api: HiveApi) -> Iterator[None]:
    """Takes away what the cases shared: others use the server too."""
    yield
    Client(hive_api).clear(FIXTURES)


@pytest.mark.parametrize("case", list(map(played, sorted(CASES.glob("*.json")))))
def test_the_conversation_goes_as_recorded(case: Path, hive_api: HiveApi, tmp_path: Path) -> None:
    play(case, hive_api, tmp_path)
