"""The life of proposals, against a real API server that enforces the law of the hive."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api import conditions
from kgents.api.governance.audit import Chain
from kgents.api.kinds import AGENT, CONFIG_MAP, HIVE_NAMESPACE, PHEROMONE, PROPOSAL, UMWELT
from kgents.kube.errors import Forbidden, ObjectNotFound
from tests.integration.proposals.desk import Desk

SCALE = {"spec": {"replicas": 2}}


async def spec_of(desk: Desk, agent: str) -> dict[str, Any]:
    found: dict[str, Any] = (await desk.admin.get(AGENT, agent, "default"))["spec"]
    return found


async def condition(desk: Desk, name: str, type: str) -> dict[str, Any]:
    conditions = (await desk.get(name))["status"]["conditions"]
    return next((one for one in conditions if one["type"] == type), {})


async def test_a_small_change_merges_by_itself_and_is_explained(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, SCALE)
    await desk.work(name)
    status = (await desk.get(name))["status"]
    assert (status["phase"], status["diff"]) == ("Merged", "~ spec.replicas: 1 → 2")
    assert (await spec_of(desk, agent))["replicas"] == 2
    assert status["risk"]["reasons"][0].startswith("+0.1 scaled")


async def test_an_image_waits_for_somebody_else(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, {"spec": {"image": "bot:2"}})
    await desk.work(name)
    assert await desk.phase(name) == "Reviewing"
    with pytest.raises(Forbidden, match="what he proposed himself"):
        await desk.decide(name, who=desk.who, approved=True)
    await desk.decide(name, approved=True, reason="fine")
    await desk.work(name)
    assert (await desk.get(name))["status"]["decidedBy"] == "bob"
    assert (await spec_of(desk, agent))["image"] == "bot:2"


async def test_who_is_called_to_review_is_called_once(desk: Desk) -> None:
    name = await desk.propose(await desk.agent(), {"spec": {"image": "bot:2"}})
    for _ in range(2):
        await desk.work(name)
    signals = (await desk.admin.list(PHEROMONE, "default"))["items"]
    asked = [one for one in signals if one["spec"]["causedBy"][0]["object"]["name"] == name]
    assert [one["spec"]["type"] for one in asked] == ["REVIEW_REQUEST"]


async def test_a_deletion_is_blocked_until_it_is_lifted_with_a_reason(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, delete=True)
    await desk.work(name)
    assert await desk.phase(name) == "Blocked"
    with pytest.raises(Forbidden, match="with a written reason"):
        await desk.decide(name, approved=True)
    await desk.decide(name, approved=True, reason="nobody needs it")
    await desk.work(name)
    with pytest.raises(ObjectNotFound):
        await desk.admin.get(AGENT, agent, "default")


async def test_what_is_deleted_comes_back(desk: Desk) -> None:
    agent = await desk.agent(replicas=3)
    name = await desk.propose(agent, delete=True)
    await desk.work(name)
    await desk.decide(name, approved=True, reason="nobody needs it")
    await desk.work(name)
    await desk.decide(name, rollback=True, reason="somebody does")
    await desk.work(name)
    assert await desk.phase(name) == "RolledBack"
    assert (await spec_of(desk, agent))["replicas"] == 3


async def test_an_agent_within_its_envelope_is_not_looked_at(desk: Desk) -> None:
    agent = await desk.agent()
    umwelt = {"metadata": {"name": agent}, "spec": {"agent": agent, "autonomy": {"replicas": {"min": 1, "max": 9}}}}
    await desk.admin.create(UMWELT, umwelt, "default")
    name = await desk.propose(agent, {"spec": {"replicas": 9}}, who=f"system:serviceaccount:default:{agent}")
    await desk.work(name)
    status = (await desk.get(name))["status"]
    assert (status["phase"], "every change is within the envelope" in str(status["evidence"])) == ("Merged", True)


async def test_what_sickens_is_taken_back(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, SCALE)
    await desk.work(name)
    await desk.health(agent, "Failed")
    await desk.work(name)
    assert await desk.phase(name) == "RolledBack"
    assert (await spec_of(desk, agent))["replicas"] == 1


async def test_what_stays_well_is_not_taken_back(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, SCALE)
    await desk.work(name)
    await desk.health(agent)
    desk.ahead = 120.0
    await desk.work(name)
    assert (await desk.phase(name), (await condition(desk, name, "Baked"))["reason"]) == ("Merged", "Healthy")


async def test_an_approval_lapses_when_the_diff_changes(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, {"spec": {"image": "bot:2", "replicas": 2}})
    await desk.work(name)
    await desk.decide(name, approved=True)
    await desk.admin.patch(AGENT, agent, {"spec": {"replicas": 2}}, "default")
    await desk.work(name)
    assert await desk.phase(name) == "Reviewing"
    assert (await condition(desk, name, "ApprovalLapsed"))["status"] == "True"
    await desk.decide(name, approved=True)
    await desk.work(name)
    assert (await spec_of(desk, agent))["image"] == "bot:2"


async def test_what_does_not_touch_the_fields_does_not_matter(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, {"spec": {"image": "bot:2"}})
    await desk.work(name)
    await desk.decide(name, approved=True)
    await desk.admin.patch(AGENT, agent, {"metadata": {"annotations": {"seen": "yes"}}}, "default")
    await desk.health(agent)
    await desk.work(name)
    assert await desk.phase(name) == "Merged"


async def test_a_newer_proposal_on_the_same_fields_takes_the_place(desk: Desk) -> None:
    agent = await desk.agent()
    old = await desk.propose(agent, {"spec": {"image": "bot:2"}})
    await desk.work(old)
    new = await desk.propose(agent, {"spec": {"image": "bot:3"}})
    await desk.work(new, old)
    assert (await desk.phase(old), await desk.phase(new)) == ("Superseded", "Reviewing")


async def test_nobody_supersedes_what_another_wants(desk: Desk) -> None:
    agent = await desk.agent()
    old = await desk.propose(agent, {"spec": {"image": "bot:2"}})
    await desk.work(old)
    new = await desk.propose(agent, {"spec": {"image": "bot:3"}}, who="eve")
    await desk.work(new, old)
    assert await desk.phase(old) == "Reviewing"


async def test_nobody_decides_and_it_expires(desk: Desk) -> None:
    name = await desk.propose(await desk.agent(), {"spec": {"image": "bot:2"}}, ttl="1h")
    await desk.work(name)
    desk.ahead = 3601.0
    await desk.work(name)
    assert await desk.phase(name) == "Expired"


async def test_a_rejected_one_changes_nothing(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, {"spec": {"image": "bot:2"}})
    await desk.work(name)
    await desk.decide(name, approved=False, reason="no")
    await desk.work(name)
    assert (await desk.phase(name), (await spec_of(desk, agent)).get("image")) == ("Rejected", None)


async def test_changes_of_one_target_take_turns(desk: Desk) -> None:
    agent = await desk.agent()
    first = await desk.propose(agent, SCALE)
    await desk.work(first)
    second = await desk.propose(agent, {"spec": {"replicas": 3}}, who="eve")
    await desk.work(second)
    assert await desk.phase(second) == "Approved"
    waits = conditions.find(await desk.get(second), "Merging") or {}
    assert f"{first} has changed the same target and is watched until" in waits["message"]
    desk.ahead = 120.0
    await desk.health(agent)
    await desk.work(first, second)
    assert (await desk.phase(second), (await spec_of(desk, agent))["replicas"]) == ("Merged", 3)


@pytest.mark.parametrize(
    ("patch", "type", "said"),
    [
        ({"spec": {"replicas": -1}}, "Apply", "should be greater than or equal to 0"),
        ({"spec": {"nothing": 1}}, "Apply", "nothing"),
        ([{"op": "remove", "path": "/spec/none"}], "Json", "the server rejected our request"),
        ({"spec": {"replicas": 1}}, "Merge", "nothing would change"),
        ("text", "Apply", "partial object"),
    ],
)
async def test_what_cannot_be_done_fails_at_once_and_says_why(desk: Desk, patch: Any, type: str, said: str) -> None:
    name = await desk.propose(await desk.agent(), patch, type=type)
    await desk.work(name)
    assert await desk.phase(name) == "Failed"
    assert said in (await condition(desk, name, "Settled"))["message"]


async def test_any_kind_may_be_the_target_within_the_mergers_rights(desk: Desk) -> None:
    await desk.admin.create(CONFIG_MAP, {"metadata": {"name": "mode"}, "data": {"a": "1"}}, "default")
    target = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mode"}
    name = await desk.propose("mode", {"data": {"a": "2"}}, type="Merge", target=target)
    await desk.work(name)
    await desk.decide(name, approved=True, reason="wanted")
    await desk.work(name)
    assert (await desk.admin.get(CONFIG_MAP, "mode", "default"))["data"] == {"a": "2"}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "admin"}
    law = await desk.propose("law", {"rules": []}, target=role)
    await desk.work(law)
    assert "kgents.io/aggregate-to-merger" in (await condition(desk, law, "Settled"))["message"]


async def test_what_argo_cd_owns_is_not_fought_over(desk: Desk) -> None:
    agent = await desk.agent()
    labels = {"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}}
    await desk.admin.patch(AGENT, agent, labels, "default")
    name = await desk.propose(agent, SCALE)
    await desk.work(name)
    status = (await desk.get(name))["status"]
    assert (status["phase"], "Argo CD (shop) owns this Agent" in str(status["evidence"])) == ("Blocked", True)


async def test_a_frozen_hive_merges_when_it_is_thawed(desk: Desk) -> None:
    agent = await desk.agent()
    freeze: dict[str, Any] = {"data": {"frozen": "true", "by": "ann"}}
    await desk.admin.patch(CONFIG_MAP, "kgents-freeze", freeze, HIVE_NAMESPACE)
    name = await desk.propose(agent, SCALE)
    await desk.work(name)
    frozen = (await desk.phase(name), (await condition(desk, name, "Merging"))["reason"])
    await desk.admin.patch(CONFIG_MAP, "kgents-freeze", {"data": {"frozen": None}}, HIVE_NAMESPACE)
    await desk.work(name)
    assert (frozen, await desk.phase(name)) == (("Approved", "Frozen"), "Merged")


async def test_an_apply_does_not_take_back_what_was_applied_before(desk: Desk) -> None:
    agent = await desk.agent()
    for who, patch in (("eve", {"spec": {"replicas": 2}}), ("dan", {"spec": {"config": {"mode": "b"}}})):
        name = await desk.propose(agent, patch, who=f"{who}-{desk.who}")
        await desk.work(name)
        desk.ahead += 120.0
        await desk.health(agent)
        await desk.work(name)
    spec = await spec_of(desk, agent)
    assert (spec["replicas"], spec["config"]) == (2, {"mode": "b"})


async def test_a_rollback_leaves_what_somebody_changed_since(desk: Desk) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, {"spec": {"replicas": 2, "config": {"mode": "b"}}})
    await desk.work(name)
    if await desk.phase(name) == "Reviewing":
        await desk.decide(name, approved=True)
        await desk.work(name)
    await desk.admin.patch(AGENT, agent, {"spec": {"replicas": 4}}, "default")
    await desk.decide(name, rollback=True, reason="back")
    await desk.work(name)
    spec, status = await spec_of(desk, agent), (await desk.get(name))["status"]
    assert (spec["replicas"], spec.get("config")) == (4, None)
    assert "left as it is, for it was changed since: ~ spec.replicas: 1 → 2" in str(status["evidence"])


async def test_the_oldest_go_and_the_chain_holds(desk: Desk) -> None:
    await desk.admin.patch(CONFIG_MAP, "kgents-policy", {"data": {"history": "3"}}, HIVE_NAMESPACE)
    agent = await desk.agent()
    others = await desk.propose(agent, {"spec": {"image": "bot"}}, who="an-other")
    await desk.work(others)
    await desk.decide(others, approved=False, reason="no")
    await desk.work(others)
    for number in range(5):
        name = await desk.propose(agent, {"spec": {"image": f"bot:{number}"}}, who="eve-the-busy")
        await desk.work(name)
        await desk.decide(name, approved=False, reason="no")
        await desk.work(name)
        await desk.work(name)  # the watch tells of the end
    await desk.admin.patch(CONFIG_MAP, "kgents-policy", {"data": {"history": None}}, HIVE_NAMESPACE)
    left = (await desk.admin.list(PROPOSAL, "default"))["items"]
    ended = [one for one in left if one["spec"]["proposer"] == "eve-the-busy"]
    books = await desk.admin.get(CONFIG_MAP, "kgents-audit", HIVE_NAMESPACE)
    assert len(ended) == 3
    assert await desk.phase(others) == "Rejected"
    assert Chain.from_data(books["data"]).verify(left) == []
