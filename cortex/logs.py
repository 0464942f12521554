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
Object = Mapping[str, Any]


async def agents_witness(world: World, call: Call) -> Answer:
    """The last lines of every container. One that has not started has none."""
    lines = []
    for pod, container in _containers(world, call):
        lines += [line async for line in _lines(world, call, pod, container, follow=False)]
    return Answer(lines)


async def follow(world: World, call: Call) -> AsyncIterator[bytes]:
    """Lines as they are written, of the pods that are there now; ends when all of theirs have ended."""
    queue: asyncio.Queue[bytes | KgentsError | None] = asyncio.Queue(WAITING_LINES)

    async def read(pod: Object, container: str) -> None:
        try:
            async for line in _lines(world, call, pod, container, follow=True):
                await queue.put(line)
        except KgentsError as error:
            await queue.put(error)
        await queue.put(None)

    tasks = [asyncio.create_task(read(pod, container)) for pod, container in _containers(world, call)]
    running = len(tasks)
    try:
        while running:
            line = await queue.get()
            if isinstance(line, KgentsError):
                raise line
            if line is None:
                running -= 1
            else:
                yield line
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _containers(world: World, call: Call) -> list[tuple[Object, str]]:
    world.mirror.require(AGENT, POD)
    namespace, name = world.locate("agents", call.namespace, call.names["agent"])
    pods = sorted(world.mirror.pods_of(namespace, name), key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    return [(pod, one["name"]) for pod in pods for one in (pod.get("spec") or {}).get("containers") or []]


async def _lines(world: World, call: Call, pod: Object, container: str, *, follow: bool) -> AsyncIterator[bytes]:
    metadata = pod["metadata"]
    tail = call.arguments.get("tail", TAIL)
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
