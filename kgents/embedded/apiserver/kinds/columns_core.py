"""Columns of the core group."""

from __future__ import annotations

from kgents.embedded.apiserver.kinds import cells, cells_pods
from kgents.embedded.apiserver.kinds.column import AGE, Column, at, col, wide

CONTAINERS = (
    wide("Containers", cells.container_names, "Names of each container in the template."),
    wide("Images", cells.container_images, "Images referenced by each container in the template."),
)
EVENTS = (
    col("Last Seen", cells.last_seen, "@core.v1.Event.lastTimestamp"),
    col("Type", lambda o: at(o, "type", ""), "@core.v1.Event.type"),
    col("Reason", lambda o: at(o, "reason", ""), "@core.v1.Event.reason"),
    col("Object", cells.involved, "@core.v1.Event.involvedObject"),
    wide("Subobject", lambda o: at(o, "involvedObject.fieldPath", ""), "@core.v1.ObjectReference.fieldPath"),
    wide("Source", cells.event_source, "@core.v1.Event.source"),
    col("Message", lambda o: str(at(o, "message", "")).strip(), "@core.v1.Event.message"),
    wide("First Seen", cells.first_seen, "@core.v1.Event.firstTimestamp"),
    wide("Count", cells.event_count, "@core.v1.Event.count"),
    Column("Name", lambda o: o["metadata"].get("name"), form="name", priority=1),
)

