"""What the operators know of the hive: agents and pheromones as kopf tells of them, their children as informers do.

kopf's events are hints that end here: handlers put the object into this mirror and wake the queues that care. A
deletion that happens while kopf's watch is down is told by nobody, so each new list is audited against the mirror.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgents.api import pheromone, times
from kgents.api.kinds import CONFIG_MAP, HIVE_NAMESPACE, MEMORY, POD, UMWELT, Kind
from kgents.api.operations.brakes import FREEZE, state
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer
from operators.agent import meta
from operators.agent.adoption import Adoptions, Body
from operators.agent.children import KINDS
from operators.agent.sidecar import Program

Object = dict[str, Any]
Key = tuple[str, str]
"""(namespace, name)."""
Clock = Callable[[], float]
"""Seconds since 1970."""


LONGEST_CLAIM = 3600.0
"""Seconds, as the policy kgents-status has it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is kept of a pheromone: enough for its decay, for who senses it and for its end."""

    uid: str
    type: str
    target: str
    decay: pheromone.Decay
    claimed_until: float | None = None
    source: str = ""
    done: bool = False
    """Whether the work that it was has been done."""


@dataclass
class World:
    """The mirror, and who wants to hear of changes. All of it belongs to one event loop."""

    api: KubeClient
    clock: Clock = time.time
    images_needed: bool = False
    """Pods run on nodes that know nothing of this machine's programs."""
    may_act: Callable[[], bool] = lambda: True
    """Whether this process still leads. Asked before what no API server would refuse to one that does not."""
    memory: Program | None = None
    """How memory sidecars are run; None: not at all."""
    agents: dict[Key, Object] = field(default_factory=dict)
    traces: dict[str, dict[str, Trace]] = field(default_factory=dict)
    """Pheromones by namespace and name."""
    informers: dict[str, Informer] = field(default_factory=dict)
    on_agent: list[Callable[[Key], None]] = field(default_factory=list)
    on_pod: list[Callable[[Key, Object], None]] = field(default_factory=list)
    """Of an agent's pods; the key is the agent's."""
    on_trace: list[Callable[[Key, Trace | None], None]] = field(default_factory=list)
    suppressed: dict[Key, int] = field(default_factory=dict)
    """Matches of signal rules that became no pheromone, by agent."""
    measured: dict[Key, Object] = field(default_factory=dict)
    """What the sidecars of an agent's memory said last, together."""
    refused: dict[Key, int] = field(default_factory=dict)
    """Writes of an agent's that T-gent has refused, by agent, with those that its status tells of earlier."""
    paused: dict[Key, str] = field(default_factory=dict)
    """Who has paused an agent, and why, by agent."""
    reactions: dict[Key, list[Object]] = field(default_factory=dict)
    """`status.reactions`, by agent."""

    adoptions: Adoptions | None = None
    """The workloads that agents adopt."""

    _pods: dict[Key, dict[str, Object]] = field(default_factory=dict)

    def watch_children(self) -> None:
        """Make the informers; `start` begins."""
        self.adoptions = Adoptions(self.api, self.agents, self._tell_agent, self._pod_seen)
        for kind in (*KINDS, POD):
            # Memories and umwelts are made by hand, too.
            ours = None if kind in (MEMORY, UMWELT) else f"{meta.MANAGED_BY_LABEL}={meta.MANAGED_BY}"
            informer = Informer(self.api, kind, label_selector=ours)
            informer.on_change(self._pod_changed if kind is POD else self._child_changed)
            self.informers[kind.kind] = informer
        brakes = Informer(self.api, CONFIG_MAP, HIVE_NAMESPACE, field_selector=f"metadata.name={FREEZE}")
        brakes.on_change(self._brakes_changed)
        self.informers[FREEZE] = brakes

    def pods_of(self, key: Key) -> list[Object]:
        """The agent's pods, in the order of their names."""
        if self.is_adopted(key):
            body = self.body(key)
            return list(body.pods) if body else []
        return sorted(self._pods.get(key, {}).values(), key=lambda pod: str(pod["metadata"]["name"]))

    def is_adopted(self, key: Key) -> bool:
        """Whether the agent adopts a workload."""
        agent = self.agents.get(key)
        return agent is not None and bool(agent["spec"].get("workloadRef"))

    def body(self, key: Key) -> Body | None:
        """What is seen of the workload that the agent adopts, once it has been seen."""
        return self.adoptions.body(key) if self.adoptions else None

    def child(self, kind: Kind, key: Key) -> Object | None:
        return self.informers[kind.kind].get(*key)

    def put_agent(self, agent: Mapping[str, Any]) -> None:
        metadata = agent["metadata"]
        key = (metadata["namespace"], metadata["name"])
        known = self.agents.get(key)
        if known is not None and not _is_newer(metadata, known["metadata"]):
            return
        kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        self.agents[key] = {**agent, "metadata": kept}
        self._agent_changed(key)

    def drop_agent(self, key: Key, uid: str) -> None:
        """The agent of that uid is gone; one that has its name by now stays."""
        known = self.agents.get(key)
        if known is not None and known["metadata"]["uid"] == uid:
            del self.agents[key]
            self.refused.pop(key, None)
        self._agent_changed(key)

    def put_pheromone(self, obj: Mapping[str, Any]) -> None:
        metadata, spec = obj["metadata"], obj.get("spec") or {}
        status = obj.get("status") or {}
        until, done = times.parse(status.get("claimedUntil")), bool(status.get("doneAt"))
        # By our own clock: a claim of an hour that begins in ten years is a claim for ten years.
        claimed = None if until is None else min(until, self.clock() + LONGEST_CLAIM)
        source, target, type = (str(spec.get(field) or "") for field in ("source", "target", "type"))
        trace = Trace(metadata["uid"], type, target, pheromone.decay_of(obj), claimed, source, done)
        key = (metadata["namespace"], metadata["name"])
        here = self.traces.setdefault(key[0], {})
        if here.get(key[1]) != trace:
            here[key[1]] = trace
            self._tell_trace(key, trace)

    def drop_pheromone(self, key: Key, uid: str) -> None:
        here = self.traces.get(key[0], {})
        if key[1] in here and here[key[1]].uid == uid:
            del here[key[1]]
            if not here:
                del self.traces[key[0]]
            self._tell_trace(key, None)

    def refuse(self, key: Key) -> int:
        """Count a refused write of that agent. Returns how many there are by now; `tell_agent` when it is time."""
        known = (self.agents.get(key) or {}).get("status") or {}
        self.refused[key] = self.refused.get(key, int(known.get("refusedWrites") or 0)) + 1
        return self.refused[key]

    def tell_agent(self, key: Key) -> None:
        """Something about that agent has changed."""
        self._tell_agent(key)

    def _brakes_changed(self, event: str, obj: Object) -> None:
        told = state({} if event == "DELETED" else obj)["paused"]
        before, self.paused = self.paused, {(one["namespace"], one["name"]): one["why"] for one in told}
        for key in before.keys() ^ self.paused.keys():
            self._tell_agent(key)

    def _agent_changed(self, key: Key) -> None:
        if self.adoptions is not None:
            self.adoptions.agent_changed(key)
        self._tell_agent(key)

    def _tell_agent(self, key: Key) -> None:
        for listener in self.on_agent:
            listener(key)

    def _tell_trace(self, key: Key, trace: Trace | None) -> None:
        for listener in self.on_trace:
            listener(key, trace)

    def _child_changed(self, event: str, obj: Object) -> None:
        key = meta.agent_of(obj)
        if key is None and obj.get("kind", "") in ("Memory", "Umwelt"):
            key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        if key is not None:
            self._tell_agent(key)

    def _pod_changed(self, event: str, pod: Object) -> None:
        key, uid = meta.agent_of(pod), pod["metadata"]["uid"]
        if key is not None and event == "DELETED":
            self._pods.get(key, {}).pop(uid, None)
            if not self._pods.get(key):
                self._pods.pop(key, None)
        elif key is not None:
            self._pods.setdefault(key, {})[uid] = pod
        if key is not None:
            self._pod_seen(key, pod)
        self._child_changed(event, pod)

    def _pod_seen(self, key: Key, pod: Object) -> None:
        for listener in self.on_pod:
            listener(key, pod)


def _is_newer(new: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """What we wrote is in the mirror before its event comes, and events of older versions may come between."""
    if new["uid"] != known["uid"]:
        return True
    after, before = str(new["resourceVersion"]), str(known["resourceVersion"])
    return int(after) > int(before) if after.isdecimal() and before.isdecimal() else after != before
