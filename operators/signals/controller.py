"""Which logs are followed by which rules, and what becomes of a line that matches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from kgents.api import adopting, times
from kgents.api.errors import KgentsError
from kgents.api.kinds import PHEROMONE
from kgents.kube.errors import AlreadyExists
from kgents.kube.queue import Controller
from operators import state
from operators.agent.paths import CONTAINER
from operators.signals.follow import Follower, container_status
from operators.signals.rules import Memory, Rule, RuleSet, Source, compile_rules
from operators.world import Key, World

log = logging.getLogger(__name__)

ANNOTATION = "kgents.io/signals"
MANAGER = "kgents-signals"
TELL_AFTER = 5.0
"""Seconds after which a count that changed is shown in the agent's status: under a flood, one write in that time."""


class Signals:
    """Keeps a follower for each pod of each agent that has rules."""

    def __init__(self, world: World, tell: Callable[[Key, float], None]) -> None:
        self._world = world
        self._tell = tell
        self._rules: dict[Key, tuple[Any, str, RuleSet]] = {}
        self._followers: dict[Key, dict[str, Follower]] = {}
        self._controller: Controller[Key] = Controller("signals", self._reconcile, 2)
        world.on_agent.append(self._controller.enqueue)
        world.on_pod.append(self._pod_changed)

    async def __aenter__(self) -> Signals:
        await self._controller.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._controller.__aexit__(kind, error, trace)
        for key in list(self._followers):
            await self._stop(key, keep=set())

    def _pod_changed(self, key: Key, pod: dict[str, Any]) -> None:
        follower = self._followers.get(key, {}).get(pod["metadata"]["uid"])
        if follower is not None:
            follower.changed(pod)

    async def _reconcile(self, key: Key) -> float | None:
        agent = self._world.agents.get(key)
        if agent is None or not agent["spec"].get("signals"):
            await self._stop(key, keep=set())
            self._rules.pop(key, None)
            self._world.suppressed.pop(key, None)
            return None
        config_map = state.home(self._world, key)
        if config_map is None:
            return None
        kept = state.read(config_map, ANNOTATION)
        rules = self._rule_set(key, agent, kept)
        container = self._container(key, agent)
        pods = {pod["metadata"]["uid"]: pod for pod in self._world.pods_of(key) if container_status(pod, container)}
        running = self._followers.get(key, {})
        same = {uid for uid in pods if uid in running and running[uid].container == container}
        await self._stop(key, keep=same if rules.rules else set())
        followers = self._followers.setdefault(key, {})
        for uid, pod in pods.items():
            if rules.rules and uid not in followers:
                cursor = times.parse(kept.get("cursors", {}).get(uid)) or _begun(agent, pod)
                cursor = (cursor or self._world.clock()) - (0 if cursor else 1)
                followers[uid] = self._follower(key, pod, cursor, container)
                followers[uid].start()
        return None

    def _container(self, key: Key, agent: dict[str, Any]) -> str:
        """Whose words are the agent's; "" for nobody's: while an adopted workload is not seen, or is paused."""
        if not agent["spec"].get("workloadRef"):
            return CONTAINER
        body = self._world.body(key)
        if body is None or body.workload is None or agent["spec"].get("suspend"):
            return ""
        return adopting.container_of(body.workload, body.ref)

    def _rule_set(self, key: Key, agent: dict[str, Any], kept: dict[str, Any]) -> RuleSet:
        uid, spec = agent["metadata"]["uid"], agent["spec"]
        wanted = [spec["signals"], (spec.get("umwelt") or {}).get("senses")]
        known = self._rules.get(key)
        if known is not None and known[1] == uid:
            if known[0] != wanted:
                known[2].rules = compile_rules(spec)
                self._rules[key] = (wanted, uid, known[2])
            return known[2]
        made = RuleSet(compile_rules(spec), suppressed=int(kept.get("suppressed", 0)))
        made.memory = {id: Memory(times.parse(at)) for id, at in kept.get("rules", {}).items()}
        self._world.suppressed[key] = made.suppressed
        self._rules[key] = (wanted, uid, made)
        return made

    def _follower(self, key: Key, pod: dict[str, Any], cursor: float, container: str) -> Follower:
        metadata = pod["metadata"]

        async def handle(at: float, line: str) -> None:
            agent, known = self._world.agents.get(key), self._rules.get(key)
            if agent is None or known is None:
                return
            source = Source(key[1], agent["metadata"]["uid"], key[0], metadata["name"], metadata["uid"])
            before = known[2].suppressed
            for rule, made in known[2].match(source, at, line, self._world.clock()):
                await self._emit(key, known[2], rule, made, at, metadata["uid"])
            if known[2].suppressed != before:
                self._world.suppressed[key] = known[2].suppressed
                self._tell(key, TELL_AFTER)

        return Follower(self._world.api, pod, cursor, handle, self._world.clock, container)

    async def _emit(self, key: Key, rules: RuleSet, rule: Rule, made: dict[str, Any], at: float, pod: str) -> None:
        try:
            await self._world.api.create(PHEROMONE, made)
        except AlreadyExists:
            log.debug("%s was said before a restart", made["metadata"]["name"])
        rules.said(rule, at)
        await self._keep(key, rules, {pod: at})

    async def _keep(self, key: Key, rules: RuleSet, moved: dict[str, float]) -> None:
        """How far each log is read, so that nothing is said twice after a restart. One write per pheromone."""
        config_map = state.home(self._world, key)
        if config_map is None:
            return
        cursors = {uid: follower.cursor for uid, follower in self._followers.get(key, {}).items()} | moved
        kept = {
            "cursors": {uid: times.to_micro_text(cursor) for uid, cursor in cursors.items()},
            "rules": {id: times.to_micro_text(memory.at) for id, memory in rules.memory.items() if memory.at},
            "suppressed": rules.suppressed,
        }
        try:
            await state.write(self._world, config_map, MANAGER, ANNOTATION, kept, {})
        except KgentsError as error:
            log.warning("how far the log of %s/%s is read was not kept: %s", *key, error)

    async def _stop(self, key: Key, keep: set[str]) -> None:
        followers = self._followers.get(key, {})
        for uid in [uid for uid in followers if uid not in keep]:
            await followers.pop(uid).stop()
        if not followers:
            self._followers.pop(key, None)


def _begun(agent: dict[str, Any], pod: dict[str, Any]) -> float | None:
    """From when on a log that nobody has read is read: what an adopted one said before it was adopted is past."""
    begun = times.parse(pod["metadata"].get("creationTimestamp"))
    if begun is None or not agent["spec"].get("workloadRef"):
        return begun
    return max(begun, times.parse(agent["metadata"].get("creationTimestamp")) or begun)
