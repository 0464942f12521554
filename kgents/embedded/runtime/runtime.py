"""Binds the pods of a hive to this machine and keeps each one as its object says."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import shutil
import time
from pathlib import Path
from typing import Any

from kgents.api.kinds import NODE, POD
from kgents.embedded.runtime.pods import Object, Pod, remember
from kgents.embedded.runtime.stopping import read_json
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from kgents.kube.errors import AlreadyExists
from kgents.kube.informer import Informer
from kgents.kube.queue import Controller

Key = tuple[str, str]


class Runtime:
    """One node: this machine."""

    def __init__(self, api: KubeClient, root: Path, node: str, pod_cidr: str) -> None:
        self.api, self.root, self.node = api, root, node
        self.free = ipaddress.ip_network(pod_cidr).hosts()
        files = root.glob("pods/*/pod.json")
        self.addresses = {path.parent.name: str((read_json(path) or {}).get("ip")) for path in files}
        self.informer = Informer(api, POD)
        self.controller: Controller[Key] = Controller("pod", self.look, workers=8)

    def address(self, uid: str) -> str:
        if uid not in self.addresses:
            taken = set(self.addresses.values())
            self.addresses[uid] = next(str(ip) for ip in self.free if str(ip) not in taken)
        return self.addresses[uid]

    async def look(self, key: Key) -> float | None:
        pod = self.informer.get(*key)
        if pod is None:
            return None
        if not pod["spec"].get("nodeName"):
            return await self._bind(pod)
        if pod["spec"]["nodeName"] != self.node:
            return None
        uid = pod["metadata"]["uid"]
        folder = self.root / "pods" / uid
        remember(folder, self.address(uid), pod)
        keeper = Pod(self.api, folder, self.address(uid), self.node)
        again = await keeper.look(pod, time.time())
        if pod["metadata"].get("deletionTimestamp"):
            return None
        status = keeper.status(pod, time.time())
        old = pod.get("status") or {}
        if any(old.get(name) != value for name, value in status.items()):
            meta = pod["metadata"]
            patch = {"metadata": {"uid": uid}, "status": status}
            await self.api.patch(POD, meta["name"], patch, meta["namespace"], subresource="status")
        return again

    async def _bind(self, pod: Object) -> None:
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            return
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}}
        binding["target"] = {"apiVersion": "v1", "kind": "Node", "name": self.node}
        await self.api.create(POD, binding, meta["namespace"], subresource="binding", name=meta["name"])

    def forget(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        folder = self.root / "pods" / uid
        stop_pods_of(folder)
        self.addresses.pop(uid, None)
        shutil.rmtree(folder, ignore_errors=True)

    async def register(self, address: str) -> None:
        ready = {"type": "Ready", "status": "True", "reason": "RuntimeReady", "message": "the runtime is ready"}
        status = {"conditions": [ready], "addresses": [{"type": "InternalIP", "address": address}]}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.node}, "status": status}
        try:
            await self.api.create(NODE, node)
        except AlreadyExists:
            pass  # noqa: S110 - it is there, which is what was wanted
        await self.api.patch(NODE, self.node, {"status": status}, subresource="status")

    async def run(self, stop: asyncio.Event) -> None:
        self.informer.on_change(
            lambda event, pod: self.controller.enqueue((pod["metadata"]["namespace"], pod["metadata"]["name"]))
        )
        self.informer.on_deleted(self.forget)
        async with self.controller, self.informer:
            await stop.wait()


def stop_pods_of(folder: Path) -> None:
    """SIGKILL for the programs of one pod's folder."""
    import signal

    from kgents.embedded.runtime.stopping import send

    for path in folder.glob("containers/*/*/state.json"):
        send(path.parent, signal.SIGKILL)


async def run(
    config: ClusterConfig,
    *,
    root: Path,
    stop: asyncio.Event,
    node_name: str = "hive",
    pod_cidr: str = "127.77.16.0/20",
    kubelet_address: str = "127.77.0.2",
    pki: Path | None = None,
) -> None:
    """Run pods until `stop`. They live on afterwards."""
    async with KubeClient(config, user_agent="kgents-runtime") as api:
        runtime = Runtime(api, root, node_name, pod_cidr)
        await runtime.register(kubelet_address)
        await runtime.run(stop)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a process that runs pods."""
    parser.add_argument("--root", type=Path, required=True, help="the hive's folder: pods and volumes live below it")
    parser.add_argument("--pki", type=Path, help="the hive's keys, for the log endpoint")
    parser.add_argument("--node-name", default="hive")
    parser.add_argument("--pod-cidr", default="127.77.16.0/20", help="the addresses of pods")
    parser.add_argument("--kubelet-address", default="127.77.0.2", help="where the log endpoint listens")


def arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Those options as `run` takes them."""
    names = ("root", "pki", "node_name", "pod_cidr", "kubelet_address")
    return {name: getattr(options, name) for name in names}
