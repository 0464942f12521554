"""What people do with proposals, as the commands do it: the operations, carried out against a real API server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from kgents.api.errors import KgentsError, NotFound, Refused, UsageError
from kgents.api.kinds import CONFIG_MAP, EVENT, HIVE_NAMESPACE, PHEROMONE
from kgents.api.operations import audit, brakes, proposals, why
from kgents.api.operations.carrying import carry_out_async
from kgents.api.operations.requests import Call, Operation, Row
from kgents.kube.client import KubeClient
from kgents.kube.errors import Forbidden
from kgents.kube.sending import sender
from tests.integration.proposals.desk import Desk

What = Callable[[Call], Operation]


async def do(
    desk: Desk, what: What, who: str = "bob", bindings: dict[str, str] | None = None, **given: Any
) -> list[Row]:
    acting = dataclasses.replace(desk.admin.config, impersonate=who, impersonate_groups=("system:masters",))
    async with KubeClient(acting) as api:
        call = Call(bindings or {}, given, "default", desk.now())
        return await carry_out_async(what(call), sender(api, "kgents"))


async def propose(desk: Desk, target: str, patch: Any, **given: Any) -> Row:
    return (await do(desk, proposals.define, desk.who, target=target, patch=patch, reason="a test", **given))[0]


async def test_a_proposal_goes_all_its_way(desk: Desk) -> None:
    agent = await desk.agent()
    made = await propose(desk, agent, {"spec": {"image": "bot:2"}})
    name = {"proposal": made["name"]}
    with pytest.raises(KgentsError, match="cannot be approved yet"):
        await do(desk, proposals.approve, bindings=name)
    await desk.work(made["name"])
    [shown] = await do(desk, proposals.diff, bindings=name)
    await do(desk, proposals.approve, bindings=name, reason="fine", digest=shown["diffDigest"])
    await desk.work(made["name"])
    await do(desk, proposals.rollback, bindings=name, reason="not so fine")
    await desk.work(made["name"])
    assert (shown["diff"], await desk.phase(made["name"])) == (['+ spec.image: "bot:2"'], "RolledBack")


async def test_a_dry_run_makes_nothing(desk: Desk) -> None:
    agent = await desk.agent()
    tried = await propose(desk, agent, {"spec": {"image": "bot:2"}}, dryRun=True)
    assert (tried["diff"], tried["risk"], tried["level"]) == (['+ spec.image: "bot:2"'], 0.5, "Medium")


async def test_what_is_not_there_is_told(desk: Desk) -> None:
    with pytest.raises(NotFound, match="There is no proposal"):
        await do(desk, proposals.reject, bindings={"proposal": "none"}, reason="x")
    with pytest.raises(NotFound, match="knows no Bot"):
        await propose(desk, "Bot/x", {}, dryRun=True)


@pytest.mark.parametrize("trial", [True, False])
async def test_what_is_no_change_is_told(desk: Desk, trial: bool) -> None:
    with pytest.raises(UsageError, match="is a partial object"):
        await propose(desk, "bot", [], dryRun=trial)
    with pytest.raises(UsageError, match="is a list of operations"):
        await propose(desk, "bot", {}, patchType="json", dryRun=trial)
    with pytest.raises(UsageError, match="64-bit"):
        await propose(desk, "bot", {"spec": {"replicas": 10**20}}, dryRun=trial)


async def test_a_reason_is_more_than_spaces(desk: Desk) -> None:
    agent = await desk.agent()
    with pytest.raises(UsageError, match="says why"):
        await do(desk, proposals.define, desk.who, target=agent, delete=True, reason=" ")
    [made] = await do(desk, proposals.define, desk.who, target=agent, delete=True, reason="a test")
    await desk.work(made["name"])
    with pytest.raises(Forbidden, match="with a written reason"):
        await do(desk, proposals.approve, bindings={"proposal": made["name"]}, reason=" \n")


@pytest.mark.parametrize("target", ["", "a/b/c", "UPPER", "../etc", "agent/", "x" * 300])
def test_what_is_no_target_is_told(target: str) -> None:
    with pytest.raises(UsageError, match="is no target"):
        proposals.read_target(target)


async def test_the_whole_chain_of_causes_is_told(desk: Desk) -> None:
    agent = await desk.agent()
    line = {"snapshot": {"line": "orders.log line 1182: queue 90"}}
    spec = {"type": "SCARCITY", "source": "orders", "initialIntensity": 0.8, "causedBy": [line], "payload": "queue 90"}
    signal = await desk.admin.create(PHEROMONE, {"metadata": {"generateName": "s-"}, "spec": spec}, "default")
    cause = {
        "object": {"kind": "Pheromone", "name": signal["metadata"]["name"]},
        "uid": signal["metadata"]["uid"],
        "snapshot": {"type": "SCARCITY", "intensity": 0.8},
    }
    made = await propose(desk, agent, {"spec": {"replicas": 2}}, causedBy=[cause])
    await desk.work(made["name"])
    [row] = await do(desk, why.explain, bindings={"name": agent})
    told = list(why.lines(row["tree"]))
    assert told[0].startswith(f"├─ scaled 1→2 ← proposal {made['name']}, by itself, risk 0.10 ← SCARCITY 0.80 (")
    assert told[0].endswith("from orders: queue 90 ← orders.log line 1182: queue 90")
    assert told[1].startswith("│  └─ “")


async def test_a_proposal_explains_every_term_and_every_rule(desk: Desk) -> None:
    made = await propose(desk, await desk.agent(), {"spec": {"image": "bot:2"}})
    await desk.work(made["name"])
    [row] = await do(desk, why.explain, bindings={"name": f"proposal/{made['name']}"})
    text = "\n".join(why.lines(row["tree"]))
    assert "+0.5 image (spec.image): all of the code changes" in text
    assert "review: risk 0.5 is 0.3 or more" in text


async def test_the_audit_tells_who_what_and_why(desk: Desk) -> None:
    made = await propose(desk, await desk.agent(), {"spec": {"image": "bot:2"}})
    await desk.work(made["name"])
    await do(desk, proposals.reject, bindings={"proposal": made["name"]}, reason="not this one")
    await desk.work(made["name"])
    found = await do(desk, audit.trail)
    last = found[-1]
    assert (last["name"], last["decidedBy"], last["outcome"]) == (made["name"], "bob", "rejected by bob: not this one")
    assert (await do(desk, audit.verify))[0]["verified"]


async def test_books_that_somebody_has_changed_do_not_verify(desk: Desk) -> None:
    kept = await desk.admin.get(CONFIG_MAP, "kgents-audit", HIVE_NAMESPACE)
    for head in ('{"seq": 999, "prevHash": "", "hash": "x"}', "no json"):
        await desk.admin.patch(CONFIG_MAP, "kgents-audit", {"data": {"head": head}}, HIVE_NAMESPACE)
        assert not (await do(desk, audit.verify))[0]["verified"]
    await desk.admin.patch(CONFIG_MAP, "kgents-audit", {"data": kept["data"]}, HIVE_NAMESPACE)
    assert (await do(desk, audit.verify))[0]["verified"]


async def test_a_freeze_says_by_whom_and_why_until_it_is_over(desk: Desk) -> None:
    [frozen] = await do(desk, brakes.freeze, reason="storm")
    [thawed] = await do(desk, brakes.thaw)
    assert {**(brakes.notice(frozen) or {}), "since": ""} == {"by": "bob", "reason": "storm", "since": ""}
    assert (thawed["frozen"], brakes.notice(thawed)) == (False, None)
    events = (await desk.admin.list(EVENT, HIVE_NAMESPACE))["items"]
    told = {one["message"] for one in events if one["involvedObject"]["name"] == brakes.FREEZE}
    assert {"the hive is frozen by bob: storm", "the hive is thawed by bob"} <= told


async def test_a_paused_agent_is_stopped_and_silenced(desk: Desk) -> None:
    agent = await desk.agent()
    [paused] = await do(desk, brakes.suspend, bindings={"agent": agent}, reason="too loud")
    [held] = await do(desk, brakes.brakes)
    [resumed] = await do(desk, brakes.resume, bindings={"agent": agent})
    assert (paused["suspended"], paused["writesRefused"], resumed["suspended"]) == (True, True, False)
    assert held["paused"] == [{"namespace": "default", "name": agent, "why": "by bob: too loud"}]
    assert (await do(desk, brakes.brakes))[0]["paused"] == []


async def test_who_may_not_brake_is_refused(desk: Desk) -> None:
    acting = dataclasses.replace(desk.admin.config, impersonate="nobody", impersonate_groups=())
    async with KubeClient(acting) as api:
        with pytest.raises(Refused):
            await carry_out_async(brakes.freeze(Call({}, {}, "default", desk.now())), sender(api, "kgents"))
