"""The objects that every client is asked to handle, as plain dictionaries."""

from __future__ import annotations

from typing import Any

from tests.e2e.clients.conftest import GROUP

Object = dict[str, Any]
WIDGET = f"{GROUP}/v1"


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def widget(name: str, **spec: Any) -> Object:
    return {"apiVersion": WIDGET, "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def pod_spec(script: str) -> Object:
    container = {"name": "main", "image": "busybox", "command": ["/bin/sh", "-c", script]}
    return {"containers": [container], "terminationGracePeriodSeconds": 1}


def pod(name: str, script: str = "exec sleep 1000") -> Object:
    spec = {**pod_spec(script), "restartPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def deployment(name: str, replicas: int = 1, script: str = "exec sleep 1000") -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(script)}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}
