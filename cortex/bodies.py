"""The pods behind agents: those that bear our label, and those of adopted workloads, which bear none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kgents.api import adopting
from kgents.api.kinds import AGENT_LABEL, POD
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer
from kgents.kube.sets import InformerSet

Key = tuple[str, str]
Object = Mapping[str, Any]


class Bodies:
    """Which pods are whose. `labelled` mirrors those that bear the label; adopted ones are followed one by one."""

    def __init__(self, api: KubeClient, labelled: Informer) -> None:
        self._labelled = labelled
        self._adopted: InformerSet[Key] = InformerSet(api, lambda key, event, pod: None)
        self._workloads: dict[Key, Object] = {}

    def agent_changed(self, key: Key, agent: Object | None) -> None:
        """Follow what it adopts, as its status says; None: it is gone."""
        ref = adopting.ref_of(agent) if agent else None
        workload = ((agent or {}).get("status") or {}).get("workload")
        if agent is None or ref is None or not isinstance(workload, Mapping) or not workload.get("uid"):
            self._adopted.leave(key)
            self._workloads.pop(key, None)
            return
        # Enough of it to tell its pods by who controls them.
        metadata = {"name": workload.get("name"), "uid": workload.get("uid")}
        self._workloads[key] = {"kind": workload.get("kind"), "metadata": metadata}
        if ref.kind == POD.kind:
            self._adopted.follow(key, POD, key[0], name=ref.name)
        else:
            self._adopted.follow(key, POD, key[0], labels=adopting.pods_selector(agent))

    async def stop(self) -> None:
        await self._adopted.stop()

    def all(self) -> Iterator[tuple[Key, Object]]:
        """Every pod of an agent's, with that agent's namespace and name."""
        for (namespace, _), pod in self._labelled.store.items():
            agent = str((pod["metadata"].get("labels") or {}).get(AGENT_LABEL, ""))
            if (namespace, agent) not in self._workloads:
                yield (namespace, agent), pod
        for key, informer in self._adopted:
            workload = self._workloads[key]
            yield from ((key, pod) for pod in informer.store.values() if adopting.owns(workload, pod))

    def of(self, key: Key) -> list[Object]:
        """The pods of one agent."""
        informer = self._adopted.get(key)
        if informer is not None:
            return [pod for pod in informer.store.values() if adopting.owns(self._workloads[key], pod)]
        if key in self._workloads:
            return []
        pods = self._labelled.store.items()
        return [
            pod
            for (namespace, _), pod in pods
            if namespace == key[0] and (pod["metadata"].get("labels") or {}).get(AGENT_LABEL) == key[1]
        ]
