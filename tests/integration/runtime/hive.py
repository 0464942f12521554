"""A real process runtime for the tests: started, killed and started again, with pods made directly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.stopping import stop_pods
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

Object = dict[str, Any]


@dataclass
class Node:
    """One runtime on its own root, with a namespace for its pods."""

    kubectl: Kubectl
    root: Path
    cidr: str
    namespace: str
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    made: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Starts the runtime."""
        command = [*self.prefix, sys.executable, "-P", "-m", "kgents.embedded.runtime"]
        command += ["--kubeconfig", str(self.kubectl.kubeconfig), "--root", str(self.root), "--pod-cidr", self.cidr]
        command += ["--node-name", f"node-{self.namespace}", *self.options]
        self.root.mkdir(exist_ok=True, parents=True)
        with (self.root / "runtime.log").open("a") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, "SECRET_OF_HOST": "x"})

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Ends the runtime, and only it."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(30)

    def close(self) -> None:
        """Ends the runtime and all that it started."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        stop_pods(self.root)
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def run(self, script: str = "", name: str = "", **more: Any) -> str:
        """Makes a pod of one shell container (or of `spec`); keywords are fields of the container. Returns its name."""
        name = name or f"p{uuid.uuid4().hex[:6]}"
        spec = more.pop("spec", {})
        container = {"name": "main", "image": "none", **({"command": ["sh", "-c", script]} if script else {}), **more}
        full = {
            "automountServiceAccountToken": False,
            "nodeName": f"node-{self.namespace}",
            "containers": [container],
            **spec,
        }
        labels = {"name": name, "namespace": self.namespace, "labels": {"app": name[:63]}}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": labels, "spec": full})
        return name

    def apply(self, obj: Object) -> None:
        """Creates or changes an object in the namespace."""
        obj["metadata"].setdefault("namespace", self.namespace)
        self.kubectl("apply", "-f", "-", input=json.dumps(obj))

    def config_map(self, name: str, **data: str) -> None:
        """Makes or changes a ConfigMap."""
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})

    def pod(self, name: str) -> Object:
        """The pod as the API has it; {} when it is gone."""
        done = self.kubectl.run("get", "pod", name, "-n", self.namespace, "--ignore-not-found", "-o", "json")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def until(self, name: str, look: Callable[[Object], Any]) -> Any:
        """The first truthy `look(pod)`."""

        def attempt() -> Any:
            pod = self.pod(name)
            try:
                found = look(pod)
            except (KeyError, IndexError):
                found = None
            assert found, json.dumps(pod.get("status"), indent=1) + self.log_of(name)[-2000:]
            return found

        return eventually(attempt)

    def ready(self, name: str) -> Object:
        """The pod, once it is Ready."""
        return self._pod_when(name, lambda pod: condition(pod, "Ready") == "True")

    def phase(self, name: str, phase: str) -> Object:
        """The pod, once it has that phase."""
        return self._pod_when(name, lambda pod: pod["status"]["phase"] == phase)

    def _pod_when(self, name: str, true: Callable[[Object], bool]) -> Object:
        return dict(self.until(name, lambda pod: pod if true(pod) else None))

    def gone(self, name: str) -> bool:
        """True once the object is no more."""
        return eventually(lambda: not self.pod(name))

    def delete(self, name: str, *options: str) -> None:
        """Asks for the end of a pod; does not wait."""
        self.kubectl("delete", "pod", name, "-n", self.namespace, "--wait=false", *options)

    def folder(self, name: str) -> Path:
        """The pod's folder."""
        return self.root / "pods" / str(self.pod(name)["metadata"]["uid"])

    def log_of(self, name: str, container: str = "main") -> str:
        """What all attempts of the container printed, without the times."""
        uid = self.pod(name).get("metadata", {}).get("uid", "none")
        parts = sorted(
            (self.root / "pods" / uid / "containers" / container).glob("*/log"), key=lambda p: int(p.parent.name)
        )
        lines = [line.split(" ", 3)[3] for part in parts for line in part.read_text(errors="replace").splitlines()]
        return "\n".join(lines)

    def said(self, name: str, text: str, container: str = "main") -> str:
        """The log, once `text` is in it."""

        def look() -> str:
            log = self.log_of(name, container)
            assert text in log, log[-2000:] + json.dumps(self.pod(name).get("status"))
            return log

        return eventually(look)

    def events(self, name: str) -> str:
        """`reason message` of each Event about the pod."""
        found = self.kubectl.json(
            "get", "events", "-n", self.namespace, "--field-selector", f"involvedObject.name={name}"
        )
        return "\n".join(f"{one['reason']} {one['message']}" for one in found["items"])


def condition(pod: Object, kind: str) -> str:
    """The status of a condition, "" when there is none."""
    return next((c["status"] for c in pod.get("status", {}).get("conditions", []) if c["type"] == kind), "")


def container(pod: Object, name: str = "main") -> Object:
    """The status of one container."""
    statuses = [*pod["status"]["containerStatuses"], *pod["status"].get("initContainerStatuses", [])]
    return next(one for one in statuses if one["name"] == name)


def waiting(pod: Object, name: str = "main") -> str:
    """Why a container waits, "" when it does not."""
    return str(container(pod, name)["state"].get("waiting", {}).get("reason", ""))


def pid_of(pod: Object, name: str = "main") -> int:
    """The process of a running container."""
    return int(container(pod, name)["containerID"].removeprefix("process://"))


def alive(pid: int) -> bool:
    """Whether a process runs (and is not merely waiting to be reaped)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def outside(pid: int, number: int) -> int:
    """The number that this machine knows a process by that `pid`, in its space of processes, knows as `number`."""
    space = os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()[1:]
            if int(numbers[-1]) == number and os.readlink(status.with_name("ns") / "pid") == space:  # noqa: PTH115
                return int(numbers[0])
        except OSError:
            continue  # it ended meanwhile
    raise AssertionError(f"no process {number} beside {pid}")
