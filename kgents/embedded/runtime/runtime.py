"""A node whose pods are local processes: binds the hive's pods to this machine and keeps each as its object says.

A plain client of the API. Pods outlive it: what runs is found again by a new runtime (`pods.Pod`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import ipaddress
import json
import logging
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kgents.api.errors import KgentsError
from kgents.api.kinds import POD
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.runtime import claims, isolation, kubelet, metrics, node
from kgents.embedded.runtime.pods import Machine, Pod, remove
from kgents.embedded.runtime.services import ServiceProxy
from kgents.embedded.runtime.sources import Sources, mentions
from kgents.embedded.runtime.stopping import read_json
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import Conflict
from kgents.kube.informer import Informer
from kgents.kube.queue import Controller

Object = Mapping[str, Any]
Key = tuple[str, str]
log = logging.getLogger(__name__)


class Addresses:
    """One address of the pod net for each pod, kept in the pods' folders so that it survives a restart."""

    def __init__(self, root: Path, cidr: str) -> None:
        self._hosts = [str(host) for host in ipaddress.ip_network(cidr).hosts()]
        self._known = frozenset(self._hosts)
        self._next = 0
        known = ((path.parent.name, read_json(path)) for path in root.glob("pods/*/pod.json"))
        self._taken = {uid: str(noted["ip"]) for uid, noted in known if noted and noted.get("ip")}

    def of(self, uid: str, told: str = "") -> str | None:
        """The pod's address; None when the net is exhausted. Freed ones come round last.

        `told` is what its status says, for a pod whose folder has lost it.
        """
        if uid in self._taken:
            return self._taken[uid]
        taken = set(self._taken.values())
        if told in self._known and told not in taken:
            self._taken[uid] = told
            return told
        for step in range(len(self._hosts)):
            place = (self._next + step) % len(self._hosts)
            if self._hosts[place] not in taken:
                self._next = place + 1
                self._taken[uid] = self._hosts[place]
                return self._hosts[place]
        return None

    def free(self, uid: str) -> None:
        self._taken.pop(uid, None)


