"""Two processes of operators over an adopted workload: one stands still, one is upgraded; all is done once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kgents.api.kinds import DEPLOYMENT, LEASE, PHEROMONE, PROPOSAL
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound
from operators.identity import LEASE as SEAT
from tests.integration.operators import node
from tests.integration.operators.adopting import adopt, pods, run, run_one, workload
from tests.integration.operators.conftest import Body, raised
from tests.integration.operators.test_life import emit, has_phase
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.timeout(300)
PROGRAM = """
import sys, kgents
kgents.__version__ = sys.argv[1]
from operators.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
LONG = 90
"""Seconds: longer than a Lease is granted for."""


class Replicas:
    """Processes of operators that take turns, each of a version."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, version: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-c", PROGRAM, version, "--lead", "--kubeconfig", str(self.body.kubeconfig)]
        with (self.body.api.dir / f"operators-{version}.log").open("ab") as log:
            self.running[version] = subprocess.Popen(command, stdout=log, stderr=log)
        return self.running[version]

    async def leads(self, api: KubeClient, process: subprocess.Popen[bytes]) -> None:
        """Returns once that one does."""

        async def look() -> bool:
            try:
                found = await api.get(LEASE, SEAT[1], SEAT[0])
            except ObjectNotFound:
                return False
            return f"_{process.pid}_" in str(found["spec"].get("holderIdentity"))

        await eventually_async(look, LONG)

    def end(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(30)


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    made = Replicas(raised(tmp_path))
    yield made
    made.end()
    for module in list(made.body.processes):
        made.body.end(module)
    made.body.api.stop()


async def test_nothing_is_done_twice(replicas: Replicas) -> None:
    posts: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        posts.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    rule = {"match": r"ERROR \d+", "type": "WARNING", "payload": "{0}", "minInterval": "1ms"}
    heeds = [{"type": kind, "minIntensity": 0.5, "then": {"http": {"port": port}}} for kind in ("CHAOS", "DREAM")]
    body = replicas.body
    async with node.client(body) as api:
        logs = node.LogServer(body)
        await logs.start(api)
        await workload(api, "twin")
        pod = await run(api, "twin")
        await logs.bind(api, pod)
        lines = logs.lines.setdefault(pod["metadata"]["name"], [])
        first = replicas.begin("1.0.0")
        await replicas.leads(api, first)
        second = replicas.begin("1.0.1")
        await adopt(api, "twin", "twin", signals=[rule], reactions=heeds)
        await has_phase(api, "twin", "Running")

        async def said() -> list[str]:
            listed = (await api.list(PHEROMONE, "default"))["items"]
            return sorted(one["spec"]["payload"] for one in listed if one["spec"].get("source") == "twin")

        async def hears(wanted: list[str]) -> None:
            async def look() -> bool:
                return await said() == wanted

            await eventually_async(look, LONG)

        async def told() -> list[tuple[str, bool]]:
            return sorted((post["type"], post["active"]) for post in posts)

        async def is_told(*wanted: tuple[str, bool]) -> None:
            async def look() -> bool:
                return await told() == sorted(wanted)

            await eventually_async(look, LONG)

        lines.append((time.time() + 1, "ERROR 1"))
        await emit(api, "chaos", type="CHAOS", target="twin", halfLife="1h")
        quiet = (("CHAOS", False), ("DREAM", False))
        await hears(["ERROR 1"])
        await is_told(*quiet, ("CHAOS", True))

        first.send_signal(signal.SIGSTOP)
        before = await api.get(DEPLOYMENT, "twin", "default")
        lines.append((time.time() + 1, "ERROR 2"))
        await emit(api, "dream", type="DREAM", target="twin", halfLife="1h")
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "twin"}
        patch = {"type": "Apply", "content": {"spec": {"replicas": 2}}}
        asked = {"target": target, "patch": patch, "reason": "load", "proposer": "kubernetes-admin"}
        await api.create(PROPOSAL, {"metadata": {"name": "more", "namespace": "default"}, "spec": asked})
        await replicas.leads(api, second)
        await hears(["ERROR 1", "ERROR 2"])
        await is_told(*quiet, ("CHAOS", True), ("DREAM", True))

        async def merged() -> bool:
            found = await api.get(PROPOSAL, "more", "default")
            phase = (found.get("status") or {}).get("phase")
            assert phase in (None, "Pending", "Approved", "Merged"), found
            return bool(phase == "Merged")

        await eventually_async(merged, LONG)

        async def two() -> list[Any]:
            found = await pods(api, "twin")
            return found if len(found) == 2 else []

        for one in await eventually_async(two):
            if one["metadata"]["name"] != pod["metadata"]["name"]:
                await run_one(api, one)
        active = [("CHAOS", True), ("DREAM", True)]
        await is_told(*quiet, *active, *active)
        first.send_signal(signal.SIGCONT)
        first.wait(LONG)

        third = replicas.begin("2.0.0")
        second.kill()
        second.wait(LONG)
        lines.append((time.time() + 1, "ERROR 3"))
        await replicas.leads(api, third)
        await hears(["ERROR 1", "ERROR 2", "ERROR 3"])
        await has_phase(api, "twin", "Running")
        after = await api.get(DEPLOYMENT, "twin", "default")
        assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
        assert after["spec"]["replicas"] == 2
        assert await told() == sorted((*quiet, *active, *active))
        await logs.stop()
    await runner.cleanup()
