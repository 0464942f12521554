from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgents.api.conditions import is_true
from kgents.api.kinds import CRD, KINDS, NAMESPACE
from kgents.kube import config
from kgents.kube.client import KubeClient
from tests.support.waiting import eventually_async

ROOT = Path(__file__).parents[3]
LAB = "crds-lab"
UNUSED = "crds-unused"
"""A namespace in which nothing is ever made."""


@pytest.fixture(scope="module")
def cluster(hive_api: Any) -> config.ClusterConfig:
    """A real API server that knows the five kinds, and a namespace of ours."""
    found = config.load(path=hive_api.kubeconfig)
    asyncio.run(_install(found))
    return found


@pytest.fixture
async def api(cluster: config.ClusterConfig) -> AsyncIterator[KubeClient]:
    async with KubeClient(cluster) as client:
        yield client


async def _install(cluster: config.ClusterConfig) -> None:
    async with KubeClient(cluster) as api:
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            await api.apply(CRD, yaml.safe_load(path.read_text()), field_manager="test")

        async def established() -> bool:
            crds = {crd["spec"]["names"]["kind"]: crd for crd in (await api.list(CRD))["items"]}
            return all(kind.kind in crds and is_true(crds[kind.kind], "Established") for kind in KINDS)

        await eventually_async(established)
        for name in (LAB, UNUSED):
            await api.apply(NAMESPACE, {"metadata": {"name": name}}, field_manager="test")
