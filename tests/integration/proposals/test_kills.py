"""The operator is killed at every write, before and after it reaches the server: all happens, and happens once."""

from __future__ import annotations

import pytest

from kgents.api.governance.audit import Chain
from kgents.api.kinds import AGENT, CONFIG_MAP, HIVE_NAMESPACE, PHEROMONE, PROPOSAL
from kgents.kube.errors import ObjectNotFound
from tests.integration.proposals.desk import Desk

WRITES = range(13)
"""More than any of these lives has: the last ones are not killed at all."""
CASES = [(number, after) for number in WRITES for after in (False, True)]


async def holds(desk: Desk) -> bool:
    listed = await desk.admin.list(PROPOSAL, "default")
    books = await desk.admin.get(CONFIG_MAP, "kgents-audit", HIVE_NAMESPACE)
    problems = Chain.from_data(books["data"]).verify(listed["items"])
    assert not problems
    return True


@pytest.mark.parametrize(("number", "after"), CASES)
async def test_a_change_is_made_once(desk: Desk, number: int, after: bool) -> None:
    agent = await desk.agent()
    before = (await desk.admin.get(AGENT, agent, "default"))["metadata"]["generation"]
    patch = [{"op": "add", "path": "/spec/args", "value": ["a"]}]
    name = await desk.propose(agent, patch, type="Json")
    desk.die_after_writing, desk.writes_left = after, number
    await desk.live(name)
    desk.writes_left = number
    if await desk.phase(name) == "Reviewing":
        await desk.decide(name, approved=True)
        await desk.live(name)
    found = await desk.admin.get(AGENT, agent, "default")
    signals = (await desk.admin.list(PHEROMONE, "default"))["items"]
    assert (await desk.phase(name), found["spec"]["args"]) == ("Merged", ["a"])
    assert found["metadata"]["generation"] == before + 1
    assert not [one for one in signals if one["spec"]["causedBy"][0]["object"]["name"] == name]
    assert await holds(desk)


@pytest.mark.parametrize(("number", "after"), CASES)
async def test_the_way_back_is_taken_once(desk: Desk, number: int, after: bool) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, {"spec": {"replicas": 2}})
    await desk.work(name)
    merged = (await desk.admin.get(AGENT, agent, "default"))["metadata"]["generation"]
    await desk.health(agent, "Safemode")
    desk.die_after_writing, desk.writes_left = after, number
    await desk.live(name)
    found = await desk.admin.get(AGENT, agent, "default")
    assert (await desk.phase(name), found["spec"]["replicas"]) == ("RolledBack", 1)
    assert found["metadata"]["generation"] == merged + 1
    assert await holds(desk)


@pytest.mark.parametrize(("number", "after"), CASES)
async def test_a_deletion_is_made_once_and_hits_nothing_that_came_after(desk: Desk, number: int, after: bool) -> None:
    agent = await desk.agent()
    name = await desk.propose(agent, delete=True)
    await desk.work(name)
    await desk.decide(name, approved=True, reason="nobody needs it")
    desk.die_after_writing, desk.writes_left = after, number
    await desk.live(name)
    assert await desk.phase(name) == "Merged"
    with pytest.raises(ObjectNotFound):
        await desk.admin.get(AGENT, agent, "default")
    assert await holds(desk)
