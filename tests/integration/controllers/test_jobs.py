"""Jobs: done once, counted once, given up in time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kgents.api.kinds import JOB, NAMESPACE, POD, SERVICE_ACCOUNT
from kgents.embedded.controllers import job_failures, run
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import ObjectNotFound
from tests.integration.controllers.node import Node
from tests.support.waiting import eventually_async

Object = dict[str, Any]
Pods = Callable[[], Awaitable[list[Object]]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_failures, "FIRST_PAUSE", job_failures.FIRST_PAUSE / 100)


def job(image: str = "exit:0", **spec: Any) -> Object:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}}
    whole = {"template": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}, "spec": whole}


async def when(api: KubeClient, namespace: str, kind: str, status: str = "True") -> Object:
    """The Job, once it has the condition."""

    async def look() -> Object | None:
        found = await api.get(JOB, "work", namespace)
        conditions = (found.get("status") or {}).get("conditions") or []
        assert any(one["type"] == kind and one["status"] == status for one in conditions), found
        return found

    found = await eventually_async(look)
    assert found is not None
    return found


def reason(job: Object, kind: str) -> str:
    return next(str(one["reason"]) for one in job["status"]["conditions"] if one["type"] == kind)


async def test_a_job_runs_to_its_completions(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(JOB, job(completions=4, parallelism=2), namespace)

    done = (await when(api, namespace, "Complete"))["status"]

    assert (done["succeeded"], done.get("failed", 0), done.get("active", 0)) == (4, 0, 0)
    assert done["uncountedTerminatedPods"] == {} and done["completionTime"] >= done["startTime"]
    assert [one["reason"] for one in done["conditions"]] == ["CompletionsReached"] * 2
    assert not any(pod["metadata"].get("finalizers") for pod in await pods())


async def test_failures_are_tried_again_until_the_limit(
    api: KubeClient, namespace: str, node: Node, pods: Pods
) -> None:
    await api.create(JOB, job("exit:3", backoffLimit=2), namespace)

    failed = await when(api, namespace, "Failed")

    assert reason(failed, "Failed") == reason(failed, "FailureTarget") == "BackoffLimitExceeded"
    assert failed["status"]["failed"] == len(await pods()) == 3


async def test_each_index_is_done_once(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(JOB, job(completions=5, parallelism=3, completionMode="Indexed"), namespace)

    done = await when(api, namespace, "Complete")

    assert done["status"]["completedIndexes"] == "0-4"
    assert sorted(pod["spec"]["hostname"] for pod in await pods()) == [f"work-{n}" for n in range(5)]


async def test_one_bad_index_does_not_stop_the_others(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    spec = {"completions": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 1}
    await api.create(JOB, job("exit:1", **spec), namespace)

    failed = await when(api, namespace, "Failed")

    assert reason(failed, "Failed") == "FailedIndexes" and failed["status"]["failedIndexes"] == "0,1"
    assert len(await pods()) == 4


async def test_an_exit_code_can_end_the_job(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    await api.create(JOB, job("exit:42", podFailurePolicy={"rules": [rule]}), namespace)

    failed = await when(api, namespace, "Failed")

    assert reason(failed, "Failed") == "PodFailurePolicy" and len(await pods()) == 1


async def test_a_suspended_job_waits_and_goes_on(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(JOB, job("slow", suspend=True), namespace)
    waiting = await when(api, namespace, "Suspended")
    assert "startTime" not in waiting["status"] and not await pods()

    await api.patch(JOB, "work", {"spec": {"suspend": False}}, namespace)
    resumed = await when(api, namespace, "Suspended", "False")
    assert resumed["status"]["startTime"]
    await eventually_async(pods)

    await api.patch(JOB, "work", {"spec": {"suspend": True}}, namespace)
    stopped = await when(api, namespace, "Suspended")
    await eventually_async(lambda: none_left(pods))
    assert stopped["status"].get("failed", 0) == 0


async def none_left(pods: Pods) -> bool:
    return not await pods()


async def test_the_deadline_ends_a_job_with_its_pods(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(JOB, job("slow", activeDeadlineSeconds=1), namespace)

    failed = await when(api, namespace, "Failed")

    assert reason(failed, "Failed") == "DeadlineExceeded"
    await eventually_async(lambda: none_left(pods))


async def test_a_finished_job_goes_when_its_time_has_come(api: KubeClient, namespace: str, node: Node) -> None:
    await api.create(JOB, job(ttlSecondsAfterFinished=0), namespace)

    async def gone() -> bool:
        try:
            await api.get(JOB, "work", namespace)
        except ObjectNotFound:
            return True
        return False

    await eventually_async(gone)


async def test_a_deleted_job_takes_its_pods_along(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(JOB, job("slow", completions=2, parallelism=2), namespace)
    await eventually_async(pods)

    await api.delete(JOB, "work", namespace, propagation="Background")

    await eventually_async(lambda: none_left(pods))


async def test_no_end_is_counted_twice_however_often_the_loops_are_killed(
    config: ClusterConfig, api: KubeClient, node: Node
) -> None:
    """The loops are cancelled over and over, at whatever they do."""
    namespace = f"t-{uuid.uuid4().hex[:8]}"
    await api.create(NAMESPACE, {"metadata": {"name": namespace}})
    await api.create(SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": namespace}})
    await api.create(JOB, job("exit:0", completions=12, parallelism=4), namespace)
    turn, status = 0, {}
    while not status.get("completionTime"):
        turn += 1
        task = asyncio.create_task(run(config, asyncio.Event()))
        await asyncio.wait({task}, timeout=0.2 * 1.1**turn)  # long enough in the end, however busy the machine
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        status = (await api.get(JOB, "work", namespace)).get("status") or {}

    assert status["succeeded"] == 12 and status.get("failed", 0) == 0
    assert len((await api.list(POD, namespace))["items"]) == 12
    await api.delete(NAMESPACE, namespace)


async def test_pods_of_a_job_that_is_gone_are_let_go(api: KubeClient, namespace: str, node: Node, pods: Pods) -> None:
    await api.create(JOB, job("slow"), namespace)
    name = (await eventually_async(pods))[0]["metadata"]["name"]

    await api.delete(JOB, "work", namespace, propagation="Orphan")

    async def free() -> bool:
        return not (await api.get(POD, name, namespace))["metadata"].get("finalizers")

    await eventually_async(free)
