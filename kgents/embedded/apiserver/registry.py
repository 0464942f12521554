"""What the server serves: one declaration per resource and version, built in or made from a CRD."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kgents.embedded.apiserver.errors import no_such_resource, qualified
from kgents.embedded.apiserver.names import dns_subdomain
from kgents.embedded.apiserver.strategy import Strategy

if TYPE_CHECKING:
    from kgents.embedded.schema.schema import Schema

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
STATUS_VERBS = ("get", "patch", "update")

Convert = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Subresource:
    """One endpoint below an object."""

    name: str
    verbs: tuple[str, ...] = STATUS_VERBS
    kind: str = ""
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where an object keeps what Scale shows; paths without the leading dot, split."""

    spec: tuple[str, ...] = ("spec", "replicas")
    status: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ()


@dataclass(eq=False)
class Resource:
    """One resource in one version."""

    group: str
    version: str
    plural: str
    kind: str
    singular: str = ""
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: Mapping[str, Subresource] = field(default_factory=dict)
    strategy: Strategy = field(default_factory=Strategy)
    name_problem: Callable[[str], str] = dns_subdomain
    returns_deleted: bool = False
    volatile: bool = False
    custom: bool = False
    list_kind: str = ""
    scale: ScalePaths | None = None
    selectable: tuple[str, ...] = ()
    columns: tuple[Mapping[str, Any], ...] = ()
    storage_version: str = ""
    storage: str = ""
    read: Convert | None = None
    write: Convert | None = None
    own_schema: Schema | None = None
    openapi: Mapping[str, Any] | None = None
    deprecated: str = ""

    def __post_init__(self) -> None:
        self.singular = self.singular or self.kind.lower()
        self.list_kind = self.list_kind or self.kind + "List"
        self.storage_version = self.storage_version or self.version
        self.storage = self.storage or self.qualified
        self.api_version = f"{self.group}/{self.version}" if self.group else self.version
        first, second = ("apiVersion", "kind") if self.custom else ("kind", "apiVersion")
        values = {"kind": self.kind, "apiVersion": self.api_version}
        # Every stored object begins with these two; lists of built-in kinds leave them out by cutting them off.
        self.head = (first, second)
        self.prefix = f'{{"{first}":"{values[first]}","{second}":"{values[second]}",'.encode()
        self._schema = self.own_schema

    @property
    def qualified(self) -> str:
        """`widgets.example.com`, or `pods`."""
        return qualified(self.group, self.plural)

    @property
    def converts(self) -> bool:
        """Whether what is stored differs from what this version shows."""
        return self.read is not None

    @property
    def has_status(self) -> bool:
        """Whether status is an endpoint of its own."""
        return "status" in self.subresources

    @property
    def schema(self) -> Schema:
        """Its schema; loaded when first used, since that costs."""
        if self._schema is None:
            from kgents.embedded.schema.schema import Schema

            self._schema = Schema.builtin(self.group, self.version, self.kind) or Schema.custom(
                {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                group=self.group,
                version=self.version,
                kind=self.kind,
                preserve_unknown_fields=True,
            )
        return self._schema


class Registry:
    """All resources, by group, version and plural."""

    def __init__(self) -> None:
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self._versions: dict[str, tuple[Resource, ...]] = {}
        self._kinds: dict[tuple[str, str, str], Resource] = {}
        self.generation = 0

    def add(self, resource: Resource) -> None:
        """Serves a resource from now on."""
        self._resources[resource.group, resource.version, resource.plural] = resource
        self._versions.clear()
        self._kinds.clear()
        self.generation += 1

    def remove(self, resource: Resource) -> None:
        """Serves it no longer."""
        self._resources.pop((resource.group, resource.version, resource.plural), None)
        self._versions.clear()
        self._kinds.clear()
        self.generation += 1

    def get(self, group: str, version: str, plural: str) -> Resource:
        """The resource of a request. Raises 404."""
        found = self._resources.get((group, version, plural))
        if found is None:
            raise no_such_resource()
        return found

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource, or None."""
        return self._resources.get((group, version, plural))

    def of_kind(self, group: str, version: str, kind: str) -> Resource | None:
        """The resource whose objects are of a kind, or None."""
        if not self._kinds:
            for one in self._resources.values():
                self._kinds.setdefault((one.group, one.version, one.kind), one)
        return self._kinds.get((group, version, kind))

    def versions_of(self, resource: Resource) -> tuple[Resource, ...]:
        """All versions in which the same objects are served, the given one among them."""
        found = self._versions.get(resource.storage)
        if found is None:
            found = tuple(one for one in self._resources.values() if one.storage == resource.storage)
            self._versions[resource.storage] = found
        return found

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._resources.values()))

    def groups(self) -> dict[str, list[str]]:
        """Each group's versions, the preferred one first."""
        found: dict[str, list[str]] = {}
        for resource in self._resources.values():
            versions = found.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return {group: sorted(versions, key=version_rank) for group, versions in found.items()}


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Sorts v2 before v1 before v1beta2 before v1alpha1 before anything else, as Kubernetes does."""
    import re

    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return (9, 0, 0, version)
    major, stage, minor = int(match[1]), match[2] or "", int(match[3] or 0)
    return ({"": 0, "beta": 1, "alpha": 2}[stage], -major, -minor, version)
