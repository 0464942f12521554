"""The loops while their API server is killed under them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import DEPLOYMENT, POD, REPLICA_SET
from kgents.embedded.controllers import run
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from tests.integration.controllers.node import Node
from tests.integration.controllers.test_deployments import web
from tests.support import hive
from tests.support.waiting import eventually_async

Object = dict[str, Any]
ROUNDS = 3


def restart(api: hive.HiveApi) -> hive.HiveApi:
    """Kill -9, and again on the same port over the same data."""
    port = int(api.url.rpartition(":")[2])
    api.kill()
    return hive.start(api.dir, port=port)


async def test_a_killed_api_server_costs_no_pod_and_makes_none_twice(tmp_path: Path) -> None:
    server = await asyncio.to_thread(hive.start, tmp_path / "hive")
    config = load(path=server.kubeconfig)
    stop = asyncio.Event()
    loops = asyncio.create_task(run(config, stop))
    try:
        async with KubeClient(config) as api, Node(api):
            for number in range(ROUNDS):
                await api.create(DEPLOYMENT, named(f"web-{number}"), "default")
                server = await asyncio.to_thread(restart, server)
            await eventually_async(lambda: all_available(api))

            assert len((await api.list(POD, "default"))["items"]) == 2 * ROUNDS
            assert len((await api.list(REPLICA_SET, "default"))["items"]) == ROUNDS
    finally:
        stop.set()
        await loops
        server.stop()


def named(name: str) -> Object:
    made = web()
    made["metadata"]["name"] = name
    made["spec"]["selector"]["matchLabels"]["app"] = name
    made["spec"]["template"]["metadata"]["labels"]["app"] = name
    return made


async def all_available(api: KubeClient) -> bool:
    try:
        found = (await api.list(DEPLOYMENT, "default"))["items"]
    except KgentsError:
        return False
    return [(item.get("status") or {}).get("availableReplicas") for item in found] == [2] * ROUNDS
