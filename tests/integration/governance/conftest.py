"""A court of its own: its freeze must not stop other tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.governance.court import Court
from tests.support import hive
from tests.support.kubectl import Kubectl


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    api = hive.start(tmp_path_factory.mktemp("court"))
    yield Court.convene(Kubectl(api.kubeconfig))
    api.stop()
