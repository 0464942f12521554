"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import hive
from tests.support.kubectl import Kubectl


@pytest.fixture(scope="session")
def hive_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hive.HiveApi]:
    """A real embedded API server, shared by the session; tests keep to namespaces of their own."""
    api = hive.start(tmp_path_factory.mktemp("hive"))
    yield api
    api.stop()


@pytest.fixture(scope="session")
def kubectl(hive_api: hive.HiveApi) -> Kubectl:
    """The real kubectl, as the hive's administrator."""
    return Kubectl(hive_api.kubeconfig)
