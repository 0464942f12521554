"""Deployments and their like, Jobs and CronJobs: defaults, and selectors that stay as they are."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.kinds.job_checks import (
    PREFIX,
    UID,
    check_cron_job,
    check_job,
    check_job_change,
    own_labels,
)
from kgents.embedded.apiserver.kinds.pods import default_spec
from kgents.embedded.apiserver.kinds.workload_checks import (
    check_budget,
    check_daemons,
    check_deployment,
    check_replicas,
    check_stateful,
)
from kgents.embedded.apiserver.names import dns_label
from kgents.embedded.apiserver.strategy import GenerationStrategy, Write, without
from kgents.embedded.schema.causes import Cause, forbidden, invalid

Object = dict[str, Any]


STATEFUL_UPDATES = (
    *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
    *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
)
STATEFUL_FORBIDDEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


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
        return check_replicas(obj["spec"])

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        if write.subresource == "status":
            return []
        return self.validate(new, write) + self.check_change(new["spec"], old["spec"])

    def check_change(self, new: Object, old: Object) -> list[Cause]:
        """What of the spec may not change."""
        same = new.get("selector") == old.get("selector")
        return [] if same else [invalid("spec.selector", new.get("selector"), "field is immutable")]


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

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return super().validate(obj, write) + check_deployment(obj["spec"])

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

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return check_stateful(obj["spec"])

    def check_change(self, new: Object, old: Object) -> list[Cause]:
        same = without(new, *STATEFUL_UPDATES) == without(old, *STATEFUL_UPDATES)
        return [] if same else [forbidden("spec", STATEFUL_FORBIDDEN)]


class DaemonSetStrategy(WorkloadStrategy):
    """One pod a node."""

    def default_own(self, spec: Object) -> None:
        spec.setdefault("revisionHistoryLimit", 10)
        _default_update(spec, {"maxUnavailable": 1, "maxSurge": 0})

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return check_daemons(obj["spec"])


class BudgetStrategy(GenerationStrategy):
    """How many pods may be taken away at a time."""

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return check_budget(obj.get("spec") or {})

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return [] if write.subresource == "status" else self.validate(new, write)


class JobStrategy(GenerationStrategy):
    """Runs to completion. The selector is the server's own."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_job(spec)
        _label(obj)

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {}
        spec = obj["spec"]
        if spec.get("manualSelector"):
            return
        template = spec["template"].setdefault("metadata", {})
        # What the client says itself stays; where it contradicts, validation refuses it.
        template["labels"] = {**own_labels(obj), **(template.get("labels") or {})}
        selector = spec["selector"] = spec.get("selector") or {}
        uid = {f"{PREFIX}{UID}": obj["metadata"]["uid"]}
        selector["matchLabels"] = {**uid, **(selector.get("matchLabels") or {})}
        _label(obj)

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource != "status" and "status" in old:
            new["status"] = old["status"]

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        causes = check_job(obj)
        last = f"{obj['metadata'].get('name', '')}-{(obj['spec'].get('completions') or 0) - 1}"
        if obj["spec"]["completionMode"] == "Indexed" and obj["spec"].get("completions") and dns_label(last):
            text = f"will not able to create pod with invalid DNS label: {last}"
            causes.append(invalid("metadata.name", obj["metadata"].get("name", ""), text))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return [] if write.subresource == "status" else check_job(new) + check_job_change(new, old)


def _label(job: Object) -> None:
    # A Job without labels is labelled as its pods are.
    labels = job["spec"]["template"]["metadata"].get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


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

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return check_cron_job(obj, None)

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return [] if write.subresource == "status" else check_cron_job(new, old)
