"""Which writes a policy or a webhook is about: rules, selectors, and the same object under another version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgents.embedded.apiserver.admission import Review
    from kgents.embedded.apiserver.registry import Resource

Object = dict[str, Any]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A compiled label selector; without requirements it selects everything."""

    requirements: tuple[tuple[str, str, frozenset[str]], ...] = ()

    @classmethod
    def of(cls, source: Mapping[str, Any] | None) -> LabelSelector:
        """The selector of an API object."""
        given = source or {}
        found = [(key, "In", frozenset([str(value)])) for key, value in (given.get("matchLabels") or {}).items()]
        for one in given.get("matchExpressions") or ():
            found.append((str(one.get("key")), str(one.get("operator")), frozenset(map(str, one.get("values") or ()))))
        return cls(tuple(found))

    def matches(self, labels: Labels) -> bool:
        """Whether these labels are selected. An operator that is not one selects nothing."""
        return all(_holds(labels, key, operator, values) for key, operator, values in self.requirements)


def _holds(labels: Labels, key: str, operator: str, values: frozenset[str]) -> bool:
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: operations on resources."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: tuple[tuple[str, str], ...]
    scope: str = "*"
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Rule:
        """The rule of an API object."""
        split = (str(name).partition("/") for name in source.get("resources") or ())
        return cls(
            frozenset(source.get("operations") or ()),
            frozenset(source.get("apiGroups") or ()),
            frozenset(source.get("apiVersions") or ()),
            tuple((resource, sub) for resource, _, sub in split),
            str(source.get("scope") or "*"),
            frozenset(source.get("resourceNames") or ()),
        )

    def matches(self, review: Review, resource: Resource) -> bool:
        """Whether a write is meant, seen as one of `resource`."""
        return (
            (review.operation in self.operations or "*" in self.operations)
            and (resource.group in self.groups or "*" in self.groups)
            and (resource.version in self.versions or "*" in self.versions)
            and self._names_resource(resource.plural, review.subresource)
            and self._in_scope(resource.namespaced)
            and (not self.names or review.name in self.names)
        )

    def _names_resource(self, plural: str, subresource: str) -> bool:
        return any(name in ("*", plural) and sub in ("*", subresource) for name, sub in self.resources)

    def _in_scope(self, namespaced: bool) -> bool:
        return self.scope == "*" or (self.scope == "Namespaced") == namespaced


@dataclass(frozen=True, slots=True)
class Target:
    """What a policy, a binding or a webhook is about."""

    rules: tuple[Rule, ...] | None
    excluded: tuple[Rule, ...] = ()
    namespaces: LabelSelector = LabelSelector()
    objects: LabelSelector = LabelSelector()
    equivalent: bool = True

    @classmethod
    def of(cls, source: Mapping[str, Any], rules: Sequence[Object] | None) -> Target:
        """From the fields that policies, bindings and webhooks share. `rules` None: every write."""
        return cls(
            None if rules is None else tuple(Rule.of(rule) for rule in rules),
            tuple(Rule.of(rule) for rule in source.get("excludeResourceRules") or ()),
            LabelSelector.of(source.get("namespaceSelector")),
            LabelSelector.of(source.get("objectSelector")),
            source.get("matchPolicy") != "Exact",
        )

    def match(self, review: Review) -> Resource | None:
        """The resource as which the write is meant; None when it is not meant at all."""
        found = self._resource(review)
        if found is None or not self._selected(review):
            return None
        if any(rule.matches(review, one) for rule in self.excluded for one in self._seen_as(review)):
            return None
        return found

    def _resource(self, review: Review) -> Resource | None:
        if self.rules is None:
            return review.call.resource
        for resource in self._seen_as(review):
            if any(rule.matches(review, resource) for rule in self.rules):
                return resource
        return None

    def _seen_as(self, review: Review) -> Iterator[Resource]:
        """The resource itself and, where equivalents count, its other versions."""
        asked = review.call.resource
        yield asked
        if self.equivalent:
            for other in review.call.api.registry.versions_of(asked):
                if other is not asked:
                    yield other

    def _selected(self, review: Review) -> bool:
        if self.objects.requirements:
            states = (one for one in (review.obj, review.old) if one is not None)
            if not any(self.objects.matches(labels(state)) for state in states):
                return False
        if not self.namespaces.requirements:
            return True
        own = namespace_labels(review)
        return own is None or self.namespaces.matches(own)


def labels(obj: Mapping[str, Any]) -> Labels:
    """The labels of an object."""
    found: Labels = (obj.get("metadata") or {}).get("labels") or {}
    return found


def namespace_labels(review: Review) -> Labels | None:
    """The labels of the namespace that a write happens in; None for what is in no namespace.

    A namespace is in itself: when it is written, what is about to be stored counts.
    """
    call = review.call
    if call.resource.plural == "namespaces" and not call.resource.group:
        state = review.obj if review.obj is not None and not review.subresource else review.old
        return labels(state or {})
    if not call.namespace:
        return None
    record = call.api.namespaces.get("", call.namespace)
    return {} if record is None else record.labels


def seen_as(review: Review, resource: Resource, obj: Object | None) -> Object | None:
    """An object of the request in the version of a matched resource."""
    asked = review.call.resource
    if obj is None or resource is asked or review.subresource == "scale":
        return obj
    stored = asked.write(obj) if asked.write is not None else obj
    return resource.read(stored) if resource.read is not None else stored


def asked_as(review: Review, resource: Resource, obj: Object) -> Object:
    """The way back from `seen_as`."""
    asked = review.call.resource
    if resource is asked or review.subresource == "scale":
        return obj
    stored = resource.write(obj) if resource.write is not None else obj
    return asked.read(stored) if asked.read is not None else stored
