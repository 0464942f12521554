"""The columns that `kubectl get` shows for built-in kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver.age import since
from kgents.embedded.apiserver.kinds import cells

Object = dict[str, Any]
Column = tuple[str, str, str, int, Callable[[Object], Any]]


def _age(obj: Object) -> str:
    return since(obj["metadata"].get("creationTimestamp"))


def _col(name: str, cell: Callable[[Object], Any], *, wide: bool = False, kind: str = "string") -> Column:
    return (name, kind, "", 1 if wide else 0, cell)


AGE = _col("Age", _age)
WEBHOOKS = _col("Webhooks", lambda o: len(o.get("webhooks") or ()), kind="integer")

COLUMNS: dict[str, list[Column]] = {
    "configmaps": [_col("Data", lambda o: len(o.get("data") or {}) + len(o.get("binaryData") or {})), AGE],
    "secrets": [_col("Type", lambda o: o.get("type")), _col("Data", lambda o: len(o.get("data") or {})), AGE],
    "namespaces": [_col("Status", lambda o: (o.get("status") or {}).get("phase", "")), AGE],
    "serviceaccounts": [AGE],
    "events": [
        _col("Last Seen", cells.last_seen),
        _col("Type", lambda o: o.get("type", "")),
        _col("Reason", lambda o: o.get("reason", "")),
        _col("Object", cells.involved),
        _col("Subobject", lambda o: (o.get("involvedObject") or {}).get("fieldPath", ""), wide=True),
        _col("Source", cells.event_source, wide=True),
        _col("Message", lambda o: str(o.get("message", "")).strip()),
        _col("First Seen", cells.first_seen, wide=True),
        _col("Count", lambda o: o.get("count") or 1, wide=True, kind="integer"),
        _col("Name", lambda o: o["metadata"].get("name"), wide=True),
    ],
    "pods": [
        _col("Ready", cells.pod_ready),
        _col("Status", cells.pod_status),
        _col("Restarts", cells.pod_restarts),
        AGE,
        _col("IP", lambda o: (o.get("status") or {}).get("podIP") or cells.NONE, wide=True),
        _col("Node", lambda o: (o.get("spec") or {}).get("nodeName") or cells.NONE, wide=True),
        _col("Nominated Node", lambda o: (o.get("status") or {}).get("nominatedNodeName") or cells.NONE, wide=True),
        _col("Readiness Gates", cells.readiness_gates, wide=True),
    ],
    "services": [
        _col("Type", lambda o: o["spec"].get("type")),
        _col("Cluster-IP", lambda o: o["spec"].get("clusterIP") or cells.NONE),
        _col("External-IP", cells.external_address),
        _col("Port(s)", cells.service_ports),
        AGE,
        _col("Selector", lambda o: cells.pairs(o["spec"].get("selector")), wide=True),
    ],
    "endpoints": [_col("Endpoints", cells.endpoints), AGE],
    "nodes": [
        _col("Status", cells.node_status),
        _col("Roles", cells.node_roles),
        AGE,
        _col("Version", lambda o: cells.node_info(o, "kubeletVersion")),
        _col("Internal-IP", lambda o: cells.node_address(o, "InternalIP"), wide=True),
        _col("External-IP", lambda o: cells.node_address(o, "ExternalIP"), wide=True),
        _col("OS-Image", lambda o: cells.node_info(o, "osImage"), wide=True),
        _col("Kernel-Version", lambda o: cells.node_info(o, "kernelVersion"), wide=True),
        _col("Container-Runtime", lambda o: cells.node_info(o, "containerRuntimeVersion"), wide=True),
    ],
    "persistentvolumeclaims": [
        _col("Status", lambda o: (o.get("status") or {}).get("phase", "")),
        _col("Volume", lambda o: o["spec"].get("volumeName", "")),
        _col("Capacity", lambda o: ((o.get("status") or {}).get("capacity") or {}).get("storage", "")),
        _col("Access Modes", cells.access_modes),
        _col("StorageClass", lambda o: o["spec"].get("storageClassName", "")),
        _col("VolumeAttributesClass", lambda o: "<unset>"),
        AGE,
        _col("VolumeMode", lambda o: o["spec"].get("volumeMode", ""), wide=True),
    ],
    "deployments.apps": [
        _col("Ready", lambda o: f"{cells.count(o, 'readyReplicas')}/{o['spec'].get('replicas', 0)}"),
        _col("Up-to-date", lambda o: cells.count(o, "updatedReplicas")),
        _col("Available", lambda o: cells.count(o, "availableReplicas")),
        AGE,
        _col("Containers", cells.container_names, wide=True),
        _col("Images", cells.container_images, wide=True),
        _col("Selector", cells.selector, wide=True),
    ],
    "replicasets.apps": [
        _col("Desired", lambda o: o["spec"].get("replicas", 0), kind="integer"),
        _col("Current", lambda o: cells.count(o, "replicas"), kind="integer"),
        _col("Ready", lambda o: cells.count(o, "readyReplicas"), kind="integer"),
        AGE,
        _col("Containers", cells.container_names, wide=True),
        _col("Images", cells.container_images, wide=True),
        _col("Selector", cells.selector, wide=True),
    ],
    "statefulsets.apps": [
        _col("Ready", lambda o: f"{cells.count(o, 'readyReplicas')}/{o['spec'].get('replicas', 0)}"),
        AGE,
        _col("Containers", cells.container_names, wide=True),
        _col("Images", cells.container_images, wide=True),
    ],
    "jobs.batch": [
        _col("Status", cells.job_status),
        _col("Completions", lambda o: f"{cells.count(o, 'succeeded')}/{o['spec'].get('completions', 1)}"),
        _col("Duration", cells.job_duration),
        AGE,
        _col("Containers", cells.container_names, wide=True),
        _col("Images", cells.container_images, wide=True),
        _col("Selector", cells.selector, wide=True),
    ],
    "leases.coordination.k8s.io": [_col("Holder", lambda o: (o.get("spec") or {}).get("holderIdentity", "")), AGE],
    "networkpolicies.networking.k8s.io": [
        _col("Pod-Selector", lambda o: cells.pairs((o["spec"].get("podSelector") or {}).get("matchLabels"))),
        AGE,
    ],
    "validatingadmissionpolicies.admissionregistration.k8s.io": [
        _col("Validations", lambda o: len(o["spec"].get("validations") or ()), kind="integer"),
        _col("ParamKind", cells.param_kind),
        AGE,
    ],
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": [
        _col("PolicyName", lambda o: o["spec"].get("policyName", "")),
        _col("ParamRef", cells.param_ref),
        AGE,
    ],
    "validatingwebhookconfigurations.admissionregistration.k8s.io": [WEBHOOKS, AGE],
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": [WEBHOOKS, AGE],
    "rolebindings.rbac.authorization.k8s.io": [_col("Role", cells.role), AGE, *cells.subject_columns()],
    "clusterrolebindings.rbac.authorization.k8s.io": [_col("Role", cells.role), AGE, *cells.subject_columns()],
}
"""For each resource: name, type, description, priority and cell of every column after the name."""

NAMELESS = frozenset({"events"})
"""Resources whose rows do not begin with the name."""
