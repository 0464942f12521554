"""Proposals about the workload that an agent has adopted: held to an agent's rules, and its keeper's word."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kgents.api import times
from kgents.api.governance.changes import PROPOSAL_ANNOTATION
from kgents.api.kinds import AGENT, DEPLOYMENT
from kgents.api.operations import adopting
from kgents.api.operations import proposals as asking
from kgents.api.operations.carrying import carry_out_async
from kgents.api.operations.requests import Call
from kgents.kube.client import KubeClient
from kgents.kube.sending import sender
from tests.integration.proposals.desk import OPERATORS, Desk, Object

ARGO = {"argocd.argoproj.io/instance": "shop"}


async def adopted(desk: Desk, name: str, phase: str = "Running", **metadata: Any) -> None:
    """A Deployment and an agent, each of this name."""
    labels = {"app": name}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "bot", "image": "x:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pods}
    body = {"metadata": {"name": name, "namespace": "default", **metadata}, "spec": spec}
    await desk.admin.create(DEPLOYMENT, body, field_manager="somebody")
    ref = {"kind": "Deployment", "name": name}
    agent = {"metadata": {"name": name, "namespace": "default"}, "spec": {"workloadRef": ref}}
    await desk.admin.create(AGENT, agent)
    await tell(desk, name, phase)


async def tell(desk: Desk, name: str, phase: str) -> None:
    """What the agent operator would say."""
    found = await desk.admin.get(AGENT, name, "default")
    body = await desk.admin.get(DEPLOYMENT, name, "default")
    seen = {"kind": "Deployment", "name": name, "uid": body["metadata"]["uid"]}
    seen |= {"generation": body["metadata"]["generation"], "replicas": body["spec"]["replicas"]}
    has_it = {"type": "Adopted", "status": "True", "reason": "Adopted", "message": "", "lastTransitionTime": now()}
    status = {"phase": phase, "observedGeneration": found["metadata"]["generation"], "workload": seen}
    async with KubeClient(dataclasses.replace(desk.admin.config, token=OPERATORS["token"])) as own:
        patch = {"status": {**status, "conditions": [has_it]}}
        await own.patch(AGENT, name, patch, "default", subresource="status")


def now() -> str:
    return times.to_text(1_800_000_000.0)


def deployment(name: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


async def carried_out(desk: Desk, operation: Any) -> list[Object]:
    return await carry_out_async(operation, sender(desk.admin, "kgents"))


def call(name: str = "", **arguments: Any) -> Call:
    return Call({"agent": name}, arguments, "default", 0.0)


async def test_a_small_change_of_it_merges_as_an_agents_would(desk: Desk) -> None:
    await adopted(desk, "small")
    name = await desk.propose("small", {"spec": {"replicas": 4}}, target=deployment("small"))
    await desk.work(name)
    found = await desk.admin.get(DEPLOYMENT, "small", "default")
    assert (await desk.phase(name), found["spec"]["replicas"]) == ("Merged", 4)
    assert (await desk.get(name))["status"]["risk"]["base"] == 0.1


async def test_of_a_workload_that_nobody_has_adopted_nothing_merges_by_itself(desk: Desk) -> None:
    await adopted(desk, "lone")
    await desk.admin.delete(AGENT, "lone", "default")
    name = await desk.propose("lone", {"spec": {"replicas": 4}}, target=deployment("lone"))
    await desk.work(name, until=["Blocked"])
    assert await desk.phase(name) == "Blocked"


async def test_one_that_sickens_is_taken_back_and_release_takes_the_note_off(desk: Desk) -> None:
    await adopted(desk, "ill")
    name = await desk.propose("ill", {"spec": {"replicas": 3}}, target=deployment("ill"))
    await desk.work(name, until=["Merged"])
    await tell(desk, "ill", "Failed")
    await desk.work(name)
    found = await desk.admin.get(DEPLOYMENT, "ill", "default")
    assert (await desk.phase(name), found["spec"]["replicas"]) == ("RolledBack", 2)
    assert PROPOSAL_ANNOTATION in found["metadata"]["annotations"]
    [row] = await carried_out(desk, adopting.release(call("ill")))
    after = await desk.admin.get(DEPLOYMENT, "ill", "default")
    assert (row["released"], row["left"]) == ("Deployment/ill", None)
    assert PROPOSAL_ANNOTATION not in (after["metadata"].get("annotations") or {})
    assert [one["manager"] for one in after["metadata"]["managedFields"]] == ["somebody"]
    assert after["spec"] == found["spec"]


async def test_what_argo_cd_keeps_is_blocked_with_the_patch_to_carry(desk: Desk) -> None:
    await adopted(desk, "kept", labels=ARGO)
    name = await desk.propose("kept", {"spec": {"replicas": 3}}, target=deployment("kept"))
    await desk.work(name, until=["Blocked"])
    status = (await desk.get(name))["status"]
    assert status["phase"] == "Blocked" and "replicas" in status["diff"]
    assert any("Argo CD (shop) owns this Deployment" in one["message"] for one in status["evidence"])


async def test_what_is_the_workloads_is_not_changed_on_the_agent(desk: Desk) -> None:
    await adopted(desk, "split")
    name = await desk.propose("split", {"spec": {"replicas": 3}})
    await desk.work(name)
    settled = [one for one in (await desk.get(name))["status"]["conditions"] if one["type"] == "Settled"]
    assert await desk.phase(name) == "Failed"
    assert "propose the change of Deployment/split instead" in settled[0]["message"]
    name = await desk.propose("split", {"spec": {"signals": [{"match": "x", "type": "TEST"}]}})
    await desk.work(name, until=["Blocked"])
    assert await desk.phase(name) == "Blocked"


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"replicas": 3}, {"replicas": 3}),
        ({"image": "x:2"}, {"template": {"spec": {"containers": [{"name": "bot", "image": "x:2"}]}}}),
    ],
)
async def test_who_names_the_agent_asks_for_the_change_of_its_workload(
    desk: Desk, spec: Object, wanted: Object
) -> None:
    name = f"named-{next(iter(spec))}"
    await adopted(desk, name)
    [row] = await carried_out(desk, asking.define(call(target=name, reason="more", patch={"spec": spec})))
    made = (await desk.get(row["name"]))["spec"]
    assert (row["target"], made["patch"]["content"]) == (f"Deployment/{name}", {"spec": wanted})
    [trial] = await carried_out(desk, asking.define(call(target=name, reason="", patch={"spec": spec}, dryRun=True)))
    assert trial["target"] == f"Deployment/{name}" and len(trial["diff"]) == 1
