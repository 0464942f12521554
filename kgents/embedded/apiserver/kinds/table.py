"""All built-in resources, a line for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kgents.embedded.apiserver.crds import CrdStrategy
from kgents.embedded.apiserver.kinds import admission as judges
from kgents.embedded.apiserver.kinds import (
    autoscaling_v1,
    basics,
    certificates,
    events,
    pods,
    priorities,
    rbac,
    scaling,
    services,
    workloads,
)
from kgents.embedded.apiserver.kinds.aggregated import ServiceStrategy
from kgents.embedded.apiserver.kinds.defaulted import (
    DefaultedStrategy,
    IngressStrategy,
    limits,
    pod_template,
    policy_types,
)
from kgents.embedded.apiserver.names import dns_1035_label, dns_label, path_segment
from kgents.embedded.apiserver.registry import Resource, ScalePaths, Subresource
from kgents.embedded.apiserver.strategy import GenerationStrategy, Strategy

STATUS = Subresource("status")
SCALE = Subresource("scale", kind="Scale", group="autoscaling", version="v1")
WORKLOAD = {"scale": SCALE, "status": STATUS}
WORKLOAD_PATHS = ScalePaths(selector=("spec", "selector"))
TOKEN = Subresource("token", ("create",), "TokenRequest", "authentication.k8s.io", "v1")
NO_COLLECTION = ("create", "delete", "get", "list", "patch", "update", "watch")
CREATE = ("create",)
PROXY = ("create", "delete", "get", "patch", "update")
POD_SUBRESOURCES = {
    "attach": Subresource("attach", ("create", "get"), "PodAttachOptions"),
    "binding": Subresource("binding", ("create",), "Binding"),
    "ephemeralcontainers": Subresource("ephemeralcontainers"),
    "eviction": Subresource("eviction", ("create",), "Eviction", "policy", "v1"),
    "exec": Subresource("exec", ("create", "get"), "PodExecOptions"),
    "log": Subresource("log", ("get",), "Pod"),
    "portforward": Subresource("portforward", ("create", "get"), "PodPortForwardOptions"),
    "proxy": Subresource("proxy", PROXY, "PodProxyOptions"),
    "status": STATUS,
}
EVENT_FIELDS = (
    *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
    *("reason", "reportingComponent", "source", "type"),
    "involvedObject.resourceVersion",
)
NEW_EVENT_FIELDS = (
    *(f"regarding.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
    *("reason", "reportingController", "type", "regarding.resourceVersion"),
)
POD_FIELDS = (
    *(f"spec.{name}" for name in ("nodeName", "restartPolicy", "schedulerName", "serviceAccountName", "hostNetwork")),
    *(f"status.{name}" for name in ("phase", "podIP", "podIPs", "nominatedNodeName")),
)


def core() -> Iterator[Resource]:
    """The core group."""

    def of(plural: str, kind: str, short: str = "", **rest: object) -> Resource:
        names = tuple(short.split())
        return Resource("", "v1", plural, kind, short_names=names, **rest)  # type: ignore[arg-type]

    everything = ("all",)
    finalize = Subresource("finalize", ("update",))
    yield of("configmaps", "ConfigMap", "cm", strategy=basics.ConfigMapStrategy())
    yield of(
        "endpoints", "Endpoints", "ep", singular="endpoints", list_kind="EndpointsList",
        strategy=DefaultedStrategy('subsets[].ports[].protocol="TCP"', generation=False),
    )  # fmt: skip
    yield of("events", "Event", "ev", strategy=basics.EventStrategy(), selectable=EVENT_FIELDS)
    yield of(
        "namespaces", "Namespace", "ns", namespaced=False, verbs=NO_COLLECTION, strategy=basics.NamespaceStrategy(),
        subresources={"finalize": finalize, "status": STATUS}, name_problem=dns_label, returns_deleted=True,
        selectable=("status.phase",),
    )  # fmt: skip
    yield of(
        "nodes", "Node", "no", namespaced=False, selectable=("spec.unschedulable",),
        subresources={"proxy": Subresource("proxy", PROXY, "NodeProxyOptions"), "status": STATUS},
    )  # fmt: skip
    yield of(
        "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", subresources={"status": STATUS}, returns_deleted=True,
        strategy=basics.ClaimStrategy(),
    )  # fmt: skip
    yield of(
        "persistentvolumes", "PersistentVolume", "pv", namespaced=False, subresources={"status": STATUS},
        returns_deleted=True, strategy=DefaultedStrategy(
            'spec.persistentVolumeReclaimPolicy="Retain"', 'spec.volumeMode="Filesystem"', 'spec.hostPath.type=""',
            'status={"phase": "Pending"}', generation=False,
        ),
    )  # fmt: skip
    yield of(
        "pods", "Pod", "po", categories=everything, strategy=pods.PodStrategy(), subresources=POD_SUBRESOURCES,
        returns_deleted=True, selectable=POD_FIELDS,
    )  # fmt: skip
    yield of("podtemplates", "PodTemplate", returns_deleted=True, strategy=DefaultedStrategy(rest=pod_template))
    yield of("limitranges", "LimitRange", "limits", strategy=DefaultedStrategy(generation=False, rest=limits))
    yield of(
        "replicationcontrollers", "ReplicationController", "rc", categories=everything, subresources=WORKLOAD,
        scale=WORKLOAD_PATHS, strategy=scaling.ReplicationStrategy(), selectable=("status.replicas",),
    )  # fmt: skip
    yield of("resourcequotas", "ResourceQuota", "quota", subresources={"status": STATUS}, returns_deleted=True)
    yield of("secrets", "Secret", strategy=basics.SecretStrategy(), selectable=("type",))
    yield of("serviceaccounts", "ServiceAccount", "sa", subresources={"token": TOKEN}, returns_deleted=True)
    yield of(
        "services", "Service", "svc", categories=everything, strategy=services.ServiceStrategy(),
        subresources={"proxy": Subresource("proxy", PROXY, "ServiceProxyOptions"), "status": STATUS},
        name_problem=dns_1035_label, returns_deleted=True,
        selectable=("spec.clusterIP", "spec.type"),
    )  # fmt: skip


def groups() -> Iterator[Resource]:
    """All other groups."""

    def of(group: str, plural: str, kind: str, short: str = "", **rest: object) -> Resource:
        version = str(rest.pop("version", "v1"))
        return Resource(group, version, plural, kind, short_names=tuple(short.split()), **rest)  # type: ignore[arg-type]

    everything, status = ("all",), {"status": STATUS}
    scaled: dict[str, object] = {"categories": everything, "subresources": WORKLOAD, "scale": WORKLOAD_PATHS}
    yield of("apps", "deployments", "Deployment", "deploy", strategy=workloads.DeploymentStrategy(), **scaled)
    yield of("apps", "replicasets", "ReplicaSet", "rs", strategy=workloads.WorkloadStrategy(), **scaled)
    yield of("apps", "statefulsets", "StatefulSet", "sts", strategy=workloads.StatefulSetStrategy(), **scaled)
    yield of(
        "apps", "daemonsets", "DaemonSet", "ds", categories=everything, subresources=status,
        strategy=workloads.DaemonSetStrategy(),
    )  # fmt: skip
    yield of("apps", "controllerrevisions", "ControllerRevision")
    yield of(
        "events.k8s.io", "events", "Event", "ev", storage="events", strategy=events.EventsStrategy(),
        read=events.shown, write=events.stored, selectable=NEW_EVENT_FIELDS,
    )  # fmt: skip
    plural, kind = "horizontalpodautoscalers", "HorizontalPodAutoscaler"
    scalers: dict[str, object] = {"categories": everything, "subresources": status, "storage_version": "v2"}
    yield of("autoscaling", plural, kind, "hpa", version="v2", strategy=scaling.AutoscalerStrategy(), **scalers)
    yield of(
        "autoscaling", plural, kind, "hpa", version="v1", strategy=autoscaling_v1.AutoscalerV1Strategy(),
        read=autoscaling_v1.shown, write=autoscaling_v1.stored, **scalers,
    )  # fmt: skip
    yield of(
        "batch", "jobs", "Job", categories=everything, subresources=status, strategy=workloads.JobStrategy(),
        selectable=("status.successful",),
    )  # fmt: skip
    yield of(
        "batch", "cronjobs", "CronJob", "cj", categories=everything, subresources=status,
        strategy=workloads.CronJobStrategy(),
    )  # fmt: skip
    roles = "rbac.authorization.k8s.io"
    for plural, kind, namespaced in (
        ("clusterroles", "ClusterRole", False),
        ("clusterrolebindings", "ClusterRoleBinding", False),
        ("roles", "Role", True),
        ("rolebindings", "RoleBinding", True),
    ):
        strategy = rbac.RoleStrategy() if kind.endswith("Role") else rbac.BindingStrategy()
        yield of(roles, plural, kind, namespaced=namespaced, name_problem=path_segment, strategy=strategy)
    yield of("coordination.k8s.io", "leases", "Lease", strategy=basics.LeaseStrategy())
    slices = DefaultedStrategy('ports[].name=""', 'ports[].protocol="TCP"')
    yield of("discovery.k8s.io", "endpointslices", "EndpointSlice", strategy=slices)
    tcp = (f'spec.{way}[].ports[].protocol="TCP"' for way in ("ingress", "egress"))
    policy = DefaultedStrategy("spec={}", *tcp, rest=policy_types)
    yield of("networking.k8s.io", "networkpolicies", "NetworkPolicy", "netpol", strategy=policy)
    yield of(
        "networking.k8s.io", "ingresses", "Ingress", "ing", subresources=status,
        strategy=IngressStrategy("spec={}"),
    )  # fmt: skip
    yield of("networking.k8s.io", "ingressclasses", "IngressClass", namespaced=False, strategy=GenerationStrategy())
    yield of(
        "policy", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", subresources=status,
        strategy=workloads.BudgetStrategy(),
    )  # fmt: skip
    yield of(
        "storage.k8s.io", "storageclasses", "StorageClass", "sc", namespaced=False, returns_deleted=True,
        strategy=DefaultedStrategy('reclaimPolicy="Delete"', 'volumeBindingMode="Immediate"', generation=False),
    )  # fmt: skip
    yield of(
        "scheduling.k8s.io", "priorityclasses", "PriorityClass", "pc", namespaced=False,
        strategy=priorities.PriorityStrategy(),
    )  # fmt: skip
    admission = "admissionregistration.k8s.io"
    for plural, kind, judging in (
        ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", judges.PolicyStrategy()),
        ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", judges.BindingStrategy()),
        ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", judges.WebhookStrategy(mutating=False)),
        ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", judges.WebhookStrategy(mutating=True)),
    ):
        has_status = status if plural == "validatingadmissionpolicies" else {}
        yield of(
            admission, plural, kind, namespaced=False, subresources=has_status, strategy=judging,
            categories=("api-extensions",),
        )  # fmt: skip
    yield of(
        "apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", "crd crds", namespaced=False,
        categories=("api-extensions",), subresources=status, strategy=CrdStrategy(),
    )  # fmt: skip
    yield from _machines()
    yield from _metrics()
    yield from _reviews()


def _machines() -> Iterator[Resource]:
    """What machines, their disks and their certificates need: kept, and acted on by whoever brings a controller."""
    status = {"status": STATUS}
    drivers = DefaultedStrategy(
        "spec={}", "spec.attachRequired=true",
        *(f"spec.{name}=false" for name in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount")),
        'spec.fsGroupPolicy="ReadWriteOnceWithFSType"', 'spec.volumeLifecycleModes=["Persistent"]', generation=False,
    )  # fmt: skip
    for plural, kind, short, rest in (
        ("csidrivers", "CSIDriver", (), {"strategy": drivers}),
        ("csinodes", "CSINode", (), {}),
        ("csistoragecapacities", "CSIStorageCapacity", (), {"namespaced": True}),
        ("volumeattachments", "VolumeAttachment", (), {"subresources": status}),
        ("volumeattributesclasses", "VolumeAttributesClass", ("vac",), {}),
    ):
        given: dict[str, Any] = {"namespaced": False, **rest}
        yield Resource("storage.k8s.io", "v1", plural, kind, short_names=short, returns_deleted=True, **given)
    yield Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False)
    yield Resource(
        certificates.GROUP, "v1", "certificatesigningrequests", "CertificateSigningRequest", short_names=("csr",),
        namespaced=False, subresources={"approval": Subresource("approval"), **status}, name_problem=path_segment,
        strategy=certificates.RequestStrategy(), selectable=("spec.signerName",),
    )  # fmt: skip
    yield Resource(
        "apiregistration.k8s.io", "v1", "apiservices", "APIService", namespaced=False, subresources=status,
        categories=("api-extensions",), name_problem=path_segment, strategy=ServiceStrategy(),
    )  # fmt: skip


def _metrics() -> Iterator[Resource]:
    verbs = ("create", "delete", "get", "list", "update")
    for plural, kind, namespaced in (("nodes", "NodeMetrics", False), ("pods", "PodMetrics", True)):
        yield Resource(
            "metrics.k8s.io", "v1beta1", plural, kind, singular="", namespaced=namespaced, volatile=True, verbs=verbs,
            name_problem=path_segment,
        )  # fmt: skip


def _reviews() -> Iterator[Resource]:
    for group, plural, kind, namespaced in (
        ("authentication.k8s.io", "tokenreviews", "TokenReview", False),
        ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", False),
        ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", False),
        ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
        ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False),
        ("authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview", True),
    ):
        yield Resource(group, "v1", plural, kind, namespaced=namespaced, verbs=CREATE, strategy=Strategy())
