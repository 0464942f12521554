"""ReplicationControllers and HorizontalPodAutoscalers: kept as Kubernetes keeps them, though nobody acts on them."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.pods import default_spec, validate_spec
from kgents.embedded.apiserver.strategy import GenerationStrategy, Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid, required

Object = dict[str, Any]
MISMATCH = "`selector` does not match template `labels`"


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
        if spec["replicas"] < 0:
            causes.append(invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
        return causes + validate_spec(spec["template"]["spec"], "spec.template.spec")

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
