"""An agent whose body is somebody else's workload: seen, heard, told, let go of, and never written."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from aiohttp import web

from kgents.api.kinds import AGENT, CONFIG_MAP, DEPLOYMENT, PHEROMONE, POD, STATEFUL_SET, Kind
from kgents.kube.client import KubeClient
from tests.integration.operators import adopting, node
from tests.integration.operators.adopting import adopt, condition, run, settled, untouched, workload
from tests.integration.operators.conftest import Body
from tests.integration.operators.test_life import emit, has_phase, is_gone, is_there
from tests.support.waiting import eventually_async

RULE = {"match": r"ERROR (?P<n>\d+)", "type": "WARNING", "payload": "saw {n}", "minInterval": "1ms"}


async def payloads(api: KubeClient, source: str) -> list[str]:
    listed = await api.list(PHEROMONE, "default")
    return sorted(one["spec"]["payload"] for one in listed["items"] if one["spec"].get("source") == source)


@pytest.mark.parametrize("kind", [DEPLOYMENT, STATEFUL_SET])
async def test_it_is_seen_and_let_go_and_nothing_is_left_on_it(body: Body, kind: Kind) -> None:
    name = f"support-{kind.kind.lower()}"
    async with node.client(body) as api:
        made = await workload(api, name, kind)
        await run(api, name, restarts=2)
        before = await settled(api, kind, name)
        await adopt(api, name, name, kind, made["metadata"]["uid"], signals=[RULE])
        agent = await has_phase(api, name, "Running")
        status = agent["status"]
        assert (status["readyReplicas"], status["restarts"], status["selector"]) == (1, 2, f"app={name}")
        assert status["workload"]["container"] == "bot"
        said = await condition(api, name, "Adopted", "Adopted")
        assert "unchanged" in said["message"]
        await is_there(api, CONFIG_MAP, f"{name}-kgents")
        [pod] = await adopting.pods(api, name)
        await api.delete(AGENT, name, "default")
        await is_gone(api, CONFIG_MAP, f"{name}-kgents")
        untouched(before, await api.get(kind, name, "default"))
        [later] = await adopting.pods(api, name)
        assert later["metadata"] == pod["metadata"]


async def test_a_line_of_its_log_becomes_a_signal_and_what_was_before_does_not(body: Body) -> None:
    async with node.client(body) as api:
        logs = node.LogServer(body)
        await logs.start(api)
        await workload(api, "talker")
        pod = await run(api, "talker")
        lines = logs.lines.setdefault(pod["metadata"]["name"], [(time.time() - 30, "ERROR 1")])
        await logs.bind(api, pod)
        await adopt(api, "talker", "talker", signals=[RULE])
        await has_phase(api, "talker", "Running")
        lines.append((time.time() + 1, "ERROR 2"))

        async def heard() -> list[str]:
            return await payloads(api, "talker")

        assert await eventually_async(heard) == ["saw 2"]
        await api.patch(AGENT, "talker", {"spec": {"suspend": True}}, "default")
        agent = await has_phase(api, "talker", "Suspended")
        assert "its 1 ready pods run on" in agent["status"]["conditions"][0]["message"]
        assert (await api.get(DEPLOYMENT, "talker", "default"))["spec"]["replicas"] == 1
        lines.append((time.time() + 2, "ERROR 3"))
        await api.patch(AGENT, "talker", {"spec": {"suspend": False}}, "default")

        async def both() -> bool:
            return await payloads(api, "talker") == ["saw 2", "saw 3"]

        await eventually_async(both)
        await logs.stop()


async def test_its_pods_are_told_by_http_and_an_unread_file_says_so(body: Body) -> None:
    posts: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        posts.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/heed", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    http = {"http": {"port": runner.addresses[0][1], "path": "/heed"}}
    reactions = [{"type": "DREAM", "minIntensity": 0.5, "then": then} for then in (http, {"file": "dream"})]
    async with node.client(body) as api:
        await workload(api, "heeder")
        await run(api, "heeder")
        await adopt(api, "heeder", "heeder", reactions=reactions)
        said = await condition(api, "heeder", "ReactionsReach", "WorkloadUnchanged")
        assert "mounts no ConfigMap heeder-kgents" in said["message"]
        await emit(api, "dreamt", type="DREAM", target="heeder")

        async def told() -> bool:
            return [post["active"] for post in posts] == [False, True]

        await eventually_async(told)
        file = (await api.get(CONFIG_MAP, "heeder-kgents", "default"))["data"]["reaction.dream"]
        assert json.loads(file)["active"]
        volume = {"name": "told", "configMap": {"name": "heeder-kgents"}}
        patch = {"spec": {"template": {"spec": {"volumes": [volume]}}}}
        await api.patch(DEPLOYMENT, "heeder", patch, "default")
        await condition(api, "heeder", "ReactionsReach", "Reached")
        await api.delete(PHEROMONE, "dreamt", "default")
    await runner.cleanup()


async def test_a_workload_that_goes_and_another_that_comes_are_told_apart(body: Body) -> None:
    async with node.client(body) as api:
        made = await workload(api, "mortal")
        await run(api, "mortal")
        await adopt(api, "mortal", "mortal", uid=made["metadata"]["uid"])
        await has_phase(api, "mortal", "Running")
        await api.delete(DEPLOYMENT, "mortal", "default", propagation="Background")
        said = await condition(api, "mortal", "Adopted", "WorkloadMissing")
        assert "deleted, or has another name" in said["message"]
        assert (await has_phase(api, "mortal", "Failed"))["status"]["replicas"] == 0
        anew = await workload(api, "mortal")
        said = await condition(api, "mortal", "Adopted", "WorkloadReplaced")
        assert "kgents adopt deployment/mortal" in said["message"]
        ref = {"workloadRef": {"uid": anew["metadata"]["uid"]}}
        await api.patch(AGENT, "mortal", {"spec": ref}, "default")
        await condition(api, "mortal", "Adopted", "Adopted")


async def test_of_two_agents_on_one_workload_the_first_has_it_until_it_goes(body: Body) -> None:
    async with node.client(body) as api:
        await workload(api, "wanted")
        await run(api, "wanted")
        await adopt(api, "first", "wanted")
        await has_phase(api, "first", "Running")
        await adopt(api, "second", "wanted", signals=[RULE])
        said = await condition(api, "second", "Adopted", "AlreadyAdopted")
        assert "by the agent first already" in said["message"]
        assert (await has_phase(api, "second", "Failed"))["status"]["readyReplicas"] == 0
        await api.delete(AGENT, "first", "default")
        await has_phase(api, "second", "Running")


async def test_pods_that_its_selector_catches_beside_its_own_are_not_its(body: Body) -> None:
    async with node.client(body) as api:
        await workload(api, "broad")
        await run(api, "broad")
        stray = {"metadata": {"name": "stray", "namespace": "default", "labels": {"app": "broad-not"}}}
        await api.create(POD, {**stray, "spec": adopting.pod_spec()})
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": "u", "controller": True}
        await adopt(api, "broad", "broad")
        await has_phase(api, "broad", "Running")
        # A ReplicaSet would take an orphan for its own; one with another controller it leaves.
        labels = {"labels": {"app": "broad"}, "ownerReferences": [owner], "finalizers": ["test/held"]}
        await api.patch(POD, "stray", {"metadata": labels}, "default")
        said = await condition(api, "broad", "ForeignPods", "SelectorMatchesMore")
        assert "stray" in said["message"]
        assert (await api.get(AGENT, "broad", "default"))["status"]["replicas"] == 1
        await api.patch(POD, "stray", {"metadata": {"finalizers": None}}, "default")
        await api.delete(POD, "stray", "default", missing_ok=True)


async def test_what_kgents_made_itself_is_not_adopted(body: Body) -> None:
    async with node.client(body) as api:
        body_of = {"metadata": {"name": "native", "namespace": "default"}, "spec": {"command": ["sleep", "9"]}}
        await api.create(AGENT, body_of)
        await is_there(api, DEPLOYMENT, "native")
        await adopt(api, "thief", "native")
        said = await condition(api, "thief", "Adopted", "MadeByKgents")
        assert "a part of the agent native" in said["message"]


async def test_a_crashing_one_is_degraded_and_one_that_is_scaled_to_nothing_suspended(body: Body) -> None:
    async with node.client(body) as api:
        await workload(api, "frail")
        await run(api, "frail")
        await adopt(api, "frail", "frail", env=[{"name": "A", "value": "b"}])
        await has_phase(api, "frail", "Running")
        said = await condition(api, "frail", "NotActedOn", "WorkloadUnchanged")
        assert said["message"].startswith("env: its workload would have to be changed")
        await run(api, "frail", status=node.crashed(time.time(), 1))
        await has_phase(api, "frail", "Degraded")
        await run(api, "frail", status=node.crashed(time.time(), 4))
        await has_phase(api, "frail", "Failed")
        await api.patch(DEPLOYMENT, "frail", {"spec": {"replicas": 0}}, "default")
        agent = await has_phase(api, "frail", "Suspended")
        assert "scaled to 0" in agent["status"]["conditions"][0]["message"]
