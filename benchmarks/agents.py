"""Many agents at once, with a status as the operator would write it; nothing runs them."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

from kgents.api.kinds import AGENT, API_VERSION, HIVE_NAMESPACE
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from kgents.kube.errors import AlreadyExists

OPERATORS = f"system:serviceaccount:{HIVE_NAMESPACE}:kgents-operators"
"""Nobody else may write what is observed of agents."""
STATUS = {
    "phase": "Running",
    "replicas": 1,
    "readyReplicas": 1,
    "restarts": 0,
    "cognitiveHealth": "Unknown",
    "observedGeneration": 1,
}


def agent(number: int) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Agent",
        "metadata": {"name": f"agent-{number:05}", "namespace": "default"},
        "spec": {"genus": "B", "image": "python:3.12-slim", "command": ["python3", "-m", "http.server"]},
    }


async def plant(kubeconfig: Path, count: int) -> None:
    """Agents 0 to count-1 of the namespace default, those missing made."""
    gate = asyncio.Semaphore(32)

    async def one(number: int, api: KubeClient, operators: KubeClient) -> None:
        async with gate:
            try:
                made = await api.create(AGENT, agent(number))
            except AlreadyExists:
                return
            await operators.replace(AGENT, {**made, "status": STATUS}, subresource="status")

    config = load(path=kubeconfig)
    own = dataclasses.replace(config, impersonate=OPERATORS)
    async with KubeClient(config) as api, KubeClient(own) as operators:
        await asyncio.gather(*(one(number, api, operators) for number in range(count)))
