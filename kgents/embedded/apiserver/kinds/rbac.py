"""Roles and bindings: their defaults, and what makes one unfit to be stored.

The rules are those of https://kubernetes.io/docs/reference/access-authn-authz/rbac.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.embedded.apiserver.names import dns_subdomain, path_segment
from kgents.embedded.apiserver.selector_checks import check_selector
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid, not_supported, required

Object = Mapping[str, Any]
GROUP = "rbac.authorization.k8s.io"


class RoleStrategy(Strategy):
    """Role and ClusterRole."""

    def validate(self, obj: dict[str, Any], write: Write) -> list[Cause]:
        return check_role(obj)

    def validate_update(self, new: dict[str, Any], old: dict[str, Any], write: Write) -> list[Cause]:
        return check_role(new)


class BindingStrategy(Strategy):
    """RoleBinding and ClusterRoleBinding: whose role is settled for good."""

    def default(self, obj: dict[str, Any]) -> None:
        _default_groups(obj)

    def validate(self, obj: dict[str, Any], write: Write) -> list[Cause]:
        return check_binding(obj)

    def validate_update(self, new: dict[str, Any], old: dict[str, Any], write: Write) -> list[Cause]:
        causes = check_binding(new)
        reference = new.get("roleRef") or {}
        if reference != old.get("roleRef"):
            # Kubernetes shows this one as its source code names the fields.
            shown = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}
            value = {title: reference.get(key, "") for title, key in shown.items()}
            causes.append(invalid("roleRef", value, "cannot change roleRef"))
        return causes


def _default_groups(obj: dict[str, Any]) -> None:
    reference = obj.get("roleRef")
    if isinstance(reference, dict) and not reference.get("apiGroup"):
        reference["apiGroup"] = GROUP
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = GROUP


def check_role(obj: Object) -> list[Cause]:
    """The causes for which a Role or ClusterRole is refused."""
    namespaced = obj.get("kind") == "Role"
    causes: list[Cause] = []
    for index, rule in enumerate(obj.get("rules") or ()):
        causes += _rule(f"rules[{index}]", rule, namespaced)
    aggregation = obj.get("aggregationRule")
    if aggregation is not None and not aggregation.get("clusterRoleSelectors"):
        text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        causes.append(required("aggregationRule.clusterRoleSelectors", text))
    for index, selector in enumerate((aggregation or {}).get("clusterRoleSelectors") or ()):
        causes += check_selector(f"aggregationRule.clusterRoleSelectors[{index}]", selector)
    return causes


def _rule(at: str, rule: Object, namespaced: bool) -> list[Cause]:
    causes: list[Cause] = []
    if not rule.get("verbs"):
        causes.append(required(f"{at}.verbs", "verbs must contain at least one value"))
    paths = rule.get("nonResourceURLs")
    if paths:
        where = f"{at}.nonResourceURLs"
        if namespaced:
            causes.append(invalid(where, paths, "namespaced rules cannot apply to non-resource URLs"))
        if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
            causes.append(invalid(where, paths, "rules cannot apply to both regular resources and non-resource URLs"))
        return causes
    if not rule.get("apiGroups"):
        causes.append(required(f"{at}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        causes.append(required(f"{at}.resources", "resource rules must supply at least one resource"))
    return causes


def check_binding(obj: Object) -> list[Cause]:
    """The causes for which a RoleBinding or ClusterRoleBinding is refused."""
    namespaced = obj.get("kind") == "RoleBinding"
    reference = obj.get("roleRef") or {}
    kinds = ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    causes: list[Cause] = []
    if reference.get("apiGroup") != GROUP:
        causes.append(not_supported("roleRef.apiGroup", reference.get("apiGroup") or "", [GROUP]))
    if reference.get("kind") not in kinds:
        causes.append(not_supported("roleRef.kind", reference.get("kind") or "", kinds))
    name = str(reference.get("name") or "")
    if not name:
        causes.append(required("roleRef.name"))
    elif problem := path_segment(name):
        causes.append(invalid("roleRef.name", name, problem))
    for index, subject in enumerate(obj.get("subjects") or ()):
        causes += _subject(f"subjects[{index}]", subject, namespaced)
    return causes


def _subject(at: str, subject: Object, namespaced: bool) -> list[Cause]:
    kind, name, group = (str(subject.get(key) or "") for key in ("kind", "name", "apiGroup"))
    causes: list[Cause] = [] if name else [required(f"{at}.name")]
    if kind == "ServiceAccount":
        if name and (problem := dns_subdomain(name)):
            causes.append(invalid(f"{at}.name", name, problem))
        if group:
            causes.append(not_supported(f"{at}.apiGroup", group, [""]))
        if not namespaced and not subject.get("namespace"):
            causes.append(required(f"{at}.namespace"))
    elif kind in ("User", "Group"):
        if group != GROUP:
            causes.append(not_supported(f"{at}.apiGroup", group, [GROUP]))
    else:
        causes.append(not_supported(f"{at}.kind", kind, ["ServiceAccount", "User", "Group"]))
    return causes
