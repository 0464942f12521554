"""An agent's own words: the lines of its pods' containers, together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from cortex.answers import Answer, Call, World
from kgents.api import redact
from kgents.api.errors import KgentsError
from kgents.api.kinds import AGENT, POD
from kgents.kube.errors import ApiError

TAIL = 200
WAITING_LINES = 1000
LOOK = 1.0
"""Seconds between looks for pods that came, and containers that started again."""
Object = Mapping[str, Any]
Key = tuple[str, str]
Queue = asyncio.Queue[bytes | KgentsError | None]
"""Lines; an error, or None, is the last of them."""


async def agents_witness(world: World, call: Call) -> Answer:
    """The last lines of every container. One that has not started has none."""
    lines, tail = [], call.arguments.get("tail", TAIL)
    for pod, container in _containers(world, _agent(world, call)):
        lines += [line async for line in _lines(world, pod, container, tail, follow=False)]
    return Answer(lines)


async def follow(world: World, call: Call) -> AsyncIterator[bytes]:
    """Lines as they are written, of the pods there are and of those that come; ends once the agent is gone."""
    key = _agent(world, call)
    queue: Queue = asyncio.Queue(WAITING_LINES)
    tail = call.arguments.get("tail", TAIL)
    watching = asyncio.create_task(_watch_pods(world, key, tail, queue), name="logs")
    try:
        while (line := await queue.get()) is not None:
            if isinstance(line, KgentsError):
                raise line
            yield line
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch_pods(world: World, key: Key, tail: int | None, queue: Queue) -> None:
    """Reads each start of each container once: what runs at the beginning from its last lines on, the others whole."""
    begun: set[str] = set()
    try:
        async with asyncio.TaskGroup() as readers:
            while key in world.mirror.informers["agents"].store:
                for pod, container in _containers(world, key):
                    if _starts(pod, container, begun):
                        readers.create_task(_read(world, pod, container, tail, queue))
                tail = None
                await asyncio.sleep(LOOK)
        await queue.put(None)
    except* KgentsError as group:
        await queue.put(_first(group))


def _starts(pod: Object, container: str, begun: set[str]) -> bool:
    """Whether the container has started in a way that nobody reads yet; noted as read from now on."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    found = {str(one.get("containerID") or "") for one in statuses if one.get("name") == container}
    new = found - begun - {""}
    begun |= new
    return bool(new)


async def _read(world: World, pod: Object, container: str, tail: int | None, queue: Queue) -> None:
    async for line in _lines(world, pod, container, tail, follow=True):
        await queue.put(line)


def _first(group: BaseExceptionGroup[KgentsError]) -> KgentsError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _agent(world: World, call: Call) -> Key:
    """Raises NotFound when there is no such agent, Unreachable when nobody knows."""
    world.mirror.require(AGENT, POD)
    return world.locate("agents", call.namespace, call.names["agent"], call.scope.logs & call.scope.pods)


def _containers(world: World, key: Key) -> list[tuple[Object, str]]:
    pods = sorted(world.mirror.pods_of(*key), key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    return [(pod, one["name"]) for pod in pods for one in (pod.get("spec") or {}).get("containers") or []]


async def _lines(world: World, pod: Object, container: str, tail: int | None, *, follow: bool) -> AsyncIterator[bytes]:
    metadata = pod["metadata"]
    source = world.api.logs(
        metadata["name"], metadata["namespace"], container=container, follow=follow, tail_lines=tail
    )
    try:
        async for line in source:
            row = {"pod": metadata["name"], "container": container, "line": redact.redact_text(line)}
            yield orjson.dumps(row)
    except ApiError as error:
        if error.status not in (400, 404):  # not started yet, or gone already: it has nothing to say
            raise
