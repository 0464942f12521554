"""CronJobs: each time once, and no more of the past than is wanted."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kgents.api.kinds import CRON_JOB, JOB
from kgents.embedded.controllers.cache import Cache
from kgents.embedded.controllers.cronjobs import CronJobs
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict
from tests.integration.controllers.node import Node
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually_async

Object = dict[str, Any]


def cron(image: str = "exit:0", **spec: Any) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}
    template = {"spec": {"template": {"spec": pod}}}
    whole = {"schedule": "* * * * *", "suspend": True, "jobTemplate": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}, "spec": whole}


class Clock:
    """Minutes that pass when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(second=30)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def turn(api: KubeClient, namespace: str) -> AsyncIterator[Callable[[int], Any]]:
    """Lets minutes pass, and the CronJob be looked at after each. Its own loop: the hive's sees a suspended one."""
    clock = Clock()
    async with contextlib.AsyncExitStack() as stack:
        cron_jobs, jobs = Cache(api, CRON_JOB), Cache(api, JOB)
        loop = CronJobs(api, cron_jobs, jobs, clock)
        for cache in (cron_jobs, jobs):
            await stack.enter_async_context(cache.informer)
            await cache.informer.wait_synced()

        async def look() -> bool:
            cron_jobs.note(await api.get(CRON_JOB, "tick", namespace))
            known = cron_jobs.get(namespace, "tick")
            assert known is not None
            known["spec"]["suspend"] = False
            try:
                await loop.reconcile((namespace, "tick"))
            except Conflict:  # the hive's own loop was quicker to write the status
                return False
            return True

        async def pass_minutes(count: int) -> list[Object]:
            for _ in range(count):
                clock.now += timedelta(minutes=1)
                await eventually_async(look)
            return list((await api.list(JOB, namespace))["items"])

        yield pass_minutes


async def test_each_time_begins_one_job(api: KubeClient, namespace: str, turn: Any) -> None:
    await api.create(CRON_JOB, cron("slow"), namespace)

    assert len(await turn(1)) == 1
    assert len(await turn(2)) == 3
    status = (await api.get(CRON_JOB, "tick", namespace))["status"]
    assert len(status["active"]) == 3 and status["lastScheduleTime"].endswith(":00Z")


async def test_forbid_waits_for_the_one_that_runs(api: KubeClient, namespace: str, turn: Any) -> None:
    await api.create(CRON_JOB, cron("slow", concurrencyPolicy="Forbid"), namespace)

    assert len(await turn(3)) == 1


async def test_replace_ends_the_one_that_runs(api: KubeClient, namespace: str, turn: Any) -> None:
    await api.create(CRON_JOB, cron("slow", concurrencyPolicy="Replace"), namespace)
    first = (await turn(1))[0]["metadata"]["uid"]

    await turn(1)

    async def only_the_second() -> bool:
        left = (await api.list(JOB, namespace))["items"]
        return [job["metadata"]["uid"] == first for job in left] == [False]

    await eventually_async(only_the_second)


async def test_old_jobs_are_cleared_away(api: KubeClient, namespace: str, node: Node, turn: Any) -> None:
    await api.create(CRON_JOB, cron(successfulJobsHistoryLimit=1), namespace)

    async def done() -> bool:
        jobs = (await api.list(JOB, namespace))["items"]
        return all((job.get("status") or {}).get("succeeded") for job in jobs)

    for _ in range(3):
        await turn(1)
        await eventually_async(done)
    await turn(0)

    async def few() -> bool:
        return len(await turn(1)) <= 2

    await eventually_async(few)
    assert (await api.get(CRON_JOB, "tick", namespace))["status"]["lastSuccessfulTime"]


async def test_a_job_can_be_made_of_it_by_hand(api: KubeClient, namespace: str, node: Node, kubectl: Kubectl) -> None:
    await api.create(CRON_JOB, cron(), namespace)

    kubectl("create", "job", "by-hand", "--from=cronjob/tick", "-n", namespace)

    async def done() -> bool:
        return bool((await api.get(JOB, "by-hand", namespace)).get("status", {}).get("succeeded"))

    await eventually_async(done)
