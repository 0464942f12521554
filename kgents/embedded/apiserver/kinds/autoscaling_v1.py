"""HorizontalPodAutoscalers of autoscaling/v1: those of v2, of which only the CPU target has a field of its own.

What v1 has no field for stands in annotations, as Kubernetes keeps it (pkg/apis/autoscaling/v1/conversion.go).
"""

from __future__ import annotations

from typing import Any

import orjson

from kgents.embedded.apiserver.kinds.scaling import AutoscalerStrategy
from kgents.embedded.apiserver.strategy import Write
from kgents.embedded.schema.causes import Cause

Object = dict[str, Any]
API_VERSION = "autoscaling/v1"
PREFIX = "autoscaling.alpha.kubernetes.io/"
KEPT = {"metrics": ("spec", "metrics"), "behavior": ("spec", "behavior"), "conditions": ("status", "conditions")}
CPU = "targetCPUUtilizationPercentage"


def _is_cpu(metric: Object) -> bool:
    resource = metric.get("resource") or {}
    return resource.get("name") == "cpu" and (resource.get("target") or {}).get("averageUtilization") is not None


def shown(obj: Object) -> Object:
    """A v2 object as v1 shows it."""
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    meta = dict(obj["metadata"])
    metrics = list(spec.pop("metrics", None) or ())
    cpu = next((one for one in metrics if _is_cpu(one)), None)
    if cpu is not None:
        spec[CPU] = cpu["resource"]["target"]["averageUtilization"]
        metrics.remove(cpu)
    rest = {"metrics": metrics, "behavior": spec.pop("behavior", None), "conditions": status.pop("conditions", None)}
    kept = {PREFIX + name: orjson.dumps(value).decode() for name, value in rest.items() if value}
    if kept:
        meta["annotations"] = {**(meta.get("annotations") or {}), **kept}
    status.pop("currentMetrics", None)
    status.setdefault("currentReplicas", 0)
    return {"kind": obj["kind"], "apiVersion": API_VERSION, "metadata": meta, "spec": spec, "status": status}


def stored(obj: Object) -> Object:
    """A v1 object as v2 keeps it."""
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    meta, annotations = dict(obj["metadata"]), dict((obj["metadata"].get("annotations")) or {})
    parts = {"spec": spec, "status": status}
    for name, (part, field) in KEPT.items():
        text = annotations.pop(PREFIX + name, None)
        if text:
            parts[part][field] = _parsed(text)
    percent = spec.pop(CPU, None)
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        own = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
        spec["metrics"] = [own, *(spec.get("metrics") or ())]
    if annotations:
        meta["annotations"] = annotations
    else:
        meta.pop("annotations", None)
    status.pop("currentCPUUtilizationPercentage", None)
    return {"kind": obj["kind"], "apiVersion": "autoscaling/v2", "metadata": meta, **parts}


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # Kubernetes ignores an annotation that somebody broke.
        return None


class AutoscalerV1Strategy(AutoscalerStrategy):
    """The same rules; the CPU target is filled in where nothing else is measured."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("minReplicas", 1)
        if spec.get(CPU) is None and PREFIX + "metrics" not in (obj["metadata"].get("annotations") or {}):
            spec[CPU] = 80

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {"currentReplicas": 0, "desiredReplicas": 0}

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return super().validate(stored(obj), write)
