"""Decay: 100 000 signals fade: API writes meanwhile (budget: 0), and the strongest 50 of them from Cortex (10 ms).

python -m benchmarks decay [COUNT]
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Callable

import orjson

from benchmarks.accounts import signal
from benchmarks.hives import hive_dir, home, run
from kgents.api.kinds import PHEROMONE
from kgents.api.paths import path_of
from kgents.glass.context import Target
from kgents.glass.cortex import Cortex
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig, load

SIGNALS = 100_000
CLIENTS = 16
WATCHED = 30.0
"""Seconds for which writes are counted."""
TYPES = ("WARNING", "SCARCITY", "STATE", "INTENT", "DREAM")
HALF_LIVES = ("1h", "2h", "4h")
ASKED = 200


def main(options: list[str]) -> None:
    count = next((int(option) for option in options if option.isdecimal()), SIGNALS)
    with home() as env:
        run(env, "infra", "init")
        config = load(path=hive_dir(env) / "kubeconfig")
        asyncio.run(_emit(config, count))
        os.environ["KGENTS_HOME"] = env["KGENTS_HOME"]
        cortex = Cortex(Target(config.context, config.server).key)
        _wait_for(cortex, count)
        _tell("  Cortex: the strongest 50, p50 / p99", lambda: _strongest(cortex), ASKED)
        asyncio.run(_count_writes(config, cortex))
        asyncio.run(_whole_list(config))


async def _emit(config: ClusterConfig, count: int) -> None:
    chance, names = random.Random(7), iter(range(count))

    async def worker(api: KubeClient) -> None:
        for _ in names:
            spec = {"type": chance.choice(TYPES), "halfLife": chance.choice(HALF_LIVES)}
            await api.create(PHEROMONE, signal("bench", **spec, initialIntensity=round(chance.uniform(0.2, 1), 3)))

    begun = time.perf_counter()
    async with KubeClient(config) as api:
        await asyncio.gather(*(worker(api) for _ in range(CLIENTS)))
    took = time.perf_counter() - begun
    print(f"{f'  {count} signals emitted':44} {took:8.1f} s    ({count / took:.0f} a second)", file=sys.stderr)


def _wait_for(cortex: Cortex, count: int) -> None:
    while True:
        _, items = cortex.read(path_of("cluster.manifest"), {}, "default")
        if next(one["count"] for one in orjson.loads(items[0])["kinds"] if one["kind"] == "Pheromone") >= count:
            return
        time.sleep(0.5)


def _strongest(cortex: Cortex) -> None:
    _, items = cortex.read(path_of("pheromones.sense"), {"limit": 50}, "default")
    strengths = [orjson.loads(item)["intensity"] for item in items]
    if len(items) != 50 or strengths != sorted(strengths, reverse=True):
        raise RuntimeError(f"{len(items)} signals, or not in order")


async def _count_writes(config: ClusterConfig, cortex: Cortex) -> None:
    """All writes to signals, while they fade and are sensed."""
    seen = 0

    async def watch(api: KubeClient, version: str) -> None:
        nonlocal seen
        async for event, _ in api.watch(PHEROMONE, resource_version=version):
            seen += event != "BOOKMARK"

    async with KubeClient(config) as api:
        version = (await api.list(PHEROMONE, limit=1, max_items=1))["metadata"]["resourceVersion"]
        watching = asyncio.create_task(watch(api, version))
        until, asked = time.monotonic() + WATCHED, 0
        while time.monotonic() < until:
            await asyncio.to_thread(_strongest, cortex)
            asked += 1
            await asyncio.sleep(0.1)
        after = (await api.list(PHEROMONE, limit=1, max_items=1))["metadata"]["resourceVersion"]
        watching.cancel()
    others = int(after) - int(version)
    print(f"{f'  writes to signals in {WATCHED:.0f} s, sensed {asked} times':44} {seen:8}    (of anything: {others})")


async def _whole_list(config: ClusterConfig) -> None:
    """The peer: what somebody has to do who has no Cortex."""
    async with KubeClient(config) as api:
        begun = time.perf_counter()
        await api.list(PHEROMONE, "default")
        print(f"{'  without Cortex: the whole list':44} {(time.perf_counter() - begun) * 1000:8.0f} ms")


def _tell(label: str, action: Callable[[], None], times: int) -> None:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    print(f"{label:44} {statistics.median(took):8.2f} ms / {took[len(took) * 99 // 100]:.2f} ms")
