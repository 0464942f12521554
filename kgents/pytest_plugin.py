"""The pytest fixture `hive`, for all who have kgents installed. Nothing of kgents is imported until it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kgents.sdk.testing import Hive


@pytest.fixture(scope="session")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    """A real hive on this machine, one for the session (with xdist: for each worker). See kgents.sdk.testing."""
    from kgents.sdk import testing

    with testing.start(tmp_path_factory.mktemp("hive")) as made:
        yield made
