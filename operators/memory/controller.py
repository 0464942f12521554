"""Looks now and then at what each memory says of itself, and has its status told when that has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from kgents.api import times
from kgents.api.kinds import MEMORY
from kgents.kube.queue import Controller
from operators.agent.pods import container_state, is_leaving
from operators.agent.sidecar import NAME
from operators.memory import measure
from operators.world import Key, World

LOOK_EVERY = 15.0
FIRST_LOOK = 2.0
"""Seconds after a change: what a sidecar says comes in a moment."""
ACCESS_STEP = 60.0
"""Seconds by which the last access has to be later to be worth a write by itself."""

Object = dict[str, Any]


class Memories:
    """Keeps `world.measured`. `tell` has the status of an agent's memory written."""

    def __init__(self, world: World, tell: Callable[[Key], None]) -> None:
        self._world, self._tell = world, tell
        self._looked_after: set[Key] = set()
        self._controller: Controller[Key] = Controller("memory", self._look, 2)
        world.on_agent.append(self._changed)

    async def __aenter__(self) -> Memories:
        await self._controller.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._controller.__aexit__(kind, error, trace)

    def _changed(self, key: Key) -> None:
        if key not in self._looked_after and self._world.child(MEMORY, key) is not None:
            self._looked_after.add(key)
            self._controller.enqueue(key, FIRST_LOOK)

    async def _look(self, key: Key) -> float | None:
        memory = self._world.child(MEMORY, key)
        if memory is None or key not in self._world.agents:
            self._looked_after.discard(key)
            self._world.measured.pop(key, None)
            return None
        running = [
            pod for pod in self._world.pods_of(key) if not is_leaving(pod) and "running" in container_state(pod, NAME)
        ]
        said = [one for pod in running if (one := await measure.read(self._world.api, pod)) is not None]
        shared = memory["spec"].get("type", "Ephemeral") != "Ephemeral"
        found = measure.together(said, shared=shared)
        known = self._world.measured.get(key)
        if found is None and shared and known is not None:
            return LOOK_EVERY  # nobody changes it while no pod runs
        if _differs(known, found):
            self._world.measured.pop(key, None)
            if found is not None:
                self._world.measured[key] = found
            self._tell(key)
        return LOOK_EVERY


def _differs(known: Mapping[str, Any] | None, found: Mapping[str, Any] | None) -> bool:
    if known is None or found is None:
        return known is not found
    before, after = times.parse(known.get("lastAccess")), times.parse(found.get("lastAccess"))
    if after is not None and (before is None or after - before >= ACCESS_STEP):
        return True
    return {**known, "lastAccess": None} != {**found, "lastAccess": None}
