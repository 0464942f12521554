"""An agent's whole life against a real API server, with the controllers and the operators as processes."""

from __future__ import annotations

import time
from typing import Any

from kgents.api.kinds import (
    AGENT,
    CONFIG_MAP,
    DEPLOYMENT,
    MEMORY,
    PERSISTENT_VOLUME_CLAIM,
    PHEROMONE,
    ROLE,
    SERVICE,
    SERVICE_ACCOUNT,
)
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from tests.integration.operators import node
from tests.integration.operators.conftest import Body
from tests.support import hive
from tests.support.waiting import eventually_async


async def make(api: KubeClient, name: str, **spec: Any) -> None:
    agent = {
        "apiVersion": AGENT.api_version,
        "kind": "Agent",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"command": ["sleep", "1000"], **spec},
    }
    await api.apply(AGENT, agent, field_manager="test")


async def has_phase(api: KubeClient, name: str, phase: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        agent = await api.get(AGENT, name, "default")
        seen = agent.get("status", {}).get("phase")
        assert seen == phase, f"{name} is {seen}: {agent.get('status')}"
        return agent

    return await eventually_async(look)


async def is_there(api: KubeClient, kind: Any, name: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        try:
            return await api.get(kind, name, "default")
        except ObjectNotFound:
            return None

    return await eventually_async(look)


async def is_gone(api: KubeClient, kind: Any, name: str) -> None:
    async def look() -> bool:
        try:
            await api.get(kind, name, "default")
        except ObjectNotFound:
            return True
        return False

    await eventually_async(look)


async def test_it_starts_sickens_fails_recovers_and_ends(body: Body) -> None:
    async with node.client(body) as api:
        await make(api, "life")
        await has_phase(api, "life", "Pending")
        pod = await node.a_pod(api, "life")
        await node.tell(api, pod, node.running(time.time()))
        await has_phase(api, "life", "Running")
        await node.tell(api, pod, node.crashed(time.time(), 1))
        await has_phase(api, "life", "Degraded")
        await node.tell(api, pod, node.crashed(time.time(), 4))
        failed = await has_phase(api, "life", "Failed")
        ready = next(c for c in failed["status"]["conditions"] if c["type"] == "Ready")
        assert "out of honey" in ready["message"]
        assert failed["status"]["restarts"] == 4
        await node.tell(api, pod, node.running(time.time(), restarts=4))
        await has_phase(api, "life", "Running")
        await api.delete(AGENT, "life", "default")
        for kind in (DEPLOYMENT, SERVICE_ACCOUNT, ROLE, CONFIG_MAP):
            await is_gone(api, kind, "life")


async def test_suspend_and_a_changed_spec_reach_the_deployment(body: Body) -> None:
    async with node.client(body) as api:
        await make(api, "spec", ports=[{"containerPort": 80}])
        await is_there(api, SERVICE, "spec")
        await make(api, "spec", suspend=True, args=["x"])
        await has_phase(api, "spec", "Suspended")
        await is_gone(api, SERVICE, "spec")
        made = await api.get(DEPLOYMENT, "spec", "default")
        assert made["spec"]["replicas"] == 0
        assert made["spec"]["template"]["spec"]["containers"][0]["args"] == ["x"]


async def test_failed_health_holds_it_in_safemode_until_its_spec_changes(body: Body) -> None:
    health = {"type": "HTTP", "port": 80, "onFailure": "Safemode"}
    async with node.client(body) as api:
        await make(api, "ill", health=health)
        pod = await node.a_pod(api, "ill")
        await node.tell(api, pod, node.running(time.time()))
        await has_phase(api, "ill", "Running")
        await node.tell(api, pod, node.running(time.time(), ready=False))
        await has_phase(api, "ill", "Safemode")

        async def replicas(wanted: int) -> bool:
            return bool((await api.get(DEPLOYMENT, "ill", "default"))["spec"]["replicas"] == wanted)

        await eventually_async(lambda: replicas(0))
        await make(api, "ill", health=health, args=["again"])
        await eventually_async(lambda: replicas(1))


async def test_what_somebody_deletes_or_edits_is_put_back(body: Body) -> None:
    async with node.client(body) as api:
        await make(api, "drift", ports=[{"containerPort": 80}])
        service = await is_there(api, SERVICE, "drift")
        await is_there(api, DEPLOYMENT, "drift")
        await api.delete(SERVICE, "drift", "default")
        await api.patch(DEPLOYMENT, "drift", {"spec": {"replicas": 5}}, "default")

        async def put_back() -> bool:
            again = await is_there(api, SERVICE, "drift")
            deployment = await api.get(DEPLOYMENT, "drift", "default")
            return bool(again["metadata"]["uid"] != service["metadata"]["uid"] and deployment["spec"]["replicas"] == 1)

        await eventually_async(put_back)


async def test_a_name_that_is_taken_is_a_conflict_and_never_taken_over(body: Body) -> None:
    async with node.client(body) as api:
        theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "taken"}, "data": {"a": "b"}}
        await api.create(CONFIG_MAP, theirs, "default")
        await make(api, "taken")
        failed = await has_phase(api, "taken", "Failed")
        assert "NameConflict" in {condition["type"] for condition in failed["status"]["conditions"]}
        assert (await api.get(CONFIG_MAP, "taken", "default"))["data"] == {"a": "b"}


