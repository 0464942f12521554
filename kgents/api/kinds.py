"""The five kinds of kgents: one declaration each. The CLI, the path registry, Cortex and the operators read these."""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "kgents.io"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"
HIVE_NAMESPACE = "kgents-system"
"""Where the hive's own objects live. ServiceAccounts outside it are agents."""

FIELD_MANAGER = "kgents-operator"
AGENT_LABEL = "kgents.io/agent"


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource as the API names it. `plural` is its path segment, `api_version` is `v1` or `group/version`."""

    kind: str
    plural: str
    api_version: str = API_VERSION
    short: str = ""
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path. Without a namespace: across all of them (or the cluster-scoped collection)."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        parts = [root]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


AGENT = Kind("Agent", "agents", short="ag")
PHEROMONE = Kind("Pheromone", "pheromones", short="ph")
MEMORY = Kind("Memory", "memories", short="mem")
UMWELT = Kind("Umwelt", "umwelts", short="uw")
PROPOSAL = Kind("Proposal", "proposals", short="prop")
KINDS = (AGENT, PHEROMONE, MEMORY, UMWELT, PROPOSAL)

NAMESPACE = Kind("Namespace", "namespaces", "v1", namespaced=False)
NODE = Kind("Node", "nodes", "v1", namespaced=False)
POD = Kind("Pod", "pods", "v1")
SERVICE = Kind("Service", "services", "v1")
CONFIG_MAP = Kind("ConfigMap", "configmaps", "v1")
SECRET = Kind("Secret", "secrets", "v1")
EVENT = Kind("Event", "events", "v1")
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts", "v1")
ENDPOINTS = Kind("Endpoints", "endpoints", "v1")
PERSISTENT_VOLUME_CLAIM = Kind("PersistentVolumeClaim", "persistentvolumeclaims", "v1")
DEPLOYMENT = Kind("Deployment", "deployments", "apps/v1")
REPLICA_SET = Kind("ReplicaSet", "replicasets", "apps/v1")
STATEFUL_SET = Kind("StatefulSet", "statefulsets", "apps/v1")
DAEMON_SET = Kind("DaemonSet", "daemonsets", "apps/v1")
CONTROLLER_REVISION = Kind("ControllerRevision", "controllerrevisions", "apps/v1")
JOB = Kind("Job", "jobs", "batch/v1")
CRON_JOB = Kind("CronJob", "cronjobs", "batch/v1")
ENDPOINT_SLICE = Kind("EndpointSlice", "endpointslices", "discovery.k8s.io/v1")
NETWORK_POLICY = Kind("NetworkPolicy", "networkpolicies", "networking.k8s.io/v1")
ROLE = Kind("Role", "roles", "rbac.authorization.k8s.io/v1")
ROLE_BINDING = Kind("RoleBinding", "rolebindings", "rbac.authorization.k8s.io/v1")
CLUSTER_ROLE = Kind("ClusterRole", "clusterroles", "rbac.authorization.k8s.io/v1", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    "ClusterRoleBinding", "clusterrolebindings", "rbac.authorization.k8s.io/v1", namespaced=False
)
CRD = Kind("CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io/v1", namespaced=False)
LEASE = Kind("Lease", "leases", "coordination.k8s.io/v1")
POD_METRICS = Kind("PodMetrics", "pods", "metrics.k8s.io/v1beta1")
NODE_METRICS = Kind("NodeMetrics", "nodes", "metrics.k8s.io/v1beta1", namespaced=False)
