"""Nobody grants what he does not hold: the check on roles and bindings beyond plain RBAC.

A writer of a role needs every permission in it, or the verb `escalate` on it; a writer of a binding needs every
permission of the role that it names, or the verb `bind` on that role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import Forbidden
from kgents.embedded.auth.roles import PolicyRule, compile_rules
from kgents.embedded.auth.user import MASTERS, User

GROUP = "rbac.authorization.k8s.io"
_ROLES = {"roles", "clusterroles"}
_BINDINGS = {"rolebindings", "clusterrolebindings"}


def check(
    authorizer: Authorizer,
    user: User,
    resource: str,
    obj: Mapping[str, Any],
    old: Mapping[str, Any] | None,
) -> None:
    """Raise Forbidden when writing `obj` (`old` before it, if any) would give away more than `user` has."""
    if MASTERS in user.groups or resource not in _ROLES | _BINDINGS:
        return
    metadata = obj["metadata"]
    namespace = metadata.get("namespace") or ""
    if resource in _ROLES:
        same = old is not None and all(old.get(key) == obj.get(key) for key in ("rules", "aggregationRule"))
        if same or _may(authorizer, user, "escalate", resource, namespace, metadata.get("name") or ""):
            return
        rules = compile_rules(obj.get("rules") or ())
        if obj.get("aggregationRule"):
            rules = (*rules, *compile_rules([_ANYTHING]))
    else:
        if old is not None and old.get("subjects") == obj.get("subjects") and old.get("roleRef") == obj.get("roleRef"):
            return
        reference = obj["roleRef"]
        plural = "clusterroles" if reference["kind"] == "ClusterRole" else "roles"
        if _may(authorizer, user, "bind", plural, namespace, reference["name"]):
            return
        rules = authorizer.rules_of_role(reference["kind"], namespace, reference["name"])
    missing = [rule for rule in rules if not _covered(rule, list(authorizer.rules_of(user, namespace)))]
    if missing:
        raise _refusal(user, resource, metadata.get("name") or "", missing)


_ANYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def _may(authorizer: Authorizer, user: User, verb: str, resource: str, namespace: str, name: str) -> bool:
    attributes = Attributes(user, verb, GROUP, "v1", resource, namespace=namespace, name=name)
    return bool(authorizer.authorize(attributes))


def _covered(rule: PolicyRule, owned: list[PolicyRule]) -> bool:
    return all(any(_contains(holder, *atom) for holder in owned) for atom in _atoms(rule))


def _atoms(rule: PolicyRule) -> Iterator[tuple[str, str, str, str, str]]:
    """`(verb, group, resource, name, path)`: the smallest rules that together are `rule`."""
    for verb, path in product(rule.verbs, rule.paths):
        yield (verb, "", "", "", path)
    for verb, group, resource, name in product(rule.verbs, rule.groups, rule.resources, rule.names or ("",)):
        yield (verb, group, resource, name, "")


def _contains(holder: PolicyRule, verb: str, group: str, resource: str, name: str, path: str) -> bool:
    if "*" not in holder.verbs and verb not in holder.verbs:
        return False
    if path:
        return holder.covers_path(path)
    if "*" not in holder.groups and group not in holder.groups:
        return False
    if not holder.covers_resource(resource, resource.partition("/")[2]):
        return False
    return not holder.names or name in holder.names


def _refusal(user: User, resource: str, name: str, missing: list[PolicyRule]) -> Forbidden:
    lines = "\n".join(sorted(_written(rule) for rule in missing))
    groups = "[" + " ".join(f'"{group}"' for group in user.groups) + "]"
    message = (
        f'{resource}.{GROUP} "{name}" is forbidden: user "{user.name}" (groups={groups}) is attempting to grant RBAC '
        f"permissions not currently held:\n{lines}"
    )
    return Forbidden(message, {"name": name, "group": GROUP, "kind": resource})


def _written(rule: PolicyRule) -> str:
    parts = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("ResourceNames", "resourceNames"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("Verbs", "verbs"),
    )
    shown = (
        f"{title}:[{', '.join(_quote(value) for value in rule.source.get(key) or ())}]"
        for title, key in parts
        if rule.source.get(key)
    )
    return "{" + ", ".join(shown) + "}"


def _quote(text: str) -> str:
    return f'"{text}"'
