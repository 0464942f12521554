from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kgents.kube import config
from kgents.kube.client import KubeClient


@pytest.fixture
async def api(hive_api: Any) -> AsyncIterator[KubeClient]:
    async with KubeClient(config.load(path=hive_api.kubeconfig)) as client:
        yield client


@pytest.fixture
def namespace(new_namespace: Callable[[str], str]) -> str:
    return new_namespace("kube")
