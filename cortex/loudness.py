"""How many lines the agents' pods wrote in the last minute: counted in turn, a few pods at a time.

A cluster tells nobody how much a container writes; one can only read it. So that a large hive costs no more than a
small one, so many pods are asked in each round and no more, and a count that has grown old counts for nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cortex.activity import BUSY_LINES
from kgents.api.errors import KgentsError
from kgents.kube.client import KubeClient

Key = tuple[str, str]
Object = Mapping[str, Any]
MINUTE = 60
PODS_A_ROUND = 16
OLD = 120.0
"""Seconds after which a count says nothing of the last minute any more."""


class Loudness:
    """Lines a minute, by pod. `now` is in seconds since 1970."""

    def __init__(self, api: KubeClient, now: Callable[[], float]) -> None:
        self._api, self._now = api, now
        self._counted: dict[Key, tuple[float, int]] = {}

    def lines(self, pods: Sequence[Object]) -> int:
        """What these pods wrote in a minute, as far as it is known."""
        counts = [self._counted.get(_key(pod), (0.0, 0)) for pod in pods]
        return sum(count for at, count in counts if at > self._now() - OLD)

    async def count(self, pods: Mapping[Key, Object]) -> None:
        """One round: those whose count is the oldest, if it is older than a minute."""
        self._counted = {key: value for key, value in self._counted.items() if key in pods}
        due = [key for key in pods if self._counted.get(key, (0.0, 0))[0] <= self._now() - MINUTE]
        due.sort(key=lambda key: self._counted.get(key, (0.0, 0))[0])
        await asyncio.gather(*(self._count(pods[key]) for key in itertools.islice(due, PODS_A_ROUND)))

    async def _count(self, pod: Object) -> None:
        namespace, name = _key(pod)
        count = 0
        for container in (pod.get("spec") or {}).get("containers") or []:
            try:
                async for _ in self._api.logs(
                    name, namespace, container=container["name"], since_seconds=MINUTE, tail_lines=BUSY_LINES
                ):
                    count += 1
            except KgentsError:
                continue  # it has not started, or its node is away: nothing is known of it
        self._counted[(namespace, name)] = (self._now(), count)


def _key(pod: Object) -> Key:
    return str(pod["metadata"].get("namespace") or ""), str(pod["metadata"]["name"])
