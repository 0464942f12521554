"""Following an agent's logs across rollouts and restarts, over a mirror that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cortex import logs
from cortex.answers import Call
from cortex.scope import Where
from kgents.api.errors import NotFound, Unreachable
from kgents.api.names import missing

CALL = Call({"agent": "scout"}, {"tail": 7}, "d")


class World:
    """One agent, its pods, and what their containers write."""

    def __init__(self) -> None:
        self.mirror = self.api = self
        self.informers = {"agents": self}
        self.store: dict[tuple[str, str], Any] = {("d", "scout"): {}}
        self.pods: list[dict[str, Any]] = []
        self.tails: list[int | None] = []
        self.broken = False

    def start(self, pod: str, id: str) -> None:
        self.pods = [one for one in self.pods if one["metadata"]["name"] != pod]
        status = {"containerStatuses": [{"name": "main", "containerID": id}]}
        self.pods.append(
            {
                "metadata": {"name": pod, "namespace": "d"},
                "spec": {"containers": [{"name": "main"}]},
                "status": status,
            }
        )

    def require(self, *_: Any) -> float:
        return 0.0

    def locate(self, plural: str, namespace: str, name: str, where: Where) -> tuple[str, str]:
        if (namespace, name) not in self.store:
            raise missing("agent", name, namespace)
        return namespace, name

    def pods_of(self, namespace: str, name: str) -> list[Any]:
        return self.pods

    async def logs(self, pod: str, namespace: str, *, tail_lines: int | None, **_: Any) -> AsyncIterator[str]:
        if self.broken:
            raise Unreachable("the API is gone")
        self.tails.append(tail_lines)
        yield f"{pod} speaks"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(logs, "LOOK", 0.01)
    return World()


async def following(world: World) -> tuple[list[str], asyncio.Task[None]]:
    heard: list[str] = []

    async def read() -> None:
        async for line in logs.follow(world, CALL):  # type: ignore[arg-type]
            heard.append(json.loads(line)["line"])

    return heard, asyncio.create_task(read())


async def until(heard: list[str], count: int) -> None:
    async with asyncio.timeout(30):
        while len(heard) < count:
            await asyncio.sleep(0.01)


async def test_pods_of_a_later_rollout_are_followed_from_their_first_line(world: World) -> None:
    world.start("old", "c1")
    heard, task = await following(world)
    await until(heard, 1)

    world.start("new", "c2")
    await until(heard, 2)

    assert (heard, world.tails) == (["old speaks", "new speaks"], [7, None])
    world.store.clear()
    await asyncio.wait_for(task, 30)


async def test_a_container_that_starts_again_is_read_again_and_no_start_twice(world: World) -> None:
    world.start("one", "c1")
    heard, task = await following(world)
    await until(heard, 1)

    world.start("one", "c2")
    await until(heard, 2)
    await asyncio.sleep(0.1)

    assert len(heard) == 2
    world.store.clear()
    await asyncio.wait_for(task, 30)


async def test_an_agent_without_pods_is_waited_for(world: World) -> None:
    heard, task = await following(world)
    await asyncio.sleep(0.05)

    world.start("late", "c1")
    await until(heard, 1)

    assert not task.done()
    task.cancel()


async def test_a_lost_api_ends_it_with_that_error(world: World) -> None:
    world.broken = True
    world.start("one", "c1")
    _, task = await following(world)

    with pytest.raises(Unreachable, match="the API is gone"):
        await asyncio.wait_for(task, 30)


async def test_nobody_to_follow_is_told(world: World) -> None:
    world.store.clear()
    _, task = await following(world)

    with pytest.raises(NotFound, match="There is no agent “scout” in the namespace d"):
        await task
