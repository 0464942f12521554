"""Only one set of loops works at a time."""

from __future__ import annotations

import asyncio

import pytest

from kgents.api.kinds import JOB, LEASE, POD
from kgents.embedded.controllers import run
from kgents.embedded.controllers.manager import LEASE_NAME
from kgents.kube import election
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.election import Seat
from tests.integration.controllers.node import Node
from tests.support.waiting import eventually_async

NAMESPACE, NAME = LEASE_NAME


async def holder(api: KubeClient) -> str:
    return str((await api.get(LEASE, NAME, NAMESPACE))["spec"]["holderIdentity"])


async def test_the_second_waits_until_the_first_lets_go(api: KubeClient) -> None:
    first, second, stop = Seat(api, LEASE_NAME, "first"), Seat(api, LEASE_NAME, "second"), asyncio.Event()
    assert await first.take(stop)

    waiting = asyncio.create_task(second.take(stop))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done and await holder(api) == "first"

    await first.release()
    assert await waiting and await holder(api) == "second"
    await second.release()


async def test_a_lease_that_is_not_renewed_is_taken_when_its_time_is_over(api: KubeClient) -> None:
    now = [100.0]
    first, second, stop = (
        Seat(api, LEASE_NAME, "first"),
        Seat(api, LEASE_NAME, "second", lambda: now[0]),
        asyncio.Event(),
    )
    await first.take(stop)

    waiting = asyncio.create_task(second.take(stop))

    async def pass_time() -> bool:
        now[0] += 10
        return waiting.done()

    await eventually_async(pass_time)
    assert await holder(api) == "second"
    await second.release()


async def test_who_lost_the_lease_is_told(api: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "RENEW", 0.05)
    seat, stop, ended = Seat(api, LEASE_NAME, "first"), asyncio.Event(), asyncio.Event()
    await seat.take(stop)
    lease = await api.get(LEASE, NAME, NAMESPACE)
    await api.replace(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": "other"}})

    await seat.keep(stop, ended)

    assert ended.is_set()
    await api.patch(LEASE, NAME, {"spec": {"holderIdentity": ""}}, NAMESPACE)


async def test_two_sets_of_loops_do_nothing_twice(
    config: ClusterConfig, api: KubeClient, namespace: str, node: Node
) -> None:
    stop = asyncio.Event()
    second = asyncio.create_task(run(config, stop))
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "exit:0"}]}
    spec = {"completions": 8, "parallelism": 8, "template": {"spec": pod}}
    await api.create(JOB, {"metadata": {"name": "work"}, "spec": spec}, namespace)

    async def done() -> bool:
        return bool((await api.get(JOB, "work", namespace)).get("status", {}).get("completionTime"))

    await eventually_async(done)
    assert len((await api.list(POD, namespace))["items"]) == 8
    stop.set()
    await second