class Runtime:
    """All pods of one node."""

    def __init__(self, machine: Machine, node: str, pod_cidr: str) -> None:
        self.machine, self.node = machine, node
        self.addresses = Addresses(machine.root, pod_cidr)
        self.pods: dict[str, Pod] = {}
        self._farewells: set[asyncio.Task[None]] = set()
        self.informer = Informer(machine.api, POD)
        self.controller: Controller[Key] = Controller("pod", self._look, workers=8)

    async def run(self, stop: asyncio.Event) -> None:
        sources = self.machine.sources
        self.informer.on_change(lambda _event, pod: self.controller.enqueue(_key(pod)))
        self.informer.on_deleted(self._gone)
        sources.config_maps.on_change(lambda _event, obj: self._source_changed("configmaps", obj))
        sources.claims.on_deleted(lambda claim: self._sweep_claims([_key(claim)]))
        sources.secrets.on_change(lambda _event, obj: self._source_changed("secrets", obj))
        async with contextlib.AsyncExitStack() as stack:
            for informer in (*sources.informers, self.informer):
                await stack.enter_async_context(informer)
            for informer in (*sources.informers, self.informer):
                if not await _either(informer.synced, stop):
                    return
            self._sweep()
            self._sweep_claims()
            await stack.enter_async_context(self.controller)
            await stop.wait()
        await asyncio.gather(*self._farewells)
        for pod in self.pods.values():
            await pod.close()

    def _sweep(self) -> None:
        """Ends what is left of pods that were deleted while no runtime lived."""
        known = {pod["metadata"]["uid"] for pod in self.informer.store.values()}
        for folder in (self.machine.root / "pods").glob("*"):
            if folder.name not in known:
                self.addresses.free(folder.name)
                self._dismiss(asyncio.to_thread(remove, folder))

    def _source_changed(self, resource: str, obj: Object) -> None:
        meta = obj["metadata"]
        for (namespace, name), pod in self.informer.store.items():
            if namespace == meta["namespace"] and mentions(pod, resource, meta["name"]):
                self.controller.enqueue((namespace, name))

    async def _look(self, key: Key) -> float | None:
        pod = self.informer.get(*key)
        if pod is None or pod["spec"].get("nodeName") not in (None, "", self.node):
            return None
        if not pod["spec"].get("nodeName"):
            await self._bind(pod)
            return None
        over = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if over and not pod["metadata"].get("deletionTimestamp"):
            return None
        uid = pod["metadata"]["uid"]
        address = self.addresses.of(uid, (pod.get("status") or {}).get("podIP", ""))
        if address is None:
            await self.machine.events.record(POD, pod, "NoAddress", "the hive's pod net is used up", warning=True)
            return 10.0
        keeper = self.pods.get(uid)
        if keeper is None:
            keeper = self.pods[uid] = Pod(self.machine, uid, address, partial(self.controller.enqueue, key))
            _remember(keeper.folder, address, pod)
        again = await keeper.look(pod)
        if not pod["metadata"].get("deletionTimestamp"):
            await self._report(keeper, pod)
        return again

    async def _report(self, keeper: Pod, pod: Object) -> None:
        status = keeper.status(pod, time.time())
        old = pod.get("status") or {}
        if all(old.get(name) == value for name, value in status.items()):
            return
        meta = pod["metadata"]
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self.machine.api.patch(POD, meta["name"], patch, meta["namespace"], subresource="status")

    async def _bind(self, pod: Object) -> None:
        """The hive has one node and no scheduler: a pod is bound here unless it says that it is not for us."""
        meta = pod["metadata"]
        if meta.get("deletionTimestamp") or not is_ours_to_bind(pod, self.node):
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": self.node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
        with contextlib.suppress(Conflict):  # bound meanwhile: the watch brings it along
            await self.machine.api.create(POD, binding, meta["namespace"], subresource="binding", name=meta["name"])

    def _gone(self, pod: Object) -> None:
        """The object is gone: whatever still runs must not outlive it."""
        uid = pod["metadata"]["uid"]
        self.addresses.free(uid)
        self.machine.sources.forget(uid)
        keeper = self.pods.pop(uid, None)
        if keeper is not None:
            self._dismiss(keeper.dismiss())
        self._sweep_claims((pod["metadata"]["namespace"], name) for name in claims.names(pod))

    def _sweep_claims(self, suspects: Iterable[Key] = ()) -> None:
        found = self.machine.sources.claims.store
        if gone := claims.sweep(self.machine.claims, suspects, found, self.informer.store.values()):
            self._dismiss(asyncio.to_thread(claims.remove, gone))

    def _dismiss(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


def _remember(folder: Path, address: str, pod: Object) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    meta = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
    scratch = folder / ".pod.json"
    scratch.write_text(json.dumps({**meta, "ip": address}))
    scratch.rename(folder / "pod.json")


def is_ours_to_bind(pod: Object, node: str) -> bool:
    """Whether a pod waits for a node, and this one may be it: no gates, no scheduler of its own, no other node."""
    spec = pod["spec"]
    if spec.get("schedulingGates") or spec.get("schedulerName") not in (None, "", "default-scheduler"):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or ()
    named = [wish["values"] for term in terms for wish in term.get("matchFields") or () if wish.get("operator") == "In"]
    return not named or any(node in values for values in named)


def _key(pod: Object) -> Key:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


async def _either(event: asyncio.Event, stop: asyncio.Event) -> bool:
    """Waits for `event`; False when `stop` came first."""
    waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(stop.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return event.is_set()


async def run(
    config: ClusterConfig,
    *,
    root: Path,
    stop: asyncio.Event,
    node_name: str = "hive",
    pod_cidr: str = "127.77.16.0/20",
    kubelet_address: str = "127.77.0.2",
    pki: Path | None = None,
    first_pause: float = 10.0,
    keep: Sequence[Path] = (),
) -> None:
    """Runs pods until `stop`. They live on afterwards. No pod reaches what is in `keep`, nor the hive's own folder."""
    with _alone(root):
        await _run(config, root, stop, node_name, pod_cidr, kubelet_address, pki, first_pause, keep)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Two runtimes on one folder would run each container twice."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / "runtime.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            why = "another runtime already keeps the pods of this folder"
            raise KgentsError(f"No second runtime on {root}", why=why, fix="stop that one first") from error
        yield


async def _run(
    config: ClusterConfig,
    root: Path,
    stop: asyncio.Event,
    node_name: str,
    pod_cidr: str,
    kubelet_address: str,
    pki: Path | None,
    first_pause: float,
    keep: Sequence[Path],
) -> None:
    async with KubeClient(config, user_agent="kgents-runtime") as api:
        server = urlsplit(config.server)
        endpoint = (server.hostname or "127.0.0.1", server.port or 443)
        means = await isolation.explore(root)
        isolation.report(means, root)
        fence = isolation.fence(means, root, keep)
        proxy = ServiceProxy(api, root)
        events = Recorder(api, "kgents-runtime")
        machine = Machine(api, root, Sources(api), events, endpoint, fence, first_pause, proxy.departed)
        await node.register(api, node_name, kubelet_address, kubelet.PORT, isolation.node_annotations(means))
        runtime = Runtime(machine, node_name, pod_cidr)
        async with proxy, asyncio.TaskGroup() as tasks:
            tasks.create_task(node.beat(api, node_name, stop))
            tasks.create_task(metrics.run(api, root, node_name, runtime.informer.store, stop))
            if pki is not None:
                tasks.create_task(kubelet.serve(root, pki, kubelet_address, find=runtime.informer.get, stop=stop))
            await runtime.run(stop)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a process that runs pods."""
    parser.add_argument("--root", type=Path, required=True, help="the hive's folder: pods and volumes live below it")
    parser.add_argument("--pki", type=Path, help="the hive's keys, for the log endpoint")
    parser.add_argument("--keep", type=Path, action="append", default=[], help="a file or folder that no pod may reach")
    parser.add_argument("--node-name", default="hive")
    parser.add_argument("--pod-cidr", default="127.77.16.0/20", help="the addresses of pods")
    parser.add_argument("--kubelet-address", default="127.77.0.2", help="where the log endpoint listens")
    parser.add_argument("--first-pause", type=float, default=10.0, help="seconds of the first back-off; it doubles")


def arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Those options, and --kubeconfig, as `run` takes them."""
    names = ("root", "pki", "node_name", "pod_cidr", "kubelet_address", "first_pause")
    secret = [path for path in (options.kubeconfig, options.pki, *options.keep) if path]
    return {"keep": list(map(Path, secret)), **{name: getattr(options, name) for name in names}}
