"""Columns of the kinds around the workloads: network, storage, permissions, admission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver.kinds import cells, cells_groups
from kgents.embedded.apiserver.kinds.column import AGE, Column, at, col, wide
from kgents.embedded.apiserver.kinds.columns_core import EVENTS
from kgents.embedded.apiserver.kinds.columns_machines import MACHINES
from kgents.embedded.apiserver.kinds.events import stored

Object = dict[str, Any]

WEBHOOKS = col(
    "Webhooks",
    lambda o: len(at(o, "webhooks", ())),
    "Webhooks indicates the number of webhooks registered in this configuration",
    "integer",
)


def _of_stored(cell: Callable[[Object], Any]) -> Callable[[Object], Any]:
    return lambda obj: cell(stored(obj))


def _binding(kind: str, noun: str) -> tuple[Column, ...]:
    listed = (("Users", "User"), ("Groups", "Group"), ("ServiceAccounts", "ServiceAccount"))
    return (
        col("Role", cells_groups.role, f"@rbac.v1.{kind}.roleRef"),
        AGE,
        *(wide(name, cells_groups.subjects(subject), f"{name} in the {noun}") for name, subject in listed),
    )


CLUSTER: dict[str, tuple[Column, ...]] = {
    **MACHINES,
    "events.events.k8s.io": tuple(one._replace(cell=_of_stored(one.cell)) for one in EVENTS),
    "leases.coordination.k8s.io": (
        col("Holder", lambda o: at(o, "spec.holderIdentity", ""), "@coordination.v1.LeaseSpec.holderIdentity"),
        AGE,
    ),
    "endpointslices.discovery.k8s.io": (
        col("AddressType", lambda o: at(o, "addressType", ""), "@discovery.v1.EndpointSlice.addressType"),
        col("Ports", cells_groups.slice_ports, "@discovery.v1.EndpointSlice.ports"),
        col("Endpoints", cells_groups.slice_addresses, "@discovery.v1.EndpointSlice.endpoints"),
        AGE,
    ),
    "networkpolicies.networking.k8s.io": (
        col(
            "Pod-Selector",
            lambda o: cells.selector_text(at(o, "spec.podSelector")) or cells.NONE,
            "@networking.v1.NetworkPolicySpec.podSelector",
        ),
        AGE,
    ),
    "ingresses.networking.k8s.io": (
        col(
            "Class",
            lambda o: at(o, "spec.ingressClassName", cells.NONE),
            "The name of the IngressClass resource that should be used for additional configuration",
        ),
        col("Hosts", cells_groups.hosts, "Hosts that incoming requests are matched against before the ingress rule"),
        col("Address", cells.balancer, "Address is a list containing ingress points for the load-balancer"),
        col("Ports", lambda o: "80, 443" if at(o, "spec.tls") else "80", "Ports of TLS configurations that open"),
        AGE,
    ),
    "ingressclasses.networking.k8s.io": (
        col(
            "Controller",
            lambda o: at(o, "spec.controller", ""),
            "Controller that is responsible for handling this class",
        ),
        col("Parameters", cells_groups.class_parameters, "A reference to a resource with additional parameters"),
        AGE,
    ),
    "storageclasses.storage.k8s.io": (
        col("Provisioner", lambda o: at(o, "provisioner", ""), "@storage.v1.StorageClass.provisioner"),
        col("ReclaimPolicy", lambda o: at(o, "reclaimPolicy", "Delete"), "@storage.v1.StorageClass.reclaimPolicy"),
        col(
            "VolumeBindingMode",
            lambda o: at(o, "volumeBindingMode", "Immediate"),
            "@storage.v1.StorageClass.volumeBindingMode",
        ),
        col(
            "AllowVolumeExpansion",
            lambda o: at(o, "allowVolumeExpansion", False),
            "@storage.v1.StorageClass.allowVolumeExpansion",
        ),
        AGE,
    ),
    "priorityclasses.scheduling.k8s.io": (
        col("Value", lambda o: at(o, "value", 0), "@scheduling.v1.PriorityClass.value", "integer"),
        col(
            "Global-Default",
            lambda o: at(o, "globalDefault", False),
            "@scheduling.v1.PriorityClass.globalDefault",
            "boolean",
        ),
        AGE,
        col(
            "PreemptionPolicy",
            lambda o: at(o, "preemptionPolicy", ""),
            "@scheduling.v1.PriorityClass.preemptionPolicy",
        ),
    ),
    "validatingadmissionpolicies.admissionregistration.k8s.io": (
        col(
            "Validations",
            lambda o: len(at(o, "spec.validations", ())),
            "Validations indicates the number of validation rules defined in this configuration",
            "integer",
        ),
        col(
            "ParamKind",
            cells_groups.param_kind,
            "ParamKind specifies the kind of resources used to parameterize this policy",
        ),
        AGE,
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": (
        col(
            "PolicyName",
            lambda o: at(o, "spec.policyName", ""),
            "PolicyName indicates the policy definition which the policy binding binded to",
        ),
        col(
            "ParamRef",
            cells_groups.param_ref,
            "ParamRef indicates the param resource which sets the configration param",
        ),
        AGE,
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": (WEBHOOKS, AGE),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (WEBHOOKS, AGE),
    "rolebindings.rbac.authorization.k8s.io": _binding("RoleBinding", "roleBinding"),
    "clusterrolebindings.rbac.authorization.k8s.io": _binding("ClusterRoleBinding", "clusterRoleBinding"),
}
