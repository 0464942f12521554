"""A sidecar for each test, ended with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.symbionts.sidecar import Sidecar


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Sidecar]:
    """A KeyValue memory of 2 MiB."""
    made = Sidecar(tmp_path)
    made.configure(type="KeyValue", size=2 << 20)
    made.begin()
    yield made
    made.kill()
