"""Proposals that mean harm: each comes to an end that says why, and none does what a reviewer would not have seen."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api.governance.changes import PROPOSAL_ANNOTATION
from kgents.api.kinds import AGENT
from tests.integration.proposals.desk import Desk

NOTE = "/metadata/annotations/kgents.io~1proposal"
SCALE = {"op": "add", "path": "/spec/replicas", "value": 2}


async def end_of(desk: Desk, name: str) -> tuple[str, str]:
    """The phase that it comes to, and what is said of that."""
    await desk.work(name)
    status = (await desk.get(name))["status"]
    return status["phase"], next(one["message"] for one in status["conditions"] if one["type"] == "Settled")


async def annotations_of(desk: Desk, agent: str) -> dict[str, Any]:
    return dict((await desk.admin.get(AGENT, agent, "default"))["metadata"].get("annotations") or {})


HIDDEN = [
    [SCALE, {"op": "add", "path": "/metadata/annotations", "value": {PROPOSAL_ANNOTATION: "default/other/uid"}}],
    [SCALE, {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}],
    [SCALE, {"op": "replace", "path": "/status", "value": {"phase": "Running"}}],
    [SCALE, {"op": "replace", "path": "", "value": {}}],
]


@pytest.mark.parametrize("operations", HIDDEN, ids=["note", "managers", "status", "all"])
async def test_what_a_diff_does_not_show_is_not_done(desk: Desk, operations: list[Any]) -> None:
    name = await desk.propose(await desk.agent(), operations, type="Json")
    phase, said = await end_of(desk, name)
    assert phase == "Failed" and "is not to be proposed" in said


@pytest.mark.parametrize("type", ["Apply", "Merge"])
async def test_the_note_of_a_merge_is_not_forged(desk: Desk, type: str) -> None:
    agent = await desk.agent()
    patch = {"metadata": {"annotations": {PROPOSAL_ANNOTATION: "default/x/uid"}}, "spec": {"replicas": 2}}
    phase, said = await end_of(desk, await desk.propose(agent, patch, type=type))
    assert phase == "Failed" and PROPOSAL_ANNOTATION in said
    assert await annotations_of(desk, agent) == {}


async def test_an_operation_does_not_take_the_note_away_again(desk: Desk) -> None:
    agent = await desk.agent()
    await desk.admin.patch(AGENT, agent, {"metadata": {"annotations": {"a": "b"}}}, "default")
    name = await desk.propose(agent, [{"op": "remove", "path": "/metadata/annotations"}], type="Json")
    await desk.work(name)
    await desk.decide(name, approved=True, reason="I looked")
    await desk.work(name, until=("Merged",))
    assert (await annotations_of(desk, agent))[PROPOSAL_ANNOTATION].startswith(f"default/{name}/")


async def test_ten_thousand_and_one_operations_are_too_many(desk: Desk) -> None:
    phase, said = await end_of(desk, await desk.propose(await desk.agent(), [SCALE] * 10_001, type="Json"))
    assert phase == "Failed" and "10001 operations" in said


@pytest.mark.parametrize("kind", ["TokenReview", "SubjectAccessReview"])
async def test_what_cannot_be_read_cannot_be_changed(desk: Desk, kind: str) -> None:
    group = "authentication" if kind == "TokenReview" else "authorization"
    target = {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "name": "x"}
    phase, _ = await end_of(desk, await desk.propose("x", {"spec": {"token": "t"}}, target=target))
    assert phase == "Failed"


async def test_a_namespace_that_is_not_there_is_an_end(desk: Desk) -> None:
    target = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "namespace": "nowhere"}
    phase, said = await end_of(desk, await desk.propose("x", {"data": {"a": "b"}}, target=target))
    assert phase == "Failed" and "nowhere" in said


LAW = [
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "kgents-pods"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "kgents-tgent"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "kgents-operators"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "mine"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "agents.kgents.io"),
    ("v1", "Namespace", "kgents-system"),
    ("v1", "ServiceAccount", "mine"),
]


@pytest.mark.parametrize(("version", "kind", "name"), LAW)
async def test_the_law_is_not_for_the_merger_to_change(desk: Desk, version: str, kind: str, name: str) -> None:
    target = {"apiVersion": version, "kind": kind, "name": name}
    phase, said = await end_of(desk, await desk.propose("law", {"metadata": {"labels": {"a": "b"}}}, target=target))
    assert phase == "Failed" and "kgents-merger" in said


async def test_an_approved_merge_still_makes_no_pod_that_reaches_into_its_host(desk: Desk) -> None:
    evil = {"spec": {"template": {"spec": {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}}}}
    phase, said = await end_of(desk, await desk.propose(await desk.agent(), evil))
    assert phase == "Failed" and "mounts nothing of its host" in said


async def test_what_changes_after_the_approval_is_looked_at_again(desk: Desk) -> None:
    agent = await desk.agent(image="one")
    name = await desk.propose(agent, {"spec": {"image": "two"}})
    await desk.work(name)
    await desk.decide(name, approved=True)
    await desk.admin.patch(AGENT, agent, {"spec": {"image": "three"}}, "default")
    await desk.work(name)
    assert await desk.phase(name) == "Reviewing"
    assert (await desk.admin.get(AGENT, agent, "default"))["spec"]["image"] == "three"


async def test_a_newer_proposal_of_somebody_else_takes_nothing_away(desk: Desk) -> None:
    agent = await desk.agent(image="one")
    old = await desk.propose(agent, {"spec": {"image": "two"}}, who=f"{agent}-ann")
    await desk.work(old)
    new = await desk.propose(agent, {"spec": {"image": "three"}}, who=f"{agent}-rogue")
    await desk.work(new, old)
    assert (await desk.phase(old), await desk.phase(new)) == ("Reviewing", "Reviewing")


async def test_a_target_that_was_swapped_after_the_approval_is_looked_at_again(desk: Desk) -> None:
    agent = await desk.agent(image="one")
    name = await desk.propose(agent, {"spec": {"image": "two"}})
    await desk.work(name)
    await desk.decide(name, approved=True)
    await desk.admin.delete(AGENT, agent, "default")
    body = {"metadata": {"name": agent, "namespace": "default"}, "spec": {"command": ["other"], "image": "x"}}
    await desk.admin.create(AGENT, body, "default")
    await desk.work(name)
    assert await desk.phase(name) == "Reviewing"


async def test_an_approval_of_what_was_harmless_lifts_no_block(desk: Desk) -> None:
    agent = await desk.agent(image="one")
    name = await desk.propose(agent, {"spec": {"image": "two"}})
    await desk.work(name)
    await desk.decide(name, approved=True)
    for number in range(4):
        await desk.work(await desk.propose(agent, {"spec": {"env": [{"name": f"A{number}", "value": "b"}]}}))
    # The target moves away and back: the diff is the approved one again, and the risk is not.
    await desk.admin.patch(AGENT, agent, {"spec": {"image": "three"}}, "default")
    await desk.work(name)
    await desk.admin.patch(AGENT, agent, {"spec": {"image": "one"}}, "default")
    await desk.work(name)
    assert await desk.phase(name) == "Blocked"


def deep(levels: int) -> Any:
    made: Any = 1
    for _ in range(levels):
        made = {"a": made}
    return made


ODD: list[Any] = [
    {},
    {"spec": None},
    {"spec": []},
    {"spec": {"replicas": 1e308}},
    {"spec": {"replicas": 2**63}},
    {"spec": {"replicas": True}},
    {"spec": {"resources": {"limits": {"cpu": "NaN", "memory": "-1"}}}},
    {"spec": {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}},
    {"spec": {"env": [{"value": "nameless"}]}},
    {"spec": {"template": {"spec": deep(150)}}},
    {"spec": {"template": {"spec": {"containers": "none"}}}},
    {"spec": {"template": {"metadata": {"labels": {"kgents.io/agent": "other"}}}}},
    {"metadata": {"labels": {"a": "b" * 64}}},
    {"metadata": {"ownerReferences": [{"uid": "x"}]}},
    {"metadata": {"finalizers": ["a/b"]}},
    {"kind": "Secret", "apiVersion": "v1"},
    {"unknown": deep(3)},
]
"""Nothing of this may be merged by itself, or leave the operator stuck."""


@pytest.mark.parametrize("type", ["Apply", "Merge"])
@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
async def test_an_odd_patch_comes_to_an_end_or_waits_for_a_person(desk: Desk, type: str, content: Any) -> None:
    name = await desk.propose(await desk.agent(image="one"), content, type=type)
    await desk.work(name)
    assert await desk.phase(name) in ("Failed", "Reviewing", "Blocked")


OPERATIONS: list[Any] = [
    [],
    [{"op": "nonsense", "path": "/spec"}],
    [{"op": "add", "path": "spec"}],
    [{"op": "add", "path": "/spec/env/99999999999", "value": {}}],
    [{"op": "remove", "path": "/spec"}],
    [{"op": "copy", "from": "/spec", "path": "/spec/config/a"}] * 40,
    [{"op": "replace", "path": "/kind", "value": "Secret"}],
    [{"op": "move", "from": "/spec/image", "path": "/spec/image/below"}],
    [{"op": "test", "path": "/spec/image", "value": "other"}, SCALE],
]


@pytest.mark.parametrize("operations", OPERATIONS, ids=range(len(OPERATIONS)))
async def test_odd_operations_come_to_an_end_or_wait_for_a_person(desk: Desk, operations: list[Any]) -> None:
    name = await desk.propose(await desk.agent(image="one"), operations, type="Json")
    await desk.work(name)
    assert await desk.phase(name) in ("Failed", "Reviewing", "Blocked")
