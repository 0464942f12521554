"""What the pods use, as metrics.k8s.io objects, so that `kubectl top` and autoscalers see it.

Only while pods run, and only what has changed is written (or what is half a minute old). Where the API has no such
resources of its own to write to, as on a real cluster, nothing more is tried.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.kinds import NODE_METRICS, POD_METRICS, Kind
from kgents.embedded.runtime import usage
from kgents.embedded.runtime.logfolders import attempts
from kgents.embedded.runtime.node import memory
from kgents.embedded.runtime.stopping import read_json
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, ApiError, ObjectNotFound

Object = dict[str, Any]
Key = tuple[str, str]
log = logging.getLogger(__name__)
INTERVAL = 5.0
OLDEST = 30.0
"""Seconds after which metrics that have not changed are written again."""
LEAST_CPU, LEAST_MEMORY = 0.001, 256 * 1024
"""Smaller changes are none: a sleeping program costs no writes."""
NODE_KEY = ("", "")
_NOT_OURS = (403, 404, 405)


@dataclass(frozen=True, slots=True)
class Use:
    """Cores and bytes, and how many seconds `cores` is the average of."""

    cores: float
    memory: int
    window: float


@dataclass(slots=True)
class Meter:
    """Turns CPU times into cores: remembers the last reading of each tree by its root's identity."""

    last: dict[object, tuple[float, float]] = field(default_factory=dict)

    def read(self, identity: object, now: float, cpu: float, began: float) -> tuple[float, float]:
        """(cores, window). Without an earlier reading: since it began."""
        then, before = self.last.get(identity, (began, 0.0))
        self.last[identity] = (now, cpu)
        window = max(now - then, 0.001)
        return max(cpu - before, 0.0) / window, window

    def keep(self, identities: set[object]) -> None:
        """Forget all others."""
        self.last = {key: value for key, value in self.last.items() if key in identities}


