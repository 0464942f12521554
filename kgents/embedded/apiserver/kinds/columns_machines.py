"""Columns of what machines, their disks and their certificates need."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.age import duration
from kgents.embedded.apiserver.kinds import cells
from kgents.embedded.apiserver.kinds.column import AGE, Column, at, col

Object = dict[str, Any]
REQUEST = "@certificates.v1.CertificateSigningRequestSpec."
DRIVER = "@storage.v1.CSIDriverSpec."
ATTACHMENT = "@storage.v1.VolumeAttachment"


def _requested(obj: Object) -> str:
    seconds = at(obj, "spec.expirationSeconds")
    return cells.NONE if seconds is None else duration(seconds)


def _condition(obj: Object) -> str:
    """Where a certificate request stands: Pending, Approved, Denied, and Failed or Issued behind it."""
    kinds = {one.get("type") for one in at(obj, "status.conditions", ())}
    found = [next((kind for kind in ("Denied", "Approved") if kind in kinds), "Pending")]
    found += ["Failed"] * ("Failed" in kinds) + ["Issued"] * bool(at(obj, "status.certificate"))
    return ",".join(found)


def _audiences(obj: Object) -> str:
    asked = at(obj, "spec.tokenRequests")
    return "<unset>" if asked is None else ",".join(one.get("audience", "") for one in asked)


def _service(obj: Object) -> str:
    service = at(obj, "spec.service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def _available(obj: Object) -> str:
    for one in at(obj, "status.conditions", ()):
        if one.get("type") == "Available":
            return "True" if one.get("status") == "True" else f"{one.get('status')} ({one.get('reason')})"
    return "Unknown"


def _switch(name: str, default: bool = False) -> Column:
    field = name[0].lower() + name[1:]
    return col(name, lambda o: at(o, f"spec.{field}", default), DRIVER + field, "boolean")


MACHINES: dict[str, tuple[Column, ...]] = {
    "certificatesigningrequests.certificates.k8s.io": (
        AGE,
        col("SignerName", lambda o: at(o, "spec.signerName") or cells.NONE, REQUEST + "signerName"),
        col("Requestor", lambda o: at(o, "spec.username", ""), REQUEST + "username"),
        col("RequestedDuration", _requested, REQUEST + "expirationSeconds"),
        col("Condition", _condition, "@certificates.v1.CertificateSigningRequestStatus.conditions"),
    ),
    "apiservices.apiregistration.k8s.io": (
        col("Service", _service, "The reference to the service that hosts this API endpoint."),
        col("Available", _available, "Whether this service is available."),
        AGE,
    ),
    "runtimeclasses.node.k8s.io": (
        col("Handler", lambda o: at(o, "handler", ""), "@node.v1.RuntimeClass.handler"),
        AGE,
    ),
    "csinodes.storage.k8s.io": (
        col(
            "Drivers",
            lambda o: len(at(o, "spec.drivers", ())),
            "Drivers indicates the number of CSI drivers registered on the node",
            "integer",
        ),
        AGE,
    ),
    "csidrivers.storage.k8s.io": (
        _switch("AttachRequired", True),
        _switch("PodInfoOnMount"),
        _switch("StorageCapacity"),
        col("TokenRequests", _audiences, DRIVER + "tokenRequests"),
        _switch("RequiresRepublish"),
        col(
            "Modes",
            lambda o: ",".join(at(o, "spec.volumeLifecycleModes", ())) or cells.NONE,
            DRIVER + "volumeLifecycleModes",
        ),
        AGE,
    ),
    "csistoragecapacities.storage.k8s.io": (
        col(
            "StorageClassName",
            lambda o: at(o, "storageClassName", ""),
            "@storage.v1.CSIStorageCapacity.storageClassName",
        ),
        col("Capacity", lambda o: at(o, "capacity", cells.UNSET), "@storage.v1.CSIStorageCapacity.capacity"),
    ),
    "volumeattachments.storage.k8s.io": (
        col("Attacher", lambda o: at(o, "spec.attacher", ""), ATTACHMENT + "Spec.attacher"),
        col("PV", lambda o: at(o, "spec.source.persistentVolumeName", ""), ATTACHMENT + "Source.persistentVolumeName"),
        col("Node", lambda o: at(o, "spec.nodeName", ""), ATTACHMENT + "Spec.nodeName"),
        col("Attached", lambda o: at(o, "status.attached", False), ATTACHMENT + "Status.attached", "boolean"),
        AGE,
    ),
    "volumeattributesclasses.storage.k8s.io": (
        col("DriverName", lambda o: at(o, "driverName", ""), "@storage.v1.VolumeAttributesClass.driverName"),
        AGE,
    ),
}
