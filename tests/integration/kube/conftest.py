from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kgents.api.kinds import NAMESPACE
from kgents.kube import config
from kgents.kube.client import KubeClient


@pytest.fixture
async def api(hive_api: Any) -> AsyncIterator[KubeClient]:
    async with KubeClient(config.load(path=hive_api.kubeconfig)) as client:
        yield client


@pytest.fixture
async def namespace(api: KubeClient) -> str:
    name = f"kube-{uuid.uuid4().hex[:8]}"
    await api.create(NAMESPACE, {"metadata": {"name": name}})
    return name
