"""The workloads that agents adopt, and their pods: watched from outside, one by one, and never written.

Nothing marks them as an agent's, so each is followed by its name and its own selector; what the selector matches
beside its own pods is told apart by who controls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import adopting
from kgents.api.adopting import Ref
from kgents.api.kinds import POD
from kgents.kube.client import KubeClient
from kgents.kube.sets import InformerSet
from operators.agent.phase import Blocker

Object = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Body:
    """What is seen of an adopted workload. `refusal`: why the agent does not have it; then it has no pods either.

    `foreign`: the names of pods that the selector matches and that are not the workload's own.
    """

    ref: Ref
    workload: Mapping[str, Any] | None = None
    pods: tuple[Object, ...] = ()
    foreign: tuple[str, ...] = ()
    refusal: Blocker | None = None


class Adoptions:
    """Follows what the `agents` adopt. `tell(key)`: something about that agent changed; `pod_seen(key, pod)`."""

    def __init__(
        self,
        api: KubeClient,
        agents: Mapping[Key, Object],
        tell: Callable[[Key], None],
        pod_seen: Callable[[Key, Object], None],
    ) -> None:
        self._agents, self._tell, self._pod_seen = agents, tell, pod_seen
        self._workloads: InformerSet[Key] = InformerSet(api, self._workload_changed)
        self._pods: InformerSet[Key] = InformerSet(api, self._pod_changed)
        self._refs: dict[Key, Ref] = {}

    def agent_changed(self, key: Key) -> None:
        """The agent is new, another, or gone."""
        agent = self._agents.get(key)
        ref, before = (adopting.ref_of(agent) if agent else None), self._refs.pop(key, None)
        if ref is None:
            self._workloads.leave(key)
            self._pods.leave(key)
        else:
            self._refs[key] = ref
            if before is not None and (before.kind, before.name) != (ref.kind, ref.name):
                self._pods.leave(key)
            self._workloads.follow(key, adopting.KINDS[ref.kind], key[0], name=ref.name)
        for left in {ref, before} - {None} if before != ref else ():
            for other in self._rivals(key, left):
                self._tell(other)

    async def stop(self) -> None:
        await self._workloads.stop()
        await self._pods.stop()

    def body(self, key: Key) -> Body | None:
        """What the agent is; None as long as it has not been seen, and for an agent that adopts nothing."""
        ref, workloads, agent = self._refs.get(key), self._workloads.get(key), self._agents.get(key)
        if ref is None or workloads is None or agent is None or not workloads.synced.is_set():
            return None
        found = workloads.get(key[0], ref.name)
        workload = None if found is None else {**found, "kind": ref.kind}  # items of a list do not say their kind
        refusal = self._refusal(key, agent, ref, workload)
        if workload is None or refusal is not None:
            return Body(ref, workload, refusal=refusal)
        pods = self._pods.get(key)
        if pods is None or not pods.synced.is_set():
            return None
        seen = sorted(pods.store.values(), key=lambda pod: str(pod["metadata"]["name"]))
        own = tuple(pod for pod in seen if adopting.owns(workload, pod))
        foreign = tuple(str(pod["metadata"]["name"]) for pod in seen if not adopting.owns(workload, pod))
        return Body(ref, workload, own, foreign)

    def _workload_changed(self, key: Key, event: str, workload: Object) -> None:
        ref = self._refs.get(key)
        if ref is None:
            return
        if event in ("ADDED", "MODIFIED"):
            selector = adopting.selector_of(workload)
            if selector or ref.kind == POD.kind:
                self._pods.follow(key, POD, key[0], labels=selector, name="" if selector else ref.name)
        elif event == "DELETED":
            self._pods.leave(key)
        self._tell(key)

    def _pod_changed(self, key: Key, event: str, pod: Object) -> None:
        if event != "SYNCED":
            self._pod_seen(key, pod)
        self._tell(key)

    def _rivals(self, key: Key, ref: Ref | None) -> list[Key]:
        if ref is None:
            return []
        same = (key[0], ref.kind, ref.name)
        return [other for other, one in self._refs.items() if other != key and (other[0], one.kind, one.name) == same]

    def _refusal(self, key: Key, agent: Object, ref: Ref, workload: Mapping[str, Any] | None) -> Blocker | None:
        others = [self._agents[other] for other in self._rivals(key, ref) if other in self._agents]
        first = min(others, key=adopting.came_first, default=None)
        if first is not None and adopting.came_first(first) < adopting.came_first(agent):
            name = first["metadata"]["name"]
            why = f"{ref.text} is adopted by the agent {name} already: release one of the two (kgents release)"
            return Blocker("AlreadyAdopted", why)
        if workload is None:
            why = f"there is no {ref.kind} {ref.name} in {key[0]}: it was deleted, or has another name by now; "
            return Blocker("WorkloadMissing", f"{why}release the agent, or adopt the other (kgents release {key[1]})")
        if ref.uid and workload["metadata"].get("uid") != ref.uid:
            why = f"{ref.text} is another one than was adopted: it was deleted and made anew. If it is meant, adopt it "
            return Blocker("WorkloadReplaced", f"{why}again: kgents adopt {ref.kind.lower()}/{ref.name} --as {key[1]}")
        if maker := adopting.maker_of(workload):
            return Blocker("MadeByKgents", f"{ref.text} is a part of the agent {maker}: look after that one instead")
        return None
