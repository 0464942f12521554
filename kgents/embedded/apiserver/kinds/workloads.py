"""Deployments and their like, Jobs and CronJobs: defaults, and selectors that stay as they are."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.pods import default_spec, validate_spec
from kgents.embedded.apiserver.strategy import GenerationStrategy, Write
from kgents.embedded.schema.causes import Cause, invalid, required

Object = dict[str, Any]


def matches(selector: Object, labels: Object) -> bool:
    """Whether a label selector's plain part picks these labels."""
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())


class WorkloadStrategy(GenerationStrategy):
    """What has a selector and a pod template."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        template = spec.setdefault("template", {})
        template.setdefault("metadata", {})
        default_spec(template.setdefault("spec", {}))
        self.default_own(spec)

    def default_own(self, spec: Object) -> None:
        """What the kind itself fills in."""
        if spec.get("replicas") is None:
            spec["replicas"] = 1

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {}

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource != "status" and "status" in old:
            new["status"] = old["status"]

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        spec = obj["spec"]
        causes = self._selector(spec)
        causes += validate_spec(spec["template"]["spec"], "spec.template.spec")
        replicas = spec.get("replicas")
        if isinstance(replicas, int) and replicas < 0:
            causes.append(invalid("spec.replicas", replicas, "must be greater than or equal to 0"))
        return causes

    def _selector(self, spec: Object) -> list[Cause]:
        selector = spec.get("selector")
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        if selector is None:
            mismatch = invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
            return [required("spec.selector"), mismatch]
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            return [invalid("spec.selector", selector, "empty selector is invalid for deployment")]
        if not matches(selector, labels):
            text = "`selector` does not match template `labels`"
            return [invalid("spec.template.metadata.labels", labels, text)]
        return []

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        if write.subresource == "status":
            return []
        causes = self.validate(new, write)
        if new["spec"].get("selector") != old["spec"].get("selector"):
            causes.append(invalid("spec.selector", new["spec"].get("selector"), "field is immutable"))
        return causes


class DeploymentStrategy(WorkloadStrategy):
    """Rolls from one ReplicaSet to the next. Its generation also counts annotations."""

    def default(self, obj: Object) -> None:
        super().default(obj)
        for condition in (obj.get("status") or {}).get("conditions") or []:
            for key in ("lastUpdateTime", "lastTransitionTime"):
                condition.setdefault(key, None)

    def default_own(self, spec: Object) -> None:
        super().default_own(spec)
        strategy = spec.setdefault("strategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    def changed(self, new: Object, old: Object) -> bool:
        annotations = new["metadata"].get("annotations") != old["metadata"].get("annotations")
        return annotations or super().changed(new, old)


def _default_update(spec: Object, rolling: Object) -> None:
    update = spec.setdefault("updateStrategy", {})
    if update.setdefault("type", "RollingUpdate") == "RollingUpdate":
        update["rollingUpdate"] = {**rolling, **(update.get("rollingUpdate") or {})}


class StatefulSetStrategy(WorkloadStrategy):
    """Pods with names that last."""

    def default_own(self, spec: Object) -> None:
        super().default_own(spec)
        spec.setdefault("podManagementPolicy", "OrderedReady")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("serviceName", "")
        _default_update(spec, {"partition": 0})
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        retention.setdefault("whenDeleted", "Retain")
        retention.setdefault("whenScaled", "Retain")
        for claim in spec.get("volumeClaimTemplates") or ():
            claim.update({"kind": "PersistentVolumeClaim", "apiVersion": "v1"})
            claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
            claim.setdefault("status", {"phase": "Pending"})


class DaemonSetStrategy(WorkloadStrategy):
    """One pod a node."""

    def default_own(self, spec: Object) -> None:
        spec.setdefault("revisionHistoryLimit", 10)
        _default_update(spec, {"maxUnavailable": 1, "maxSurge": 0})


class JobStrategy(GenerationStrategy):
    """Runs to completion. The selector is the server's own."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_job(spec)

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {}
        spec, uid = obj["spec"], obj["metadata"]["uid"]
        if spec.get("manualSelector"):
            return
        labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
        name = obj["metadata"].get("name", "")
        labels.update(
            {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name, "job-name": name}
        )
        labels["controller-uid"] = uid
        spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource != "status" and "status" in old:
            new["status"] = old["status"]

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return validate_spec(obj["spec"]["template"]["spec"], "spec.template.spec")


def default_job(spec: Object) -> None:
    """Fills in a Job's spec, also one inside a CronJob."""
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    default_spec(template.setdefault("spec", {}))
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    limit = 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6
    defaults = (("parallelism", 1), ("backoffLimit", limit), ("completionMode", "NonIndexed"))
    for key, value in (*defaults, ("suspend", False)):
        spec.setdefault(key, value)
    # https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")


class CronJobStrategy(GenerationStrategy):
    """Makes Jobs by the clock."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for key, value in (
            ("concurrencyPolicy", "Allow"),
            ("suspend", False),
            ("successfulJobsHistoryLimit", 3),
            ("failedJobsHistoryLimit", 1),
        ):
            spec.setdefault(key, value)
        default_job(spec.setdefault("jobTemplate", {}).setdefault("spec", {}))
        spec["jobTemplate"].setdefault("metadata", {})

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {}
