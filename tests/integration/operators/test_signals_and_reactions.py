"""Log lines become pheromones, and pheromones reach those who react: through the real API server."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from kgents.api.kinds import CONFIG_MAP, PHEROMONE
from kgents.kube.client import KubeClient
from tests.integration.operators import node
from tests.integration.operators.conftest import Body
from tests.integration.operators.test_life import emit, has_phase, make
from tests.support.waiting import eventually_async


async def emitted(api: KubeClient, source: str) -> list[dict[str, Any]]:
    listed = await api.list(PHEROMONE, "default")
    return [item["spec"] for item in listed["items"] if item["spec"].get("source") == source]


async def test_a_line_becomes_one_pheromone_also_over_a_restart(body: Body) -> None:
    rule = {"match": r"ERROR (?P<n>\d+)", "type": "WARNING", "payload": "saw {n}", "minInterval": "1ms"}
    async with node.client(body) as api:
        logs = node.LogServer(body)
        await logs.start(api)
        await make(api, "speaker", signals=[rule, {"match": "(", "type": "TEST"}])
        pod = await node.a_pod(api, "speaker")
        logs.lines[pod["metadata"]["name"]] = [(time.time(), "all well"), (time.time() + 0.01, "ERROR 7")]
        await logs.bind(api, pod)
        await node.tell(api, pod, node.running(time.time()))
        agent = await has_phase(api, "speaker", "Running")
        assert "SignalsValid" in {c["type"] for c in agent["status"]["conditions"] if c["status"] == "False"}

        async def payloads() -> list[str]:
            return [spec["payload"] for spec in await emitted(api, "speaker")]

        assert await eventually_async(payloads) == ["saw 7"]
        body.end("operators", kill=True)
        logs.lines[pod["metadata"]["name"]].append((time.time(), "ERROR 8"))
        body.begin_operators()

        async def both() -> bool:
            return sorted(await payloads()) == ["saw 7", "saw 8"]

        await eventually_async(both)
        await logs.stop()


async def test_both_crossings_reach_the_file(body: Body) -> None:
    async with node.client(body) as api:
        await make(api, "reader", reactions=[{"type": "CHAOS", "minIntensity": 0.5, "then": {"file": "chaos"}}])

        async def told() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(
                (await api.get(CONFIG_MAP, "reader", "default"))["data"]["reaction.chaos"]
            )
            return found

        await has_phase(api, "reader", "Pending")
        await emit(api, "chaos", type="CHAOS", halfLife="1s")

        async def is_active() -> bool:
            return bool((await told())["active"])

        async def has_faded() -> bool:
            return not (await told())["active"]

        await eventually_async(is_active)
        await eventually_async(has_faded)
        assert (await told())["intensity"] < 0.5


async def test_both_crossings_reach_the_pod_by_http_once_each(body: Body) -> None:
    posts: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        posts.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/heed", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    then = {"http": {"port": runner.addresses[0][1], "path": "/heed"}}
    async with node.client(body) as api:
        await make(api, "listener", reactions=[{"type": "DREAM", "minIntensity": 0.5, "then": then}])
        await node.tell(api, await node.a_pod(api, "listener"), node.running(time.time()))
        await has_phase(api, "listener", "Running")
        await emit(api, "dream", type="DREAM", halfLife="1s")

        async def three() -> bool:
            await asyncio.sleep(0)
            return len(posts) >= 3

        await eventually_async(three)
        assert [post["active"] for post in posts] == [False, True, False]
    await runner.cleanup()
