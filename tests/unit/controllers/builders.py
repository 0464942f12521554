"""Kubernetes objects as small as the loops need them."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
LABELS = {"app": "web"}


def deployment(replicas: int = 3, image: str = "one", **spec: Any) -> Object:
    template = {"metadata": {"labels": dict(LABELS)}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "metadata": {"name": "web", "namespace": "lab", "uid": "d-1", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": dict(LABELS)}, "template": template, **spec},
    }


def replica_set(replicas: int = 3, **spec: Any) -> Object:
    selector = {"matchLabels": dict(LABELS)}
    template = {"metadata": {"labels": dict(LABELS)}, "spec": {"containers": []}}
    return {
        "metadata": {"name": "web-1", "namespace": "lab", "uid": "rs-1", "generation": 1},
        "spec": {"replicas": replicas, "selector": selector, "template": template, **spec},
    }


def pod(
    name: str, *, ready: bool = True, owner: str = "rs-1", since: str = "2026-01-01T00:00:00Z", **more: Any
) -> Object:
    owners = [{"uid": owner, "kind": "ReplicaSet", "name": "web-1", "controller": True}] if owner else []
    ready_condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": since}
    return {
        "metadata": {
            "name": name,
            "namespace": "lab",
            "uid": f"uid-{name}",
            "labels": dict(LABELS),
            "ownerReferences": owners,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            **more.get("metadata", {}),
        },
        "spec": {"nodeName": "n", "containers": [], **more.get("spec", {})},
        "status": {"phase": "Running", "conditions": [ready_condition], **more.get("status", {})},
    }
