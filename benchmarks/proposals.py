"""Proposals: how many a second come to be Merged by themselves, beside bare API writes of the same count.

    python -m benchmarks proposals [COUNT]

Each is on an agent of its own and of a proposer of its own: that is the case without any waiting for turns.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from benchmarks.hives import hive_dir, home, run
from kgents.api.kinds import AGENT, API_VERSION, PROPOSAL
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig, load

COUNT = 200
CLIENTS = 16
NAMESPACE = "default"
ENDS = frozenset({"Reviewing", "Blocked", "Failed", "Expired", "Superseded", "Rejected"})


def main(options: list[str]) -> None:
    count = next((int(option) for option in options if option.isdecimal()), COUNT)
    with home() as env:
        run(env, "infra", "init")
        asyncio.run(_measure(load(path=hive_dir(env) / "kubeconfig"), count))


async def _measure(config: ClusterConfig, count: int) -> None:
    async with KubeClient(config) as admin, _people(config, count) as people:
        await _in_turn(range(count), lambda number: admin.create(AGENT, _agent(number), NAMESPACE))
        await _until_suspended(admin, count)

        async def bare(number: int) -> None:
            await admin.patch(AGENT, f"agent-{number}", {"spec": {"replicas": 2}}, NAMESPACE, type="merge")

        begun = time.perf_counter()
        await _in_turn(range(count), bare)
        took = time.perf_counter() - begun
        print(f"{f'bare patches a second, {CLIENTS} at once':44} {count / took:8.0f}")
        await asyncio.sleep(5)  # the agents' operator looks at each of them
        before = await _version(admin)
        one = await _propose(admin, people, range(1))
        print(f"{'one proposal, from created to Merged':44} {one * 1000:8.0f} ms")
        before = await _version(admin)
        took = await _propose(admin, people, range(1, count))
        writes = (await _version(admin) - before) / (count - 1)
        print(f"{'proposals a second to Merged':44} {(count - 1) / took:8.1f}    ({writes:.1f} writes each)")


def _agent(number: int) -> dict[str, Any]:
    """Suspended, so that no pods get in the way."""
    spec = {"command": ["sleep", "1000"], "suspend": True, "replicas": 1}
    return {"apiVersion": API_VERSION, "kind": "Agent", "metadata": {"name": f"agent-{number}"}, "spec": spec}


def _proposal(number: int) -> dict[str, Any]:
    patch = {"type": "Merge", "content": {"spec": {"replicas": 3}}}
    spec = {"target": {"kind": "Agent", "name": f"agent-{number}"}, "patch": patch, "reason": "a benchmark"}
    metadata = {"name": f"proposal-{number}"}
    return {"apiVersion": API_VERSION, "kind": "Proposal", "metadata": metadata, "spec": spec}


@asynccontextmanager
async def _people(config: ClusterConfig, count: int) -> AsyncIterator[list[KubeClient]]:
    async with AsyncExitStack() as stack:
        made = []
        for number in range(count):
            acting = dataclasses.replace(config, impersonate=f"ann-{number}", impersonate_groups=("system:masters",))
            made.append(await stack.enter_async_context(KubeClient(acting)))
        yield made


async def _propose(admin: KubeClient, people: list[KubeClient], numbers: range) -> float:
    """Seconds from the first request until the last is Merged. Raises RuntimeError when one comes to anything else."""
    version = str(await _version(admin))
    waiting = {f"proposal-{number}" for number in numbers}

    async def watch() -> None:
        async for event, found in admin.watch(PROPOSAL, NAMESPACE, resource_version=version):
            phase = (found.get("status") or {}).get("phase") if event != "BOOKMARK" else None
            if phase in ENDS:
                raise RuntimeError(f"{found['metadata']['name']} is {phase}")
            if phase == "Merged":
                waiting.discard(found["metadata"]["name"])
            if not waiting:
                return

    async def ask(number: int) -> None:
        body = _proposal(number)
        body["spec"]["proposer"] = f"ann-{number}"
        await people[number].create(PROPOSAL, body, NAMESPACE)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(people[number].version() for number in numbers))  # connections are not what is measured
    begun = time.perf_counter()
    await _in_turn(numbers, ask)
    await watching
    return time.perf_counter() - begun


async def _until_suspended(admin: KubeClient, count: int) -> None:
    while True:
        agents = (await admin.list(AGENT, NAMESPACE))["items"]
        if sum((agent.get("status") or {}).get("phase") == "Suspended" for agent in agents) == count:
            return
        await asyncio.sleep(0.5)


async def _version(admin: KubeClient) -> int:
    """The version of the store as a whole: it counts all writes."""
    return int((await admin.list(PROPOSAL, NAMESPACE, limit=1, max_items=1))["metadata"]["resourceVersion"])


async def _in_turn(numbers: range, action: Callable[[int], Awaitable[Any]]) -> None:
    left = iter(numbers)

    async def worker() -> None:
        for number in left:
            await action(number)

    await asyncio.gather(*(worker() for _ in range(CLIENTS)))