CORE: dict[str, tuple[Column, ...]] = {
    "configmaps": (
        col("Data", lambda o: len(at(o, "data", ())) + len(at(o, "binaryData", ())), "@core.v1.ConfigMap.data"),
        AGE,
    ),
    "secrets": (
        col("Type", lambda o: at(o, "type"), "@core.v1.Secret.type"),
        col("Data", lambda o: len(at(o, "data", ())), "@core.v1.Secret.data"),
        AGE,
    ),
    "namespaces": (col("Status", lambda o: at(o, "status.phase", ""), "The status of the namespace"), AGE),
    "serviceaccounts": (AGE,),
    "events": EVENTS,
    "pods": (
        col("Ready", cells_pods.ready, "The aggregate readiness state of this pod for accepting traffic."),
        col("Status", cells_pods.status, "The aggregate status of the containers in this pod."),
        col(
            "Restarts",
            cells_pods.restarts,
            "The number of times the containers in this pod have been restarted and when the last container in this "
            "pod has restarted.",
        ),
        AGE,
        wide("IP", cells_pods.address, "@core.v1.PodStatus.podIP"),
        wide("Node", lambda o: at(o, "spec.nodeName") or cells.NONE, "@core.v1.PodSpec.nodeName"),
        wide(
            "Nominated Node",
            lambda o: at(o, "status.nominatedNodeName") or cells.NONE,
            "@core.v1.PodStatus.nominatedNodeName",
        ),
        wide("Readiness Gates", cells_pods.readiness_gates, "@core.v1.PodSpec.readinessGates"),
    ),
    "podtemplates": (
        col("Containers", lambda o: cells.names(o, "template"), "Names of each container in the template."),
        col("Images", lambda o: cells.images(o, "template"), "Images referenced by each container in the template."),
        col("Pod Labels", lambda o: cells.pairs(at(o, "template.metadata.labels")), "The labels for the pod template."),
    ),
    "replicationcontrollers": (
        col("Desired", lambda o: at(o, "spec.replicas", 0), "@core.v1.ReplicationControllerSpec.replicas", "integer"),
        col("Current", cells.count("replicas"), "@core.v1.ReplicationControllerStatus.replicas", "integer"),
        col("Ready", cells.count("readyReplicas"), "@core.v1.ReplicationControllerStatus.readyReplicas", "integer"),
        AGE,
        *CONTAINERS,
        wide("Selector", lambda o: cells.pairs(at(o, "spec.selector")), "@core.v1.ReplicationControllerSpec.selector"),
    ),
    "services": (
        col("Type", lambda o: at(o, "spec.type"), "@core.v1.ServiceSpec.type"),
        col("Cluster-IP", lambda o: at(o, "spec.clusterIP") or cells.NONE, "@core.v1.ServiceSpec.clusterIP"),
        col("External-IP", cells.external_address, "@core.v1.ServiceSpec.externalIPs"),
        col("Port(s)", cells.service_ports, "@core.v1.ServiceSpec.ports"),
        AGE,
        wide("Selector", lambda o: cells.pairs(at(o, "spec.selector")), "@core.v1.ServiceSpec.selector"),
    ),
    "endpoints": (col("Endpoints", cells.endpoints, "@core.v1.Endpoints.subsets"), AGE),
    "nodes": (
        col("Status", cells.node_status, "The status of the node"),
        col("Roles", cells.node_roles, "The roles of the node"),
        AGE,
        col(
            "Version",
            lambda o: at(o, "status.nodeInfo.kubeletVersion", ""),
            "@core.v1.NodeSystemInfo.kubeletVersion",
        ),
        wide("Internal-IP", lambda o: cells.node_address(o, "InternalIP"), "@core.v1.NodeStatus.addresses"),
        wide("External-IP", lambda o: cells.node_address(o, "ExternalIP"), "@core.v1.NodeStatus.addresses"),
        wide("OS-Image", lambda o: cells.node_info(o, "osImage"), "@core.v1.NodeSystemInfo.osImage"),
        wide("Kernel-Version", lambda o: cells.node_info(o, "kernelVersion"), "@core.v1.NodeSystemInfo.kernelVersion"),
        wide(
            "Container-Runtime",
            lambda o: cells.node_info(o, "containerRuntimeVersion"),
            "@core.v1.NodeSystemInfo.containerRuntimeVersion",
        ),
    ),
    "persistentvolumeclaims": (
        col("Status", cells.volume_phase, "@core.v1.PersistentVolumeClaimStatus.phase"),
        col("Volume", lambda o: at(o, "spec.volumeName", ""), "@core.v1.PersistentVolumeClaimSpec.volumeName"),
        col("Capacity", cells.claim_capacity, "@core.v1.PersistentVolumeClaimStatus.capacity"),
        col("Access Modes", cells.claim_modes, "@core.v1.PersistentVolumeClaimStatus.accessModes"),
        col("StorageClass", cells.storage_class, "StorageClass of the pvc"),
        col("VolumeAttributesClass", cells.attributes_class, "VolumeAttributesClass of the pvc"),
        AGE,
        wide("VolumeMode", cells.volume_mode, "@core.v1.PersistentVolumeClaimSpec.volumeMode"),
    ),
    "persistentvolumes": (
        col("Capacity", lambda o: at(o, "spec.capacity.storage", "0"), "@core.v1.PersistentVolumeSpec.capacity"),
        col("Access Modes", lambda o: cells.modes(at(o, "spec")), "@core.v1.PersistentVolumeSpec.accessModes"),
        col(
            "Reclaim Policy",
            lambda o: at(o, "spec.persistentVolumeReclaimPolicy", ""),
            "@core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy",
        ),
        col("Status", cells.volume_phase, "@core.v1.PersistentVolumeStatus.phase"),
        col("Claim", cells.volume_claim, "@core.v1.PersistentVolumeSpec.claimRef"),
        col("StorageClass", cells.storage_class, "StorageClass of the pv"),
        col("VolumeAttributesClass", cells.attributes_class, "VolumeAttributesClass of the pv"),
        col("Reason", lambda o: at(o, "status.reason", ""), "@core.v1.PersistentVolumeStatus.reason"),
        AGE,
        wide("VolumeMode", cells.volume_mode, "@core.v1.PersistentVolumeSpec.volumeMode"),
    ),
    "resourcequotas": (
        col(
            "Request",
            cells.quota_requests,
            "Request represents a minimum amount of cpu/memory that a container may consume.",
        ),
        col(
            "Limit",
            cells.quota_limits,
            "Limits control the maximum amount of cpu/memory that a container may use independent of contention on "
            "the node.",
        ),
        AGE,
    ),
}
