"""The roles and bindings that every cluster has from its first second.

They are data. What users add to `view`, `edit` and `admin` for kinds of their own goes by the usual aggregation labels.
"""

from __future__ import annotations

from typing import Any

from kgents.embedded.auth.user import ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, MASTERS, SERVICE_ACCOUNTS_GROUP

API_VERSION = "rbac.authorization.k8s.io/v1"

_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_HEALTH = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]

_CORE_READABLE = [
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "pods/log",
    "pods/status",
    "resourcequotas",
    "serviceaccounts",
    "services",
    "services/status",
]
_CORE_WRITABLE = [
    "configmaps",
    "endpoints",
    "events",
    "persistentvolumeclaims",
    "pods",
    "secrets",
    "serviceaccounts",
    "services",
]
_APPS = [
    "deployments",
    "deployments/scale",
    "deployments/status",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"verbs": verbs, "apiGroups": groups, "resources": resources}


_VIEW = [
    _rule([""], _CORE_READABLE, _READ),
    _rule(["apps"], _APPS, _READ),
    _rule(["batch"], ["jobs", "jobs/status"], _READ),
    _rule(["discovery.k8s.io"], ["endpointslices"], _READ),
    _rule(["networking.k8s.io"], ["networkpolicies"], _READ),
]
_EDIT = [
    _rule([""], ["secrets"], _READ),
    _rule([""], _CORE_WRITABLE, _WRITE),
    _rule([""], ["serviceaccounts/token"], ["create"]),
    _rule([""], ["serviceaccounts"], ["impersonate"]),
    _rule(["apps"], ["deployments", "deployments/scale", "replicasets", "replicasets/scale"], _WRITE),
    _rule(["batch"], ["jobs"], _WRITE),
    _rule(["coordination.k8s.io"], ["leases"], [*_READ, *_WRITE]),
    _rule(["networking.k8s.io"], ["networkpolicies"], _WRITE),
]
_ADMIN = [
    _rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
    _rule(["rbac.authorization.k8s.io"], ["roles", "rolebindings"], [*_READ, *_WRITE]),
]


def objects() -> list[dict[str, Any]]:
    """Fresh copies of the default roles and bindings, without server-set metadata."""
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    delegated = [
        _rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        _rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]
    everything = [_rule(["*"], ["*"], ["*"]), {"verbs": ["*"], "nonResourceURLs": ["*"]}]
    issuer = ["/.well-known/openid-configuration", "/openid/v1/jwks"]
    return [
        _role("cluster-admin", everything),
        _role("system:discovery", [_paths([*_HEALTH, *_DISCOVERY])]),
        _role("system:public-info-viewer", [_paths(_HEALTH)]),
        _role("system:service-account-issuer-discovery", [_paths(issuer)]),
        _role("system:monitoring", [_paths(["/metrics", "/metrics/*", "/livez/*", "/readyz/*", "/healthz/*"])]),
        _role(
            "system:basic-user",
            [
                _rule(["authorization.k8s.io"], reviews, ["create"]),
                _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
            ],
        ),
        _role("system:auth-delegator", delegated),
        _aggregated("admin", ["admin", "edit", "view"]),
        _aggregated("edit", ["edit", "view"]),
        _aggregated("view", ["view"]),
        _role("system:aggregate-to-admin", _ADMIN, "admin"),
        _role("system:aggregate-to-edit", _EDIT, "edit"),
        _role("system:aggregate-to-view", _VIEW, "view"),
        _binding("cluster-admin", "cluster-admin", MASTERS),
        _binding("system:discovery", "system:discovery", ALL_AUTHENTICATED),
        _binding("system:basic-user", "system:basic-user", ALL_AUTHENTICATED),
        _binding("system:public-info-viewer", "system:public-info-viewer", ALL_AUTHENTICATED, ALL_UNAUTHENTICATED),
        _binding(
            "system:service-account-issuer-discovery",
            "system:service-account-issuer-discovery",
            SERVICE_ACCOUNTS_GROUP,
        ),
        _binding("system:monitoring", "system:monitoring", "system:monitoring"),
    ]


def _paths(paths: list[str]) -> dict[str, Any]:
    return {"verbs": ["get"], "nonResourceURLs": list(paths)}


def _metadata(name: str, aggregate_to: str = "") -> dict[str, Any]:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    if aggregate_to:
        labels[f"rbac.authorization.k8s.io/aggregate-to-{aggregate_to}"] = "true"
    return {
        "name": name,
        "labels": labels,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }


def _role(name: str, rules: list[dict[str, Any]], aggregate_to: str = "") -> dict[str, Any]:
    copies = [{key: list(value) for key, value in rule.items()} for rule in rules]
    metadata = _metadata(name, aggregate_to)
    return {"apiVersion": API_VERSION, "kind": "ClusterRole", "metadata": metadata, "rules": copies}


def _aggregated(name: str, parts: list[str]) -> dict[str, Any]:
    selectors = [{"matchLabels": {f"rbac.authorization.k8s.io/aggregate-to-{part}": "true"}} for part in parts]
    role = _role(name, [])
    role["aggregationRule"] = {"clusterRoleSelectors": selectors}
    return role


def _binding(name: str, role: str, *groups: str) -> dict[str, Any]:
    api_group = API_VERSION.partition("/")[0]
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name),
        "roleRef": {"apiGroup": api_group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": api_group, "kind": "Group", "name": group} for group in groups],
    }
