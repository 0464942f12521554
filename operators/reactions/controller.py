"""Watches the strength of pheromones for each agent with reactions, and tells its pods at each crossing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import aiohttp

from kgents.kube.queue import Controller
from operators import state
from operators.agent.paths import reaction_key
from operators.agent.pods import is_leaving, is_ready
from operators.reactions import deliver, strength
from operators.world import Key, Trace, World

ANNOTATION = "kgents.io/reactions"
MANAGER = "kgents-reactions"
EARLIEST = 0.002
RETRY_POST = 10.0

Object = dict[str, Any]


class Reactions:
    """Level-based: what was told is kept with the agent, so a restart tells nothing twice and forgets nothing."""

    def __init__(self, world: World, tell: Callable[[Key], None]) -> None:
        self._world = world
        self._tell = tell
        self._session: aiohttp.ClientSession | None = None
        self._controller: Controller[Key] = Controller("reactions", self._reconcile, 4)
        self._kept: dict[Key, tuple[str, Object]] = {}
        """By agent: the uid of the ConfigMap, and what stands there under ANNOTATION."""
        self._listening: dict[str, dict[Key, set[str]]] = {}
        """By namespace: the agents with reactions, and the types that they react to."""
        world.on_agent.append(self._agent_changed)
        world.on_trace.append(self._trace_changed)

    async def __aenter__(self) -> Reactions:
        self._session = aiohttp.ClientSession()
        await self._controller.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._controller.__aexit__(kind, error, trace)
        if self._session is not None:
            await self._session.close()

    def _agent_changed(self, key: Key) -> None:
        agent = self._world.agents.get(key)
        types = {reaction["type"] for reaction in agent["spec"].get("reactions") or ()} if agent else set()
        here = self._listening.setdefault(key[0], {})
        if types:
            here[key] = types
        elif here.pop(key, None) is None:
            return  # It has never listened to anything.
        self._controller.enqueue(key)

    def _trace_changed(self, key: Key, trace: Trace | None) -> None:
        for agent_key, types in self._listening.get(key[0], {}).items():
            if trace is None or trace.type in types:
                self._controller.enqueue(agent_key)

    async def _reconcile(self, key: Key) -> float | None:
        agent = self._world.agents.get(key)
        wanted = agent["spec"].get("reactions") if agent else None
        if agent is None or not wanted:
            self._world.reactions.pop(key, None)
            self._kept.pop(key, None)
            return None
        config_map = state.home(self._world, key)
        if config_map is None:
            return None  # Its coming is an event.
        if self._world.is_adopted(key) and (agent["spec"].get("suspend") or self._world.body(key) is None):
            # Paused, its pods run on and are told nothing; on resumption they are told what holds then. Not seen yet,
            # they would be taken for gone, and be told again what they know.
            return None
        kept = self._recall(key, config_map)
        now = self._world.clock()
        fresh, crossings = self._looks(agent, key, wanted, kept, now)
        files = {
            reaction_key(reaction["then"]["file"]): json.dumps(_told(fresh[strength.identity(reaction)])) + "\n"
            for reaction in wanted
            if "file" in reaction["then"]
        }
        await state.write(self._world, config_map, MANAGER, ANNOTATION, fresh, files)
        self._kept[key] = (config_map["metadata"]["uid"], fresh)
        self._show(key, wanted, fresh)
        undelivered = await self._deliver(agent, key, wanted, fresh)
        if undelivered is not None:
            await state.write(self._world, config_map, MANAGER, ANNOTATION, fresh, files)
        looks = [max(EARLIEST, moment - self._world.clock()) for moment in crossings]
        looks += [RETRY_POST] if undelivered else []
        return min(looks, default=None)

    def _recall(self, key: Key, config_map: Object) -> Object:
        """What was told. The mirror may not show the last write yet, so memory goes first."""
        uid, fresh = self._kept.get(key, ("", {}))
        return fresh if uid == config_map["metadata"]["uid"] else state.read(config_map, ANNOTATION)

    def _looks(
        self, agent: Object, key: Key, wanted: list[Object], kept: Object, now: float
    ) -> tuple[dict[str, Object], list[float]]:
        senses = (agent["spec"].get("umwelt") or {}).get("senses", {}).get("sense")
        traces = dict(self._world.traces.get(key[0], {}))
        fresh: dict[str, Object] = {}
        crossings = []
        for reaction in wanted:
            id = strength.identity(reaction)
            sensed = strength.sensed(traces, reaction["type"], key[1], senses)
            seen = strength.look([one.decay for one in sensed.values()], float(reaction["minIntensity"]), now)
            before = kept.get(id) if isinstance(kept.get(id), dict) else None
            causes = strength.causes(sensed, key[0], now) if seen.active else []
            told = strength.told(reaction, seen, before, now, causes)
            same = before is not None and before.get("since") == told["since"]
            fresh[id] = {**told, "delivered": list(before.get("delivered", ())) if before and same else []}
            if seen.crosses is not None:
                crossings.append(seen.crosses)
        return fresh, crossings

    def _show(self, key: Key, wanted: list[Object], fresh: Mapping[str, Object]) -> None:
        shown = []
        for reaction in wanted:
            told = fresh[strength.identity(reaction)]
            entry = {"type": reaction["type"], "minIntensity": reaction["minIntensity"], "active": told["active"]}
            shown.append({**entry, "since": told["since"]})
        if self._world.reactions.get(key) != shown:
            self._world.reactions[key] = shown
            self._tell(key)

    async def _deliver(self, agent: Object, key: Key, wanted: list[Object], fresh: dict[str, Object]) -> bool | None:
        """POST what each ready pod was not told yet. None: there was nothing to tell; True: not all took it."""
        pods = [pod for pod in self._world.pods_of(key) if is_ready(pod) and not is_leaving(pod)]
        posts, places = [], []
        assert self._session is not None
        for reaction in wanted:
            http, told = reaction["then"].get("http"), fresh[strength.identity(reaction)]
            if http is None:
                continue
            there = {pod["metadata"]["uid"] for pod in pods}
            told["delivered"] = [uid for uid in told["delivered"] if uid in there]
            for pod in pods:
                url = deliver.address(pod, http, agent["spec"].get("ports") or [])
                if url is not None and pod["metadata"]["uid"] not in told["delivered"]:
                    posts.append(deliver.post(self._session, url, _told(told), self._world.may_act))
                    places.append((told, pod["metadata"]["uid"]))
        if not posts:
            return None
        results = await asyncio.gather(*posts)
        for (told, uid), taken in zip(places, results, strict=True):
            if taken:
                told["delivered"].append(uid)
        return not all(results)


def _told(entry: Mapping[str, Any]) -> Object:
    return {field: entry[field] for field in strength.FIELDS if field in entry}
