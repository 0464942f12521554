from __future__ import annotations

import asyncio
import uuid
from typing import Any

from kgents.api.kinds import LEASE, NODE
from kgents.embedded.runtime.node import LEASES, beat, register
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from kgents.kube.errors import ObjectNotFound
from tests.support.waiting import eventually_async


async def test_registering_again_keeps_what_others_wrote(hive_api: Any) -> None:
    name = f"n-{uuid.uuid4().hex[:6]}"
    async with KubeClient(load(path=hive_api.kubeconfig)) as api:
        await register(api, name, "127.0.0.9", 1)
        await api.patch(NODE, name, {"metadata": {"labels": {"mine": "yes"}}})
        await register(api, name, "127.0.0.10", 2)

        node = await api.get(NODE, name)
        await api.delete(NODE, name)

    assert node["metadata"]["labels"]["mine"] == "yes"
    assert node["status"]["addresses"][0] == {"type": "InternalIP", "address": "127.0.0.10"}


async def test_the_heartbeat_renews_its_lease(hive_api: Any) -> None:
    name, stop = f"n-{uuid.uuid4().hex[:6]}", asyncio.Event()
    async with KubeClient(load(path=hive_api.kubeconfig)) as api:
        await register(api, name, "127.0.0.9", 1)
        beating = asyncio.create_task(beat(api, name, stop, every=0.05))
        seen: set[str] = set()

        async def renewed() -> bool:
            try:
                seen.add((await api.get(LEASE, name, LEASES))["spec"]["renewTime"])
            except ObjectNotFound:
                return False
            return len(seen) > 2

        await eventually_async(renewed)
        stop.set()
        await beating
        await api.delete(LEASE, name, LEASES)
        await api.delete(NODE, name)
