"""RBAC: may this user do this? Rules are indexed by subject, once per change, so that a decision is a few set look-ups.

There is no deny rule: what no binding grants is refused. `system:masters` is above the roles, so that a hive whose
roles were deleted can still be repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgents.embedded.auth.errors import Forbidden
from kgents.embedded.auth.roles import PolicyRule, compile_rules, effective_rules
from kgents.embedded.auth.user import MASTERS, User

Lister = Callable[[str], "Iterable[Mapping[str, Any]]"]


@dataclass(frozen=True, slots=True)
class Attributes:
    """One request: of a resource, or of a path when `resource` is empty."""

    user: User
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def qualified(self) -> str:
        """The resource with its subresource, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """True when allowed; `reason` names the binding that did it."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class _Grant:
    rules: tuple[PolicyRule, ...]
    reason: str


@dataclass(slots=True)
class _Index:
    """Grants by subject: for the whole cluster, and by namespace. A subject is `("User"|"Group", name)`."""

    cluster_rules: Mapping[str, tuple[PolicyRule, ...]]
    namespaced_rules: Mapping[tuple[str, str], tuple[PolicyRule, ...]]
    cluster: dict[tuple[str, str], list[_Grant]] = field(default_factory=dict)
    namespaced: dict[str, dict[tuple[str, str], list[_Grant]]] = field(default_factory=dict)


class Authorizer:
    """Decides by the roles and bindings that `lister` returns from memory. Call `invalidate` whenever one changed."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._index: _Index | None = None

    def invalidate(self) -> None:
        """Forget what was compiled; the next decision reads the roles again."""
        self._index = None

    def authorize(self, attributes: Attributes) -> Decision:
        """Whether some binding grants this."""
        if MASTERS in attributes.user.groups:
            return Decision(True)
        for grant in self._grants(attributes.user, attributes.namespace if attributes.resource else ""):
            if any(rule.allows(attributes) for rule in grant.rules):
                return Decision(True, grant.reason)
        return Decision(False)

    def check(self, attributes: Attributes) -> None:
        """Raise Forbidden, worded as Kubernetes words it, unless this is allowed."""
        if not self.authorize(attributes):
            raise forbidden(attributes)

    def rules_of(self, user: User, namespace: str) -> Iterator[PolicyRule]:
        """Every rule that binds `user` in `namespace` (empty: in the cluster)."""
        if MASTERS in user.groups:
            yield from _EVERYTHING
        for grant in self._grants(user, namespace):
            yield from grant.rules

    def rules_for(self, user: User, namespace: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Resource rules and path rules of `user`, as a SelfSubjectRulesReview lists them."""
        resources: list[dict[str, Any]] = []
        paths: list[dict[str, Any]] = []
        for rule in self.rules_of(user, namespace):
            (paths if rule.paths else resources).append(rule.to_dict())
        return resources, paths

    def rules_of_role(self, kind: str, namespace: str, name: str) -> tuple[PolicyRule, ...] | None:
        """The rules of a Role or ClusterRole; None when there is no such role."""
        index = self._indexed()
        if kind == "ClusterRole":
            return index.cluster_rules.get(name)
        return index.namespaced_rules.get((namespace, name))

    def _indexed(self) -> _Index:
        if self._index is None:
            self._index = build_index(self._lister)
        return self._index

    def _grants(self, user: User, namespace: str) -> Iterator[_Grant]:
        index = self._indexed()
        tables = [index.cluster]
        if namespace and namespace in index.namespaced:
            tables.append(index.namespaced[namespace])
        for table in tables:
            yield from table.get(("User", user.name), ())
            for group in user.groups:
                yield from table.get(("Group", group), ())


_EVERYTHING = compile_rules(
    [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
)


def build_index(lister: Lister) -> _Index:
    """Join bindings with the roles they name. A binding whose role is missing grants nothing."""
    cluster_rules = effective_rules(lister("clusterroles"))
    namespaced_rules = {
        (role["metadata"]["namespace"], role["metadata"]["name"]): compile_rules(role.get("rules") or ())
        for role in lister("roles")
    }
    index = _Index(cluster_rules, namespaced_rules)
    for binding in lister("clusterrolebindings"):
        rules = cluster_rules.get(binding["roleRef"]["name"])
        if rules:
            _add(index.cluster, binding, rules, "")
    for binding in lister("rolebindings"):
        namespace, reference = binding["metadata"]["namespace"], binding["roleRef"]
        if reference["kind"] == "ClusterRole":
            rules = cluster_rules.get(reference["name"])
        else:
            rules = namespaced_rules.get((namespace, reference["name"]))
        if rules:
            _add(index.namespaced.setdefault(namespace, {}), binding, rules, namespace)
    return index


def _add(
    table: dict[tuple[str, str], list[_Grant]],
    binding: Mapping[str, Any],
    rules: tuple[PolicyRule, ...],
    namespace: str,
) -> None:
    reference = binding["roleRef"]
    name = binding["metadata"]["name"]
    what = f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'
    for subject in binding.get("subjects") or ():
        key = _subject_key(subject, namespace)
        if key is None:
            continue
        whom = f'{subject["kind"]} "{_subject_name(subject, namespace)}"'
        reason = f'RBAC: allowed by {what} of {reference["kind"]} "{reference["name"]}" to {whom}'
        table.setdefault(key, []).append(_Grant(rules, reason))


def _subject_key(subject: Mapping[str, Any], namespace: str) -> tuple[str, str] | None:
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind in ("User", "Group"):
        return (kind, name)
    home = subject.get("namespace") or namespace
    if kind == "ServiceAccount" and home:
        return ("User", f"system:serviceaccount:{home}:{name}")
    return None


def _subject_name(subject: Mapping[str, Any], namespace: str) -> str:
    if subject["kind"] != "ServiceAccount":
        return str(subject["name"])
    return f"{subject['name']}/{subject.get('namespace') or namespace}"


def forbidden(attributes: Attributes, why: str = "") -> Forbidden:
    """The refusal of a request, with `why` appended."""
    tail = f": {why}" if why else ""
    who = f'User "{attributes.user.name}"'
    if not attributes.resource:
        return Forbidden(f'forbidden: {who} cannot {attributes.verb} path "{attributes.path}"{tail}')
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    what = f"{attributes.resource}.{attributes.group}" if attributes.group else attributes.resource
    if attributes.name:
        what = f'{what} "{attributes.name}"'
    message = (
        f'{what} is forbidden: {who} cannot {attributes.verb} resource "{attributes.qualified}" '
        f'in API group "{attributes.group}" {where}{tail}'
    )
    details = {"name": attributes.name, "group": attributes.group, "kind": attributes.resource}
    return Forbidden(message, {key: value for key, value in details.items() if value})
