"""The OpenAPI endpoints, over the documents that the schema room makes of the registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kgents.embedded.apiserver.calls import Answer
from kgents.embedded.apiserver.errors import no_such_resource
from kgents.embedded.apiserver.registry import Registry, Resource
from kgents.embedded.schema.openapi import OpenApi
from kgents.embedded.schema.openapi import Resource as Described


class Publisher:
    """Answers /openapi/v2 and /openapi/v3; documents are rebuilt when the registry has changed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._generation = registry.generation
        self.schemas: Any = None
        self._documents = OpenApi(self._resources)

    def _resources(self) -> Iterable[Described]:
        return [_described(one) for one in self._registry]

    def answer(self, path: str, accept: str) -> Answer:
        """A document, or 404."""
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._documents.invalidate()
        if path == "/openapi/v2":
            return Answer(self._documents.v2())
        if path == "/openapi/v3":
            return Answer(self._documents.index(), content_type="text/plain; charset=utf-8")
        found = self._documents.document(path.removeprefix("/openapi/v3/")) if path.startswith("/openapi/v3/") else None
        if found is None:
            raise no_such_resource()
        return Answer(found[0], headers={"ETag": f'"{found[1]}"'})


def _described(resource: Resource) -> Described:
    return Described(
        group=resource.group,
        version=resource.version,
        kind=resource.kind,
        plural=resource.plural,
        singular=resource.singular,
        namespaced=resource.namespaced,
        list_kind=resource.list_kind,
        verbs=tuple(resource.verbs),
        subresources=tuple(resource.subresources),
        schema=resource.openapi,
    )
