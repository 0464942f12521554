"""Finds the folders of pods and of their containers' attempts, and says in the kubelet's words why there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.runtime.stopping import is_alive, read_json

Object = dict[str, Any]
Find = Callable[[str, str], Object | None]
"""(namespace, name) → the pod as the API has it."""


class NoLog(KgentsError):
    """There is no such log (now). `status` is the HTTP status, the text is what a kubelet says."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


def attempts(container: Path) -> list[int]:
    """The numbers of a container's attempts, oldest first."""
    try:
        return sorted(int(path.name) for path in container.iterdir() if path.name.isdecimal())
    except (FileNotFoundError, NotADirectoryError):
        return []


def log_folder(root: Path, namespace: str, name: str, container: str, *, previous: bool, find: Find) -> Path:
    """The folder of the newest attempt of a container, or of the one before. Raises NoLog."""
    if not _is_name(container):
        raise NoLog(404, f'container "{container}" not found in pod "{name}"')
    pod = find(namespace, name)
    folder = _pod_folder(root, namespace, name, pod)
    if folder is None and pod is None:
        raise NoLog(404, f'pod "{namespace}/{name}" does not exist')
    if pod is not None and container not in _containers(pod):
        raise NoLog(404, f'container "{container}" not found in pod "{name}"')
    path = (folder or root) / "containers" / container
    numbers = attempts(path) if folder else []
    if previous and len(numbers) < 2:
        raise NoLog(400, f'previous terminated container "{container}" in pod "{name}" not found')
    if not numbers:
        reason = _waiting(pod or {}, container)
        raise NoLog(400, f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    return path / str(numbers[-2] if previous else numbers[-1])


def has_ended(attempt: Path) -> bool:
    """Whether nothing more will be written to this attempt's log."""
    if (attempt / "exit.json").exists() or not attempt.is_dir():
        return True
    state = read_json(attempt / "state.json")
    if state is not None:
        return not is_alive(state.get("shim"), state.get("shimStart"))
    return attempts(attempt.parent)[-1:] != [int(attempt.name)]


def _is_name(text: str) -> bool:
    return bool(text) and "/" not in text and text not in (".", "..")


def _pod_folder(root: Path, namespace: str, name: str, pod: Object | None) -> Path | None:
    if pod is not None:
        folder = root / "pods" / pod["metadata"]["uid"]
        return folder if folder.is_dir() else None
    found = []
    for path in root.glob("pods/*/pod.json"):
        meta = read_json(path) or {}
        if (meta.get("namespace"), meta.get("name")) == (namespace, name):
            found.append(path)
    # An older pod of that name may still be on its way out.
    return max(found, key=lambda path: path.stat().st_mtime).parent if found else None


def _containers(pod: Object) -> set[str]:
    spec = pod["spec"]
    return {one["name"] for key in ("containers", "initContainers") for one in spec.get(key) or ()}


def _waiting(pod: Object, container: str) -> str:
    status = pod.get("status") or {}
    for key in ("containerStatuses", "initContainerStatuses"):
        for one in status.get(key) or ():
            waiting = (one.get("state") or {}).get("waiting") or {}
            if one["name"] == container and waiting.get("reason"):
                return str(waiting["reason"])
    first = any(one["name"] == container for one in (pod.get("spec") or {}).get("containers") or ())
    return "PodInitializing" if first and pod["spec"].get("initContainers") else "ContainerCreating"
