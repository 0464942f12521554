"""Policy rules: what one line of a role allows, and which lines an aggregated role is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgents.embedded.auth.authorize import Attributes

_ALL = "*"


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One compiled rule. `paths` is non-empty for rules over paths; those say nothing about resources."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    paths: tuple[str, ...]
    source: Mapping[str, Any]

    def allows(self, attributes: Attributes) -> bool:
        """Whether this rule grants the request."""
        if _ALL not in self.verbs and attributes.verb not in self.verbs:
            return False
        if not attributes.resource:
            return self.covers_path(attributes.path)
        if _ALL not in self.groups and attributes.group not in self.groups:
            return False
        if not self.covers_resource(attributes.qualified, attributes.subresource):
            return False
        return not self.names or attributes.name in self.names

    def to_dict(self) -> dict[str, Any]:
        """The rule as it was written."""
        return {key: list(value) for key, value in self.source.items() if value}

    def covers_resource(self, qualified: str, subresource: str) -> bool:
        """Whether the rule names the resource, with its subresource if any."""
        if _ALL in self.resources or qualified in self.resources:
            return True
        return bool(subresource) and f"*/{subresource}" in self.resources

    def covers_path(self, path: str) -> bool:
        """Whether the rule names the path, or a beginning of it that ends in `*`."""
        for pattern in self.paths:
            if pattern in (_ALL, path):
                return True
            if pattern.endswith(_ALL) and path.startswith(pattern.rstrip(_ALL)):
                return True
        return False


def compile_rules(rules: Iterable[Mapping[str, Any]]) -> tuple[PolicyRule, ...]:
    """Rules of a role, ready to be asked."""
    return tuple(
        PolicyRule(
            frozenset(rule.get("verbs") or ()),
            frozenset(rule.get("apiGroups") or ()),
            frozenset(rule.get("resources") or ()),
            frozenset(rule.get("resourceNames") or ()),
            tuple(rule.get("nonResourceURLs") or ()),
            rule,
        )
        for rule in rules
    )


def effective_rules(roles: Iterable[Mapping[str, Any]]) -> dict[str, tuple[PolicyRule, ...]]:
    """Rules of each ClusterRole by name; an aggregated one has those of all roles that its selectors match.

    Aggregation nests (admin takes in edit, which takes in view); a circle adds nothing twice.
    """
    by_name = {role["metadata"]["name"]: role for role in roles}
    return {name: compile_rules(_collect(role, by_name, {name})) for name, role in by_name.items()}


def _collect(
    role: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]], seen: set[str]
) -> list[Mapping[str, Any]]:
    aggregation = role.get("aggregationRule")
    if not aggregation:
        return list(role.get("rules") or ())
    rules: list[Mapping[str, Any]] = []
    for selector in aggregation.get("clusterRoleSelectors") or ():
        for name, other in sorted(by_name.items()):
            if name in seen or not matches(selector, other["metadata"].get("labels") or {}):
                continue
            seen.add(name)
            rules.extend(rule for rule in _collect(other, by_name, seen) if rule not in rules)
    return rules


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector (matchLabels and matchExpressions) takes `labels`."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(expression, labels) for expression in selector.get("matchExpressions") or ())


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
