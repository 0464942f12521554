from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kgents.kube import config
from kgents.kube.client import KubeClient
from tests.support.hive import HiveApi
from tests.support.kubectl import Kubectl

ROOT = Path(__file__).parents[3]
RUN = secrets.token_hex(4)
LAB = f"crds-lab-{RUN}"
UNUSED = f"crds-unused-{RUN}"
"""A namespace in which nothing is ever made."""


@pytest.fixture(scope="session")
def cluster(api_with_kinds: HiveApi, kubectl: Kubectl) -> Iterator[config.ClusterConfig]:
    """A real API server that knows the five kinds, and namespaces of ours."""
    for name in (LAB, UNUSED):
        kubectl.make_namespace(name)
    yield config.load(path=api_with_kinds.kubeconfig)
    kubectl("delete", "namespace", LAB, UNUSED, "--wait=false")


@pytest.fixture
async def api(cluster: config.ClusterConfig) -> AsyncIterator[KubeClient]:
    async with KubeClient(cluster) as client:
        yield client
