"""What T-gent refused is counted where people look, and told without a flood."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from kgents.kube.client import KubeClient
from operators.events import Recorder
from operators.tgent.refusals import REASON, Refusals
from operators.tgent.verdicts import Refusal
from operators.world import World
from tests.unit.operators.objects import NOW

AGENT = ("hill", "ant")
USER = "system:serviceaccount:hill:ant"
METADATA = {"name": "ant", "namespace": "hill", "uid": "u", "resourceVersion": "1"}


class Heard:
    """An API that keeps the Events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    async def create(self, kind: Any, obj: Any, *_: Any) -> Any:
        self.events.append(obj)
        return obj


async def refuse(times: int, *, user: str = USER, counted_before: int = 0) -> tuple[World, Heard]:
    heard = Heard()
    world = World(cast(KubeClient, heard), clock=lambda: NOW)
    status = {"refusedWrites": counted_before}
    world.put_agent({"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": METADATA, "spec": {}, "status": status})

    async def judge(user: str, obj: Any) -> Refusal:
        return Refusal("rate", "too many", 429)

    judged = Refusals(world, Recorder(world.api)).counting(judge)
    for _ in range(times):
        assert await judged(user, {}) == Refusal("rate", "too many", 429)
    await asyncio.sleep(0)
    return world, heard


async def test_every_refusal_is_counted_and_one_event_tells_of_a_flood() -> None:
    world, heard = await refuse(1000)
    assert world.refused[AGENT] == 1000
    assert [one["reason"] for one in heard.events] == [REASON]
    assert "T-gent (rate): too many (1 writes refused so far)" in heard.events[0]["message"]


async def test_a_restart_counts_on() -> None:
    world, _ = await refuse(2, counted_before=40)
    assert world.refused[AGENT] == 42


async def test_who_is_no_agent_is_not_counted() -> None:
    world, heard = await refuse(3, user="system:serviceaccount:hill:nobody")
    assert (world.refused, heard.events) == ({}, [])