async def test_a_retained_memory_outlives_its_agent(body: Body) -> None:
    async with node.client(body) as api:
        memory = {"enabled": True, "type": "KeyValue", "retentionPolicy": "Retain"}
        await make(api, "elephant", symbionts={"memory": memory})
        claim = await is_there(api, PERSISTENT_VOLUME_CLAIM, "elephant")
        await is_there(api, DEPLOYMENT, "elephant")
        await api.delete(AGENT, "elephant", "default")
        await is_gone(api, DEPLOYMENT, "elephant")

        async def retained() -> bool:
            return bool((await api.get(MEMORY, "elephant", "default"))["status"]["phase"] == "Retained")

        await eventually_async(retained)
        kept = await api.get(PERSISTENT_VOLUME_CLAIM, "elephant", "default")
        assert kept["metadata"]["uid"] == claim["metadata"]["uid"]


async def test_a_restart_of_the_operators_writes_nothing(body: Body) -> None:
    kinds = (AGENT, DEPLOYMENT, SERVICE_ACCOUNT, ROLE, CONFIG_MAP)
    async with node.client(body) as api:
        await make(api, "calm")
        await node.tell(api, await node.a_pod(api, "calm"), node.running(time.time()))
        await has_phase(api, "calm", "Running")
        before = [(await api.get(kind, "calm", "default"))["metadata"]["resourceVersion"] for kind in kinds]
        body.end("operators", kill=True)
        body.begin_operators()
        await make(api, "later")
        await is_there(api, DEPLOYMENT, "later")
        after = [(await api.get(kind, "calm", "default"))["metadata"]["resourceVersion"] for kind in kinds]
        assert after == before


async def test_what_evaporates_is_deleted_also_while_the_operators_were_away(body: Body) -> None:
    async with node.client(body) as api:
        await emit(api, "soon", halfLife="100ms")
        await emit(api, "never-mind", halfLife="1h")
        await is_gone(api, PHEROMONE, "soon")
        body.end("operators", kill=True)
        await emit(api, "meanwhile", ttl="100ms")
        body.begin_operators()
        await is_gone(api, PHEROMONE, "meanwhile")
        there = await api.get(PHEROMONE, "never-mind", "default")
        assert "finalizers" not in there["metadata"]
        await api.delete(PHEROMONE, "never-mind", "default")


async def emit(api: KubeClient, name: str, **spec: Any) -> None:
    pheromone = {
        "apiVersion": PHEROMONE.api_version,
        "kind": "Pheromone",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "TEST", "source": "test", **spec},
    }
    await api.create(PHEROMONE, pheromone)


async def test_a_field_that_is_not_acted_on_says_so(body: Body) -> None:
    async with node.client(body) as api:
        await make(api, "not-model", model={"name": "x"})
        agent = await has_phase(api, "not-model", "Pending")
        said = next(c for c in agent["status"]["conditions"] if c["type"] == "NotActedOn")
        assert "model" in said["message"]


async def test_an_agent_deleted_while_the_server_was_away_is_forgotten(body: Body) -> None:
    port = int(body.api.url.rsplit(":", 1)[1])
    async with node.client(body) as api:
        await make(api, "before")
        await is_there(api, DEPLOYMENT, "before")
    body.api.kill()
    body.api = hive.start(body.api.dir, port=port)
    async with node.client(body) as api:
        await api.delete(AGENT, "before", "default")
        await make(api, "after")
        await has_phase(api, "after", "Pending")
        await is_there(api, DEPLOYMENT, "after")
        await is_gone(api, DEPLOYMENT, "before")
        await emit(api, "afterwards", halfLife="100ms")
        await is_gone(api, PHEROMONE, "afterwards")
