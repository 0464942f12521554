"""API: an API server's writes, reads, lists and watches: the embedded one, or any other.

    python -m benchmarks api --kubeconfig FILE
    python -m benchmarks api --server https://… --token TOKEN --ca FILE

Budgets against a real kube-apiserver with etcd on the same machine: creates/s and gets/s 1.0x, list of 3 000 0.7x,
watch latency p99 1.0x, a single create 1 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.hives import hive_dir, home, run
from kgents.api.kinds import CONFIG_MAP, NAMESPACE
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig, load

OBJECTS = 3000
CLIENTS = 16


def main(options: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks api")
    parser.add_argument("--kubeconfig", type=Path, help="any server, by its kubeconfig")
    parser.add_argument("--server", help="any server, by its URL; with --token and --ca")
    parser.add_argument("--token", help="a bearer token that may do everything")
    parser.add_argument("--ca", type=Path, help="the certificate of the server's authority")
    given = parser.parse_args(options)
    if given.server:
        ca = str(given.ca) if given.ca else None
        asyncio.run(measure(ClusterConfig("benchmark", given.server, token=given.token, ca_file=ca)))
    elif given.kubeconfig:
        asyncio.run(measure(load(path=given.kubeconfig)))
    else:
        with home() as env:
            run(env, "infra", "init", "--api-only")
            asyncio.run(measure(load(path=hive_dir(env) / "kubeconfig")))


def config_map(name: str, namespace: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "labels": {"bench": "yes"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"key": "x" * 200}}


async def measure(config: ClusterConfig) -> None:
    namespace = f"bench-{int(time.time())}"
    async with KubeClient(config) as api:
        await api.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        try:
            await _single(api, namespace)
            await _many(api, namespace)
        finally:
            await api.delete(NAMESPACE, namespace)


async def _single(api: KubeClient, namespace: str) -> None:
    times = []
    for number in range(200):
        begun = time.perf_counter()
        await api.create(CONFIG_MAP, config_map(f"one-{number}", namespace))
        times.append(time.perf_counter() - begun)
    print(f"{'single create, median':44} {statistics.median(times) * 1000:8.2f} ms")


async def _many(api: KubeClient, namespace: str) -> None:
    arrivals: dict[str, float] = {}
    listing = await api.list(CONFIG_MAP, namespace)
    watcher = asyncio.create_task(_watch(api, namespace, listing["metadata"]["resourceVersion"], arrivals))
    names = [f"many-{number}" for number in range(OBJECTS)]
    asked: dict[str, float] = {}
    answered: dict[str, float] = {}

    async def create(name: str) -> None:
        asked[name] = time.perf_counter()
        await api.create(CONFIG_MAP, config_map(name, namespace))
        answered[name] = time.perf_counter()

    await _rate("creates", names, create)
    while len(arrivals) < OBJECTS and not watcher.done():
        await asyncio.sleep(0.05)
    watcher.cancel()
    _latency("watch latency behind the answer", [arrivals[name] - answered[name] for name in arrivals])
    _latency("watch latency behind the request", [arrivals[name] - asked[name] for name in arrivals])
    await _rate("gets", names, lambda name: api.get(CONFIG_MAP, name, namespace))
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        await api.request("GET", CONFIG_MAP.path(namespace))
        times.append(time.perf_counter() - begun)
    print(f"{f'list of {OBJECTS}, median':44} {statistics.median(times) * 1000:8.1f} ms")


def _latency(label: str, seconds: list[float]) -> None:
    late = sorted(max(0.0, one) * 1000 for one in seconds)
    middle, worst = (late[len(late) * part // 100] for part in (50, 99))
    print(f"{f'{label}, p50 / p99':44} {middle:8.1f} ms / {worst:.1f} ms")


async def _watch(api: KubeClient, namespace: str, version: str, arrivals: dict[str, float]) -> None:
    async for _, item in api.watch(CONFIG_MAP, namespace, resource_version=version):
        arrivals[item["metadata"]["name"]] = time.perf_counter()


async def _rate(label: str, names: list[str], action: Any) -> None:
    queue = iter(names)

    async def worker() -> None:
        for name in queue:
            await action(name)

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CLIENTS)))
    print(f"{f'{label} a second, {CLIENTS} at once':44} {len(names) / (time.perf_counter() - begun):8.0f}")
