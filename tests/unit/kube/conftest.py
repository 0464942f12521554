from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kgents.kube.client import KubeClient
from tests.unit.kube.fake import FakeApi


@pytest.fixture
async def fake() -> AsyncIterator[FakeApi]:
    server = FakeApi()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def api(fake: FakeApi) -> AsyncIterator[KubeClient]:
    async with KubeClient(fake.config, timeout=20) as client:
        yield client
