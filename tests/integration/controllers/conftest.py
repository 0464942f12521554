"""The real control loops against a real API server; a stand-in for the node says that pods run."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from kgents.api.kinds import NAMESPACE, POD, SERVICE_ACCOUNT
from kgents.embedded.controllers import run
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig, load
from tests.integration.controllers.node import Node
from tests.support.waiting import eventually_async

Object = dict[str, Any]


@pytest.fixture
def config(hive_api: Any) -> ClusterConfig:
    return load(path=hive_api.kubeconfig)


@pytest.fixture
async def api(config: ClusterConfig) -> AsyncIterator[KubeClient]:
    async with KubeClient(config) as client:
        yield client


@pytest.fixture
async def loops(config: ClusterConfig) -> AsyncIterator[None]:
    """The control loops, running."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(config, stop))
    yield
    stop.set()
    await task


@pytest.fixture
async def node(api: KubeClient) -> AsyncIterator[Node]:
    async with Node(api) as running:
        yield running


@pytest.fixture
async def namespace(api: KubeClient, loops: None) -> AsyncIterator[str]:
    """A namespace of the test's own, complete."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    await api.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    await eventually_async(lambda: exists(api, SERVICE_ACCOUNT, "default", name))
    yield name
    await api.delete(NAMESPACE, name, missing_ok=True)


@pytest.fixture
def pods(api: KubeClient, namespace: str) -> Callable[[], Awaitable[list[Object]]]:
    """The pods of the namespace, as they are now."""

    async def read() -> list[Object]:
        return list((await api.list(POD, namespace))["items"])

    return read


async def exists(api: KubeClient, kind: Any, name: str, namespace: str) -> bool:
    """Whether the object is there."""
    found = await api.list(kind, namespace, field_selector=f"metadata.name={name}")
    return bool(found["items"])
