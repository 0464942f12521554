"""Nobody grants what he does not hold: the check on roles and bindings beyond plain RBAC.

A writer of a role needs every permission in it, or the verb `escalate` on it; a writer of a binding needs every
permission of the role that it names, or the verb `bind` on that role. A role that gathers the rules of others may be
written only by who may do everything (https://kubernetes.io/docs/reference/access-authn-authz/rbac).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import AuthError, Forbidden
from kgents.embedded.auth.roles import PolicyRule, compile_rules
from kgents.embedded.auth.user import MASTERS, User

GROUP = "rbac.authorization.k8s.io"
_ROLES = {"roles", "clusterroles"}
_BINDINGS = {"rolebindings", "clusterrolebindings"}
_COLLECTED = ("finalizers", "ownerReferences", "managedFields", "resourceVersion", "generation")
"""Metadata that the garbage collector must be able to change, whatever it holds itself."""
_EVERYTHING = compile_rules(
    [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]}]
)

Atom = tuple[str, str, str, str, str]
"""`(group, resource, name, path, verb)`: the smallest rules that together are a rule."""


def check(
    authorizer: Authorizer,
    user: User,
    resource: str,
    obj: Mapping[str, Any],
    old: Mapping[str, Any] | None,
) -> None:
    """Raise Forbidden when writing `obj` (`old` before it, if any) would give away more than `user` has.

    Raises NotFound for a binding of a role that is not there: whoever makes it later need not hold what is in it.
    """
    if MASTERS in user.groups or resource not in _ROLES | _BINDINGS:
        return
    metadata = obj["metadata"]
    namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
    if old is not None and _essence(old) == _essence(obj):
        return
    if resource in _BINDINGS:
        rules = _granted(authorizer, user, namespace, obj.get("roleRef") or {})
        if rules is None:
            return
    elif _may(authorizer, user, "escalate", GROUP, resource, namespace, name):
        return
    else:
        rules = compile_rules(obj.get("rules") or ())
    _confirm(authorizer, user, namespace, resource, name, rules)
    if any((one or {}).get("aggregationRule") for one in (obj, old)) and _missing(
        authorizer, user, namespace, _EVERYTHING
    ):
        raise _forbidden(resource, name, "must have cluster-admin privileges to use the aggregationRule")


def _essence(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _COLLECTED}
    return {**obj, "metadata": metadata}


def _granted(
    authorizer: Authorizer, user: User, namespace: str, reference: Mapping[str, Any]
) -> tuple[PolicyRule, ...] | None:
    """What a binding gives away; None where the user may bind that role whatever is in it."""
    kind, name = str(reference.get("kind") or ""), str(reference.get("name") or "")
    plural = "clusterroles" if kind == "ClusterRole" else "roles"
    if _may(authorizer, user, "bind", str(reference.get("apiGroup") or GROUP), plural, namespace, name):
        return None
    rules = authorizer.rules_of_role(kind, namespace, name)
    if rules is None:
        details = {"name": name, "group": GROUP, "kind": plural}
        raise AuthError(404, "NotFound", f'{plural}.{GROUP} "{name}" not found', details)
    return rules


def _may(authorizer: Authorizer, user: User, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
    attributes = Attributes(user, verb, group, "v1", resource, namespace=namespace, name=name)
    return bool(authorizer.authorize(attributes))


def _confirm(
    authorizer: Authorizer, user: User, namespace: str, resource: str, name: str, rules: Iterable[PolicyRule]
) -> None:
    missing = _missing(authorizer, user, namespace, rules)
    if not missing:
        return
    lines = "\n".join(sorted(set(_compact(missing))))
    groups = "[" + " ".join(_quote(group) for group in user.groups) + "]"
    why = f"user {_quote(user.name)} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n"
    raise _forbidden(resource, name, why + lines)


def _missing(authorizer: Authorizer, user: User, namespace: str, rules: Iterable[PolicyRule]) -> list[Atom]:
    held = list(authorizer.rules_of(user, namespace))
    return [atom for rule in rules for atom in _atoms(rule.source) if not any(_contains(one, *atom) for one in held)]


def _atoms(rule: Mapping[str, Any]) -> Iterator[Atom]:
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                for name in rule.get("resourceNames") or ("",):
                    yield (group, resource, name, "", verb)
    for path in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield ("", "", "", path, verb)


def _contains(holder: PolicyRule, group: str, resource: str, name: str, path: str, verb: str) -> bool:
    if "*" not in holder.verbs and verb not in holder.verbs:
        return False
    if path:
        return holder.covers_path(path)
    if "*" not in holder.groups and group not in holder.groups:
        return False
    if not holder.covers_resource(resource, resource.partition("/")[2]):
        return False
    return not holder.names or name in holder.names


def _compact(missing: Iterable[Atom]) -> Iterator[str]:
    """One line for all verbs of a resource, and one for each verb of a path, as Kubernetes writes them."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for group, resource, name, path, verb in missing:
        if path:
            yield "{" + f"NonResourceURLs:[{_quote(path)}], Verbs:[{_quote(verb)}]" + "}"
        else:
            verbs.setdefault((group, resource, name), []).append(verb)
    for (group, resource, name), found in verbs.items():
        named = f"ResourceNames:[{_quote(name)}], " if name else ""
        listed = " ".join(_quote(verb) for verb in found)
        yield "{" + f"APIGroups:[{_quote(group)}], Resources:[{_quote(resource)}], {named}Verbs:[{listed}]" + "}"


def _forbidden(resource: str, name: str, why: str) -> Forbidden:
    message = f'{resource}.{GROUP} "{name}" is forbidden: {why}'
    return Forbidden(message, {"name": name, "group": GROUP, "kind": resource})


def _quote(text: str) -> str:
    return f'"{text}"'
