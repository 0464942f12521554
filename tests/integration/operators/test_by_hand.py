"""Memories and umwelts that somebody made by hand, before or beside their agents."""

from __future__ import annotations

from typing import Any

from kgents.api.kinds import AGENT, CONFIG_MAP, DEPLOYMENT, MEMORY, ROLE, UMWELT, Kind
from kgents.kube.client import KubeClient
from tests.integration.operators import node
from tests.integration.operators.conftest import Body
from tests.integration.operators.test_life import is_gone, is_there, make
from tests.support.waiting import eventually_async


async def create(api: KubeClient, kind: Kind, name: str, **spec: Any) -> None:
    metadata = {"name": name, "namespace": "default"}
    await api.create(kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec})


async def is_told(api: KubeClient, kind: Kind, name: str, reason: str) -> dict[str, Any]:
    """The object, once its Ready condition has that reason."""

    async def look() -> dict[str, Any]:
        found = await api.get(kind, name, "default")
        said = {one["type"]: one["reason"] for one in (found.get("status") or {}).get("conditions") or ()}
        assert said.get("Ready") == reason, found.get("status")
        return found

    return await eventually_async(look)


async def test_a_prepared_memory_waits_and_is_taken_up(body: Body) -> None:
    async with node.client(body) as api:
        await create(api, MEMORY, "prepared", owner="prepared", type="KeyValue", retentionPolicy="Retain")
        before = await is_told(api, MEMORY, "prepared", "NoAgent")
        memory = {"enabled": True, "type": "KeyValue", "retentionPolicy": "Retain"}
        await make(api, "prepared", symbionts={"memory": memory})
        after = await is_told(api, MEMORY, "prepared", "Bound")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_an_umwelt_of_another_name_is_told_to_bear_the_agents(body: Body) -> None:
    async with node.client(body) as api:
        await create(api, UMWELT, "misnamed", agent="somebody")
        await is_told(api, UMWELT, "misnamed", "NameMismatch")


async def test_an_umwelt_made_by_hand_binds_and_a_change_of_it_starts_nothing_anew(body: Body) -> None:
    async with node.client(body) as api:
        await make(api, "bound")
        before = await is_there(api, DEPLOYMENT, "bound")
        await create(api, UMWELT, "bound", agent="bound", affordances=["world.cluster.agents.bee.manifest"])
        await is_told(api, UMWELT, "bound", "Rendered")

        async def rendered() -> bool:
            role, files = [await api.get(kind, "bound", "default") for kind in (ROLE, CONFIG_MAP)]
            return "bee" in str(role["rules"]) and "bee" in files["data"]["umwelt.json"]

        await eventually_async(rendered)
        after = await api.get(DEPLOYMENT, "bound", "default")
        assert after["spec"] == before["spec"]
        await api.delete(AGENT, "bound", "default")
        await is_gone(api, ROLE, "bound")
        await is_told(api, UMWELT, "bound", "NoAgent")
