"""This machine as a Node: what it has, whether it is well, and a heartbeat that costs one small write in 40 seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kgents
from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.kinds import LEASE, NODE
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, ObjectNotFound

Object = dict[str, Any]
log = logging.getLogger(__name__)
LEASES = "kube-node-lease"
HEARTBEAT = 40.0
REPORT = 300.0
"""Seconds after which the conditions are written again though nothing has changed, as a kubelet does."""
PODS = 1000
LEAST_MEMORY = 100 * 1024 * 1024
LEAST_DISK = 0.05
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


async def register(
    api: KubeClient, name: str, address: str, port: int, annotations: Mapping[str, str | None] | None = None
) -> None:
    """Write the Node: new, or over what an earlier runtime said. Labels of others stay. Raises KgentsError.

    An annotation that is None is taken away.
    """
    annotations = annotations or {}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": architecture()}
    new = {key: text for key, text in annotations.items() if text is not None}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels, "annotations": new}}
    try:
        old = await api.create(NODE, node)
    except AlreadyExists:
        old = await api.patch(NODE, name, {"metadata": {"labels": labels, "annotations": dict(annotations)}})
    known = (old.get("status") or {}).get("conditions") or []
    status = {
        "capacity": resources(),
        "allocatable": resources(),
        "conditions": conditions(known, time.time()),
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "nodeInfo": info(),
    }
    await api.patch(NODE, name, {"status": status}, subresource="status")


async def beat(
    api: KubeClient, name: str, stop: asyncio.Event, *, every: float = HEARTBEAT, clock: Callable[[], float] = time.time
) -> None:
    """Renew the node's Lease until `stop`, and its conditions where they changed. Outlasts an absent API server."""
    written: Object = {}
    due = 0.0
    while not stop.is_set():
        now = clock()
        try:
            await _renew(api, name, now, every)
            found = {one["type"]: one["status"] for one in conditions([], now)}
            if found != written or now >= due:
                node = await api.get(NODE, name)
                fresh = conditions((node.get("status") or {}).get("conditions") or [], now)
                await api.patch(NODE, name, {"status": {"conditions": fresh}}, subresource="status")
                written, due = found, now + REPORT
        except KgentsError as error:
            log.warning("The node's heartbeat was not written: %s", error)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every):
                await stop.wait()


async def _renew(api: KubeClient, name: str, now: float, every: float) -> None:
    spec = {
        "holderIdentity": name,
        "leaseDurationSeconds": max(1, round(3 * every)),
        "renewTime": times.to_micro_text(now),
    }
    try:
        await api.patch(LEASE, name, {"spec": spec}, LEASES)
    except ObjectNotFound:
        await api.create(LEASE, {"metadata": {"name": name, "namespace": LEASES}, "spec": spec}, LEASES)


def resources() -> Object:
    """What the machine has, as quantities."""
    return {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{memory()[0] // 1024}Ki",
        "ephemeral-storage": f"{shutil.disk_usage('/').total // 1024}Ki",
        "pods": str(PODS),
    }


def memory() -> tuple[int, int]:
    """(total, available) in bytes."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    found = {line[0]: int(line[1]) * 1024 for line in lines}
    return found["MemTotal:"], found.get("MemAvailable:", found["MemFree:"])


def conditions(known: list[Object], now: float) -> list[Object]:
    """Whether this machine is well, now. One that stays as it was keeps its time of change."""
    disk = shutil.disk_usage("/")
    threads = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    most = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))
    pressures = (
        ("MemoryPressure", memory()[1] < LEAST_MEMORY, "InsufficientMemory", "SufficientMemory", "memory"),
        ("DiskPressure", disk.free < disk.total * LEAST_DISK, "DiskPressure", "NoDiskPressure", "disk space"),
        ("PIDPressure", threads > most * 0.9, "InsufficientPID", "SufficientPID", "process numbers"),
    )
    found = [
        _condition(kind, bad, f"KubeletHas{worse if bad else better}", f"{'little' if bad else 'enough'} {what} left")
        for kind, bad, worse, better, what in pressures
    ]
    found.append(_condition("Ready", True, "KubeletReady", "the runtime is ready"))
    old = {one["type"]: one for one in known}
    for one in found:
        before = old.get(one["type"], {})
        same = before.get("status") == one["status"] and "lastTransitionTime" in before
        one["lastHeartbeatTime"] = times.to_text(now)
        one["lastTransitionTime"] = before["lastTransitionTime"] if same else times.to_text(now)
    return found


def _condition(kind: str, true: bool, reason: str, message: str) -> Object:
    return {"type": kind, "status": "True" if true else "False", "reason": reason, "message": message}


def info() -> Object:
    """The software of this machine."""
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        system = ""
    return {
        "machineID": _line("/etc/machine-id"),
        "systemUUID": "",
        "bootID": _line("/proc/sys/kernel/random/boot_id"),
        "kernelVersion": platform.release(),
        "osImage": system or platform.system(),
        "containerRuntimeVersion": f"kgents://{kgents.__version__}",
        "kubeletVersion": "v1.36.0+kgents",
        "kubeProxyVersion": "",
        "operatingSystem": platform.system().lower(),
        "architecture": architecture(),
    }


def architecture() -> str:
    """This machine's, in the words of Kubernetes."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
