"""ReplicationControllers and HorizontalPodAutoscalers: kept as Kubernetes keeps them, though nobody acts on them."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.container_checks import count
from kgents.embedded.apiserver.kinds.pod_checks import validate_lasting, validate_template
from kgents.embedded.apiserver.kinds.pods import default_spec
from kgents.embedded.apiserver.kinds.workload_checks import MISMATCH
from kgents.embedded.apiserver.strategy import GenerationStrategy, Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid, required

Object = dict[str, Any]


class ReplicationStrategy(GenerationStrategy):
    """What came before ReplicaSets; its selector is plain labels."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("replicas") is None:
            spec["replicas"] = 1
        template = spec.setdefault("template", {})
        labels = template.setdefault("metadata", {}).get("labels")
        if labels:
            spec["selector"] = spec.get("selector") or dict(labels)
            obj["metadata"].setdefault("labels", dict(labels))
        default_spec(template.setdefault("spec", {}))

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {"replicas": 0}

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        spec = obj["spec"]
        selector, labels = spec.get("selector"), spec["template"]["metadata"].get("labels") or {}
        causes = [] if selector else [required("spec.selector")]
        if selector and not selector.items() <= labels.items():
            causes.append(invalid("spec.template.metadata.labels", labels, MISMATCH))
        causes += count("spec", spec, "replicas", "minReadySeconds")
        causes += validate_template(spec["template"], "spec.template")
        return causes + validate_lasting(spec["template"], "spec.template", "ReplicationController")

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return [] if write.subresource == "status" else self.validate(new, write)


class AutoscalerStrategy(Strategy):
    """Says how many pods there should be."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("minReplicas", 1)
        if not spec.get("metrics"):
            target = {"type": "Utilization", "averageUtilization": 80}
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {"currentMetrics": None, "desiredReplicas": 0}

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        spec = obj["spec"]
        most, least = spec.get("maxReplicas", 0), spec["minReplicas"]
        causes = []
        if least < 1:
            causes.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
        if most < 1:
            causes.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
        if most < least:
            causes.append(invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
        target = spec.get("scaleTargetRef") or {}
        return causes + [required(f"spec.scaleTargetRef.{key}") for key in ("kind", "name") if not target.get(key)]

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return [] if write.subresource == "status" else self.validate(new, write)
