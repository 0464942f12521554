"""The OpenAPI endpoints, over the documents that the schema room makes of the registry."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate

from kgents.embedded.apiserver.calls import JSON, Answer
from kgents.embedded.apiserver.errors import no_such_resource
from kgents.embedded.apiserver.forms import clauses
from kgents.embedded.apiserver.registry import Registry, Resource
from kgents.embedded.schema.openapi import OpenApi
from kgents.embedded.schema.openapi import Resource as Described
from kgents.embedded.schema.openapi_protobuf import DEPRECATED_MEDIA, MEDIA

YEAR = 365 * 24 * 3600
SERVED = {JSON: JSON, MEDIA: MEDIA, DEPRECATED_MEDIA: MEDIA, "application/*": JSON, "*/*": JSON}
"""Accepted media type → what is answered, for /openapi/v2."""


class Publisher:
    """Answers /openapi/v2 and /openapi/v3 from any thread; documents are rebuilt when the registry has changed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._generation = registry.generation
        self._documents = OpenApi(self._resources)

    def _resources(self) -> Iterable[Described]:
        return [_described(one) for one in self._registry]

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """A document, or 404; 406 where the client wants another form.

        As kube-openapi does it: documents have ETags, and one asked for by its hash may be kept for a year.
        """
        generation = self._registry.generation
        if self._generation != generation:
            self._documents.invalidate()
            self._generation = generation
        if path == "/openapi/v3":
            return Answer(self._documents.index(), content_type="text/plain; charset=utf-8")
        if path == "/openapi/v2":
            return self._v2(headers)
        found = self._documents.document(path.removeprefix("/openapi/v3/")) if path.startswith("/openapi/v3/") else None
        if found is None:
            raise no_such_resource()
        body, digest = found
        asked = query.get("hash")
        if asked and asked != digest:
            return Answer(b"", 301, headers={"Location": f"{path}?hash={digest}"})
        kept = {"Cache-Control": "public, immutable", "Expires": formatdate(time.time() + YEAR, usegmt=True)}
        return _packed(lambda: body, headers, JSON, {"ETag": f'"{digest}"', **(kept if asked else {})})

    def _v2(self, headers: Mapping[str, str]) -> Answer:
        wanted = clauses(headers.get("Accept") or "*/*")
        media = next((SERVED[one] for one, _ in wanted if one in SERVED), None)
        if media is None:
            return Answer(b"", 406, headers={"Vary": "Accept"})
        protobuf = media == MEDIA
        etag = f'"{self._documents.digest()[:64]}{"-P" if protobuf else ""}"'
        return _packed(lambda: self._documents.v2(protobuf=protobuf), headers, media, {"ETag": etag})


def _packed(body: Callable[[], bytes], headers: Mapping[str, str], media: str, own: dict[str, str]) -> Answer:
    """A gzipped document for whoever takes it so, and a plain one for the others."""
    answer = Answer(b"", content_type=media, headers={**own, "Vary": "Accept, Accept-Encoding"})
    if headers.get("If-None-Match") == own["ETag"]:
        answer.code = 304
    elif "gzip" in headers.get("Accept-Encoding", ""):
        answer.body, answer.headers["Content-Encoding"] = body(), "gzip"
    else:
        answer.body = gzip.decompress(body())
    return answer


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
