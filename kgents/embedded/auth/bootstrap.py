"""The roles and bindings that every cluster has from its first second.

They are data, those of Kubernetes 1.36 for its users (https://kubernetes.io/docs/reference/access-authn-authz/rbac):
roles of components that a hive does not have are left out. What users add to `view`, `edit` and `admin` for kinds of
their own goes by the usual aggregation labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgents.embedded.auth.roles import effective_rules
from kgents.embedded.auth.user import ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, MASTERS, SERVICE_ACCOUNTS_GROUP

API_VERSION = "rbac.authorization.k8s.io/v1"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
ISSUER = "system:service-account-issuer-discovery"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"

_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_HEALTH = "/healthz /livez /readyz /version /version/"
_DISCOVERY = "/api /api/* /apis /apis/* /openapi /openapi/*"
_SHARED_WORKLOADS = "daemonsets deployments deployments/scale replicasets replicasets/scale"
_STATUSES = "daemonsets/status deployments/status replicasets/status"

Object = dict[str, Any]


def _rule(group: str, resources: str, verbs: str) -> Object:
    return {"verbs": sorted(verbs.split()), "apiGroups": [group], "resources": sorted(resources.split())}


_VIEW = [
    _rule(
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status",
        _READ,
    ),
    _rule(
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
        _READ,
    ),
    _rule("", "namespaces", _READ),
    _rule("discovery.k8s.io", "endpointslices", _READ),
    _rule(
        "apps",
        f"controllerrevisions statefulsets statefulsets/scale statefulsets/status {_SHARED_WORKLOADS} {_STATUSES}",
        _READ,
    ),
    _rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", _READ),
    _rule("batch", "cronjobs cronjobs/status jobs jobs/status", _READ),
    _rule(
        "extensions",
        f"ingresses ingresses/status networkpolicies replicationcontrollers/scale {_SHARED_WORKLOADS} {_STATUSES}",
        _READ,
    ),
    _rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", _READ),
    _rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", _READ),
]
_CONNECT = "pods/attach pods/exec pods/portforward pods/proxy"
_EDIT = [
    _rule("", f"{_CONNECT} secrets services/proxy", _READ),
    _rule("", "serviceaccounts", "impersonate"),
    _rule("", f"pods {_CONNECT}", _WRITE),
    _rule("", "pods/eviction", "create"),
    _rule(
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
        _WRITE,
    ),
    _rule("", "serviceaccounts/token", "create"),
    _rule("apps", f"deployments/rollback statefulsets statefulsets/scale {_SHARED_WORKLOADS}", _WRITE),
    _rule("autoscaling", "horizontalpodautoscalers", _WRITE),
    _rule("batch", "cronjobs jobs", _WRITE),
    _rule(
        "extensions",
        f"deployments/rollback ingresses networkpolicies replicationcontrollers/scale {_SHARED_WORKLOADS}",
        _WRITE,
    ),
    _rule("policy", "poddisruptionbudgets", _WRITE),
    _rule("networking.k8s.io", "ingresses networkpolicies", _WRITE),
    _rule("coordination.k8s.io", "leases", f"{_READ} {_WRITE}"),
]
_ADMIN = [
    _rule("authorization.k8s.io", "localsubjectaccessreviews", "create"),
    _rule("rbac.authorization.k8s.io", "rolebindings roles", f"{_READ} {_WRITE}"),
]
_BASIC_USER = [
    _rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
    _rule("authentication.k8s.io", "selfsubjectreviews", "create"),
]
_DELEGATOR = [
    _rule("authentication.k8s.io", "tokenreviews", "create"),
    _rule("authorization.k8s.io", "subjectaccessreviews", "create"),
]


def objects() -> list[Object]:
    """Fresh copies of the default roles and bindings, without server-set metadata."""
    roles = _roles()
    gathered = effective_rules(roles)
    for role in roles:
        role["rules"] = [rule.to_dict() for rule in gathered[role["metadata"]["name"]]]
    return [
        *roles,
        _binding("cluster-admin", MASTERS),
        _binding("system:discovery", ALL_AUTHENTICATED),
        _binding("system:basic-user", ALL_AUTHENTICATED),
        _binding("system:public-info-viewer", ALL_AUTHENTICATED, ALL_UNAUTHENTICATED),
        _binding(ISSUER, SERVICE_ACCOUNTS_GROUP),
        _binding("system:monitoring", "system:monitoring"),
    ]


def _roles() -> list[Object]:
    keys = "/.well-known/openid-configuration /openid/v1/jwks"
    metrics = "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*"
    return [
        _role("cluster-admin", [_rule("*", "*", "*"), {"verbs": ["*"], "nonResourceURLs": ["*"]}]),
        _role("system:discovery", [_paths(f"{_HEALTH} {_DISCOVERY}")]),
        _role("system:public-info-viewer", [_paths(_HEALTH)]),
        _role(ISSUER, [_paths(keys)]),
        _role("system:monitoring", [_paths(metrics)]),
        _role("system:basic-user", _BASIC_USER),
        _role("system:auth-delegator", _DELEGATOR),
        _aggregated("admin"),
        _aggregated("edit", "admin"),
        _aggregated("view", "edit"),
        _role("system:aggregate-to-admin", _ADMIN, "admin"),
        _role("system:aggregate-to-edit", _EDIT, "edit"),
        _role("system:aggregate-to-view", _VIEW, "view"),
    ]


def updated(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object | None:
    """A default object of an older hive with what this version adds; None if it lacks nothing.

    As in Kubernetes nothing is taken away, and an object whose autoupdate annotation says `false` is left alone.
    """
    metadata = present["metadata"]
    if (metadata.get("annotations") or {}).get(AUTOUPDATE) != "true":
        return None
    labels = {**wanted["metadata"]["labels"], **(metadata.get("labels") or {})}
    found: Object = {**present, "metadata": {**metadata, "labels": labels}}
    if "aggregationRule" not in wanted:
        for key in ("rules", "subjects"):
            if key in wanted:
                found[key] = _joined(present.get(key) or [], wanted[key])
    return None if found == present else found


def _joined(present: Iterable[Any], wanted: Iterable[Any]) -> list[Any]:
    have = list(present)
    return have + [one for one in wanted if one not in have]


def _paths(paths: str) -> Object:
    return {"verbs": ["get"], "nonResourceURLs": sorted(paths.split())}


def _metadata(name: str, aggregate_to: str = "") -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    if aggregate_to:
        labels[f"{AGGREGATE}{aggregate_to}"] = "true"
    return {"name": name, "labels": labels, "annotations": {AUTOUPDATE: "true"}}


def _role(name: str, rules: list[Object], aggregate_to: str = "") -> Object:
    copies = [{key: list(value) for key, value in rule.items()} for rule in rules]
    metadata = _metadata(name, aggregate_to)
    return {"apiVersion": API_VERSION, "kind": "ClusterRole", "metadata": metadata, "rules": copies}


def _aggregated(name: str, aggregate_to: str = "") -> Object:
    role = _role(name, [], aggregate_to)
    role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"{AGGREGATE}{name}": "true"}}]}
    return role


def _binding(name: str, *groups: str) -> Object:
    api_group = API_VERSION.partition("/")[0]
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name),
        "roleRef": {"apiGroup": api_group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": api_group, "kind": "Group", "name": group} for group in groups],
    }