class Metrics:
    """Measures the pods of one node and publishes what it finds. `pods` is a live view: (namespace, name) → pod."""

    def __init__(self, api: KubeClient, root: Path, node: str, pods: Mapping[Key, Object]) -> None:
        self.api, self.root, self.node, self.pods = api, root, node, pods
        self.meter = Meter()
        self.states: dict[Path, Object] = {}
        self.published: dict[Key, tuple[float, dict[str, Use]]] = {}
        self.cleaned = False

    async def look(self, now: float) -> None:
        """One round. Without pods the node's last numbers stand as they were. Raises KgentsError."""
        kept = {(uid, name): state for uid, name, state in self._running()}
        if not kept and self.published.keys() == {NODE_KEY}:
            return
        found = self._measure(kept, now)
        for key in [key for key in self.published if key not in found]:
            await self._remove(key)
        # The node comes first: whether its metrics can be written tells whether any are ours to write.
        for key, uses in sorted(found.items()):
            if self._differs(key, uses, now) and await self._publish(key, uses, now):
                self.published[key] = (now, uses)
        if kept and not self.cleaned:
            await self._clean()

    def _running(self) -> Iterator[tuple[str, str, Object]]:
        """(uid, container, state) of every container that runs here."""
        seen = set()
        for pod in self.pods.values():
            if pod["spec"].get("nodeName") != self.node:
                continue
            uid, spec = pod["metadata"]["uid"], pod["spec"]
            for one in (*(spec.get("initContainers") or ()), *spec["containers"]):
                folder = self.root / "pods" / uid / "containers" / one["name"]
                newest = attempts(folder)[-1:]
                path = folder / str(newest[0]) if newest else folder
                if not newest or (path / "exit.json").exists():
                    continue
                # Written once and never changed: reading it again would tell nothing new.
                state = self.states.get(path) or read_json(path / "state.json")
                if state is not None:
                    self.states[path] = state
                    seen.add(path)
                    yield uid, one["name"], state
        self.states = {path: state for path, state in self.states.items() if path in seen}

    def _measure(self, kept: dict[Key, Object], now: float) -> dict[Key, dict[str, Use]]:
        table = usage.processes()
        shims = {state["shim"]: state["shimStart"] for state in kept.values()}
        living = [pid for pid, started in shims.items() if pid in table and table[pid].started == started]
        trees = usage.of_trees(living, table)
        uses: dict[str, dict[str, Use]] = {}
        for (uid, name), state in kept.items():
            used = trees.get(state["shim"])
            if used is not None:
                identity = (state["shim"], state["shimStart"])
                cores, window = self.meter.read(identity, now, used.cpu, float(state["startedAt"]))
                uses.setdefault(uid, {})[name] = Use(cores, used.memory, window)
        total, available = memory()
        cores, window = self.meter.read(NODE_KEY, now, usage.machine_cpu(), now - time.monotonic())
        self.meter.keep({NODE_KEY, *shims.items()})
        found = {key: uses[pod["metadata"]["uid"]] for key, pod in self.pods.items() if pod["metadata"]["uid"] in uses}
        return {**found, NODE_KEY: {"": Use(cores, total - available, window)}}

    def _differs(self, key: Key, uses: dict[str, Use], now: float) -> bool:
        then, before = self.published.get(key, (0.0, {}))
        if now - then >= OLDEST or before.keys() != uses.keys():
            return True
        return any(
            abs(use.cores - before[name].cores) >= LEAST_CPU or abs(use.memory - before[name].memory) >= LEAST_MEMORY
            for name, use in uses.items()
        )

    async def _publish(self, key: Key, uses: dict[str, Use], now: float) -> bool:
        """Whether it was written."""
        head = {"timestamp": times.to_text(now), "window": f"{next(iter(uses.values())).window:.3f}s"}
        if key == NODE_KEY:
            await self._write(NODE_METRICS, {"metadata": {"name": self.node}, **head, "usage": quantities(uses[""])})
            return True
        pod = self.pods.get(key)
        if pod is None:
            return False  # It went while others were written; the next round removes what there is.
        meta = {"namespace": key[0], "name": key[1], "labels": pod["metadata"].get("labels") or {}}
        containers = [{"name": name, "usage": quantities(use)} for name, use in uses.items()]
        try:
            await self._write(POD_METRICS, {"metadata": meta, **head, "containers": containers})
        except ApiError as error:
            # Most likely its namespace is going: no reason to leave the others without.
            log.info("The metrics of pod %s/%s were not written: %s", *key, error)
            return False
        return True

    async def _write(self, kind: Kind, obj: Object) -> None:
        try:
            await self.api.replace(kind, obj)
        except ObjectNotFound:
            try:
                await self.api.create(kind, obj)
            except AlreadyExists:
                await self.api.replace(kind, obj)

    async def _remove(self, key: Key) -> None:
        await self.api.delete(POD_METRICS, key[1], key[0], missing_ok=True)
        self.published.pop(key, None)

    async def _clean(self) -> None:
        """Removes what an earlier runtime published of pods that are gone."""
        for item in (await self.api.list(POD_METRICS))["items"]:
            key = (item["metadata"]["namespace"], item["metadata"]["name"])
            if key not in self.pods:
                await self.api.delete(POD_METRICS, key[1], key[0], missing_ok=True)
        self.cleaned = True


def quantities(use: Use) -> dict[str, str]:
    """As metrics-server writes them."""
    return {"cpu": f"{round(use.cores * 1e9)}n", "memory": f"{use.memory // 1024}Ki"}


async def run(
    api: KubeClient,
    root: Path,
    node: str,
    pods: Mapping[Key, Object],
    stop: asyncio.Event,
    *,
    interval: float = INTERVAL,
) -> None:
    """Measure every `interval` seconds until `stop`, or until the API says that this is not ours to write."""
    metrics = Metrics(api, root, node, pods)
    while not stop.is_set():
        try:
            await metrics.look(time.time())
        except ApiError as error:
            if error.status in _NOT_OURS:
                log.info("Metrics are not written: %s", error)
                return
            log.warning("Metrics could not be written: %s", error)
        except KgentsError as error:
            log.warning("Metrics could not be written: %s", error)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval):
                await stop.wait()
