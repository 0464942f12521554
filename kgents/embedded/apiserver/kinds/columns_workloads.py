"""Columns of what runs pods, and of what keeps an eye on their number."""

from __future__ import annotations

from kgents.embedded.apiserver.kinds import cells, cells_groups
from kgents.embedded.apiserver.kinds.column import AGE, Column, at, col, wide
from kgents.embedded.apiserver.kinds.columns_core import CONTAINERS

PODS_READY = "Number of the pod with ready state"

WORKLOADS: dict[str, tuple[Column, ...]] = {
    "deployments.apps": (
        col("Ready", cells.ready_of, PODS_READY),
        col("Up-to-date", cells.count("updatedReplicas"), "@apps.v1.DeploymentStatus.updatedReplicas"),
        col("Available", cells.count("availableReplicas"), "@apps.v1.DeploymentStatus.availableReplicas"),
        AGE,
        *CONTAINERS,
        wide("Selector", lambda o: cells.selector_text(at(o, "spec.selector")), "@apps.v1.DeploymentSpec.selector"),
    ),
    "replicasets.apps": (
        col("Desired", lambda o: at(o, "spec.replicas", 0), "@apps.v1.ReplicaSetSpec.replicas", "integer"),
        col("Current", cells.count("replicas"), "@apps.v1.ReplicaSetStatus.replicas", "integer"),
        col("Ready", cells.count("readyReplicas"), "@apps.v1.ReplicaSetStatus.readyReplicas", "integer"),
        AGE,
        *CONTAINERS,
        wide("Selector", cells.selector, "@apps.v1.ReplicaSetSpec.selector"),
    ),
    "statefulsets.apps": (col("Ready", cells.ready_of, PODS_READY), AGE, *CONTAINERS),
    "daemonsets.apps": (
        *(
            col(name, cells.count(field), f"@apps.v1.DaemonSetStatus.{field}", "integer")
            for name, field in (
                ("Desired", "desiredNumberScheduled"),
                ("Current", "currentNumberScheduled"),
                ("Ready", "numberReady"),
                ("Up-to-date", "updatedNumberScheduled"),
                ("Available", "numberAvailable"),
            )
        ),
        col(
            "Node Selector",
            lambda o: cells.pairs(at(o, "spec.template.spec.nodeSelector")),
            "@core.v1.PodSpec.nodeSelector",
        ),
        AGE,
        *CONTAINERS,
        wide("Selector", cells.selector, "@apps.v1.DaemonSetSpec.selector"),
    ),
    "controllerrevisions.apps": (
        col("Controller", cells_groups.controller, "Controller of the object"),
        col("Revision", lambda o: at(o, "revision", 0), "@apps.v1.ControllerRevision.revision"),
        AGE,
    ),
    "jobs.batch": (
        col("Status", cells_groups.job_status, "Status of the job."),
        col("Completions", cells_groups.job_completions, "@batch.v1.JobStatus.succeeded"),
        col("Duration", cells_groups.job_duration, "Time required to complete the job."),
        AGE,
        *CONTAINERS,
        wide("Selector", cells.selector, "@batch.v1.JobSpec.selector"),
    ),
    "cronjobs.batch": (
        col("Schedule", lambda o: at(o, "spec.schedule", ""), "@batch.v1.CronJobSpec.schedule"),
        col("Timezone", lambda o: at(o, "spec.timeZone", cells.NONE), "@batch.v1.CronJobSpec.timeZone"),
        col("Suspend", cells_groups.suspended, "@batch.v1.CronJobSpec.suspend", "boolean"),
        col("Active", lambda o: len(at(o, "status.active", ())), "@batch.v1.CronJobStatus.active", "integer"),
        col("Last Schedule", cells_groups.last_schedule, "@batch.v1.CronJobStatus.lastScheduleTime"),
        AGE,
        wide(CONTAINERS[0].name, lambda o: cells.names(o, "spec.jobTemplate.spec.template"), CONTAINERS[0].text),
        wide(CONTAINERS[1].name, lambda o: cells.images(o, "spec.jobTemplate.spec.template"), CONTAINERS[1].text),
        wide(
            "Selector",
            lambda o: cells.selector_text(at(o, "spec.jobTemplate.spec.selector")) or cells.NONE,
            "@batch.v1.JobSpec.selector",
        ),
    ),
    "horizontalpodautoscalers.autoscaling": (
        col("Reference", cells_groups.scaled, "@autoscaling.v2.HorizontalPodAutoscalerSpec.scaleTargetRef"),
        col("Targets", cells_groups.scaling_targets, "@autoscaling.v2.HorizontalPodAutoscalerSpec.metrics"),
        col(
            "MinPods",
            lambda o: str(at(o, "spec.minReplicas", cells.UNSET)),
            "@autoscaling.v2.HorizontalPodAutoscalerSpec.minReplicas",
        ),
        col(
            "MaxPods", lambda o: at(o, "spec.maxReplicas", 0), "@autoscaling.v2.HorizontalPodAutoscalerSpec.maxReplicas"
        ),
        col(
            "Replicas", cells.count("currentReplicas"), "@autoscaling.v2.HorizontalPodAutoscalerStatus.currentReplicas"
        ),
        AGE,
    ),
    "poddisruptionbudgets.policy": (
        col(
            "Min Available",
            lambda o: str(at(o, "spec.minAvailable", "N/A")),
            "The minimum number of pods that must be available.",
        ),
        col(
            "Max Unavailable",
            lambda o: str(at(o, "spec.maxUnavailable", "N/A")),
            "The maximum number of pods that may be unavailable.",
        ),
        col(
            "Allowed Disruptions",
            cells.count("disruptionsAllowed"),
            "Calculated number of pods that may be disrupted at this time.",
            "integer",
        ),
        AGE,
    ),
}

SCALE = (
    col("Desired", lambda o: at(o, "spec.replicas", 0), "@autoscaling.v1.ScaleSpec.replicas", "integer"),
    col("Available", cells.count("replicas"), "@autoscaling.v1.ScaleStatus.replicas", "integer"),
    AGE,
)
