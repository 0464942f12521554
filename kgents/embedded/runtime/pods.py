"""One pod: starts its containers, watches them through their folders, and tells the API what became of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.kinds import CONFIG_MAP, POD
from kgents.embedded.runtime.launcher import shim
from kgents.embedded.runtime.stopping import is_alive, read_json, send
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

Object = dict[str, Any]
LOG_LIMIT = 10 * 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0


@dataclass
class Container:
    """What the folders say about one container. `attempt` is -1 before the first start."""

    attempt: int = -1
    state: Object = field(default_factory=dict)
    end: Object | None = None


class Pod:
    """`look` may be called at any time; it does what is due and returns seconds until the next look."""

    def __init__(self, api: KubeClient, folder: Path, address: str, node: str) -> None:
        self.api, self.folder, self.address, self.node = api, folder, address, node

    def container(self, name: str) -> Container:
        attempts = sorted(int(p.name) for p in (self.folder / "containers" / name).glob("[0-9]*"))
        if not attempts:
            return Container()
        path = self.path(name, attempts[-1])
        state, end = read_json(path / "state.json") or {}, read_json(path / "exit.json")
        if end is None and state and not is_alive(state["shim"], state["shimStart"]):
            end = read_json(path / "exit.json") or {"exitCode": 137, "signal": 9, "finishedAt": state["startedAt"]}
        return Container(attempts[-1], state, end)

    def path(self, name: str, attempt: int) -> Path:
        return self.folder / "containers" / name / str(attempt)

    async def look(self, pod: Object, now: float) -> float:
        specs = pod["spec"]["containers"]
        if pod["metadata"].get("deletionTimestamp"):
            return await self._end(pod, specs)
        for spec in specs:
            found = self.container(spec["name"])
            if found.attempt < 0 or (found.end and self._due(pod, found, now)):
                await self._start(pod, spec, found.attempt + 1)
        return 1.0

    def _due(self, pod: Object, found: Container, now: float) -> bool:
        policy = pod["spec"].get("restartPolicy", "Always")
        assert found.end is not None
        if policy == "Never" or (policy == "OnFailure" and found.end["exitCode"] == 0):
            return False
        pause = min(FIRST_PAUSE * 2 ** min(found.attempt, 10), LONGEST_PAUSE) if found.attempt else 0.0
        return now >= float(found.end["finishedAt"]) + pause

    async def _end(self, pod: Object, specs: list[Object]) -> float:
        grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
        folders = [self.path(spec["name"], self.container(spec["name"]).attempt) for spec in specs]
        number = signal.SIGTERM if grace else signal.SIGKILL
        deadline = asyncio.get_running_loop().time() + grace
        alive = [send(folder, number) for folder in folders]
        while any(alive) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.1)
            alive = [send(folder, 0) for folder in folders]
        for folder in folders:
            send(folder, signal.SIGKILL)
        meta = pod["metadata"]
        await self.api.delete(POD, meta["name"], meta["namespace"], uid=meta["uid"], grace_seconds=0, missing_ok=True)
        return 1.0

    async def _start(self, pod: Object, spec: Object, attempt: int) -> None:
        folder = self.path(spec["name"], attempt)
        staging = self.folder / "staging"
        for path in (folder, staging):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        argv = [*spec.get("command", []), *spec.get("args", [])] or [sys.executable]
        data = {
            "argv": argv,
            "env": self._environment(pod, spec),
            "cwd": spec.get("workingDir") or str(self.folder),
            "mounts": await self._mounts(pod, spec),
            "staging": str(staging),
            "logLimit": LOG_LIMIT,
        }
        shim.write_json(str(folder / "spec.json"), data)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", shim.__file__, str(folder)), stdin=asyncio.subprocess.DEVNULL, env={}
        )
        await process.wait()

    def _environment(self, pod: Object, spec: Object) -> dict[str, str]:
        ports = [str(port["containerPort"]) for port in spec.get("ports", [])]
        path = os.environ.get("PATH", os.defpath) + os.pathsep + str(Path(sys.executable).parent)
        basis = {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", "POD_IP": self.address}
        basis["HOSTNAME"] = pod["metadata"]["name"]
        return (
            basis
            | ({"PORT": ports[0]} if ports else {})
            | {entry["name"]: entry["value"] for entry in spec.get("env", []) if "value" in entry}
        )

    async def _mounts(self, pod: Object, spec: Object) -> list[Object]:
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        mounts = []
        for mount in spec.get("volumeMounts", []):
            source = await self._volume(pod, volumes[mount["name"]])
            if source is not None:
                source = source / mount.get("subPath", "")
                entry = {"source": str(source), "target": mount["mountPath"], "readOnly": bool(mount.get("readOnly"))}
                mounts.append(entry)
        return mounts

    async def _volume(self, pod: Object, volume: Object) -> Path | None:
        """The folder behind emptyDir, configMap and persistentVolumeClaim volumes; None for the others."""
        namespace = pod["metadata"]["namespace"]
        path = self.folder / "volumes" / volume["name"]
        if claim := volume.get("persistentVolumeClaim"):
            path = self.folder.parent.parent / "volumes" / namespace / claim["claimName"]
        elif "configMap" not in volume and "emptyDir" not in volume:
            return None
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if source := volume.get("configMap"):
            try:
                data = (await self.api.get(CONFIG_MAP, source["name"], namespace)).get("data") or {}
            except ObjectNotFound:
                if not source.get("optional"):
                    raise
                data = {}
            for name, text in data.items():
                (path / name).write_text(text)
        return path

    def status(self, pod: Object, now: float) -> Object:
        """The status as the containers' folders have it."""
        found = {spec["name"]: self.container(spec["name"]) for spec in pod["spec"]["containers"]}
        rows = [self._container_status(spec, found[spec["name"]]) for spec in pod["spec"]["containers"]]
        ready = all(row["ready"] for row in rows)
        restarts = pod["spec"].get("restartPolicy", "Always")
        phase = "Running" if any(one.state for one in found.values()) else "Pending"
        if all(one.end and not self._restarts(restarts, one) for one in found.values()):
            phase = "Failed" if any(one.end and one.end["exitCode"] for one in found.values()) else "Succeeded"
        old = {c["type"]: c for c in (pod.get("status") or {}).get("conditions", [])}
        conditions = []
        for kind, true in (("PodScheduled", True), ("Initialized", True), ("ContainersReady", ready), ("Ready", ready)):
            word = "True" if true else "False"
            same = old.get(kind, {}).get("status") == word
            since = old[kind]["lastTransitionTime"] if same else times.to_text(now)
            conditions.append({"type": kind, "status": word, "lastTransitionTime": since})
        began = (pod.get("status") or {}).get("startTime") or times.to_text(now)
        return {
            **{"phase": phase, "podIP": self.address, "podIPs": [{"ip": self.address}], "startTime": began},
            **{"conditions": conditions, "containerStatuses": rows},
        }

    def _restarts(self, policy: str, one: Container) -> bool:
        return policy == "Always" or (policy == "OnFailure" and bool(one.end and one.end["exitCode"]))

    def _container_status(self, spec: Object, one: Container) -> Object:
        state: Object = {"waiting": {"reason": "ContainerCreating"}}
        if one.end:
            code = one.end["exitCode"]
            state = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
            if "finishedAt" in one.end:
                state["terminated"]["finishedAt"] = times.to_text(one.end["finishedAt"])
            if "trouble" in one.end:
                state["terminated"] |= {"reason": "StartError", "message": ": ".join(one.end["trouble"])}
        elif one.state:
            state = {"running": {"startedAt": times.to_text(one.state["startedAt"])}}
        running = "running" in state
        return {
            **{"name": spec["name"], "image": spec.get("image", ""), "imageID": "", "ready": running},
            **{"started": running, "restartCount": max(0, one.attempt), "state": state, "lastState": {}},
        }


def remember(folder: Path, address: str, pod: Object) -> None:
    """Note whose folder this is, so that the address survives a restart."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    meta = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
    (folder / "pod.json").write_text(json.dumps({**meta, "ip": address}))
