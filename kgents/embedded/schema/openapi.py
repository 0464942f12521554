"""Publishing OpenAPI: what `kubectl explain`, `kubectl apply` and client generators read.

Documents are built when asked for and kept, packed, until a CRD changes; the index and the hashes need none of them.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from kgents.embedded.schema import builtin
from kgents.embedded.schema.openapi_convert import publish_v2, publish_v3, rewrite_refs
from kgents.embedded.schema.openapi_paths import resource_paths
from kgents.embedded.schema.openapi_protobuf import encode

KEPT_DOCUMENTS = 8
NEWLINE = orjson.OPT_APPEND_NEWLINE
LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
SUPPORTING = (
    builtin.OBJECT_META,
    LIST_META,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
)
API_VERSION_TEXT = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized "
    "schemas to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
KIND_TEXT = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
    "endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
META_TEXT = (
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One served resource. `schema` is the openAPIV3Schema of a custom one, None for built-in kinds."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    list_kind: str
    verbs: tuple[str, ...]
    subresources: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None

    @property
    def path(self) -> str:
        """The group-version as a path: `api/v1`, `apis/apps/v1`."""
        return f"apis/{self.group}/{self.version}" if self.group else f"api/{self.version}"

    @property
    def gvk(self) -> dict[str, str]:
        """x-kubernetes-group-version-kind."""
        return {"group": self.group, "version": self.version, "kind": self.kind}


class OpenApi:
    """The published documents of one server. `resources` is called whenever something must be built."""

    def __init__(self, resources: Callable[[], Iterable[Resource]]) -> None:
        self._resources = resources
        self._lock = threading.RLock()
        self._groups: dict[str, tuple[str, list[Resource]]] | None = None
        self._documents: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def invalidate(self) -> None:
        """Forget what was built; call after any change of CRDs."""
        with self._lock:
            self._groups = None

    def index(self) -> bytes:
        """The document at /openapi/v3: the URL of each group-version's document, with its hash."""
        paths = {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
            for path, (digest, _) in sorted(self._by_path().items())
        }
        return orjson.dumps({"paths": paths})

    def document(self, path: str) -> tuple[bytes, str] | None:
        """The OpenAPI v3 document of `apis/GROUP/VERSION`, gzipped, and its hash; None when nothing is served there."""
        with self._lock:
            found = self._by_path().get(path.strip("/"))
            if found is None:
                return None
            digest, resources = found
            return self._kept(path, digest, lambda: orjson.dumps(_document_v3(resources), option=NEWLINE)), digest

    def v2(self, *, protobuf: bool = False) -> bytes:
        """The Swagger 2.0 document of everything, gzipped: JSON, or as kubectl wants it."""
        with self._lock:
            return self._kept("v2 protobuf" if protobuf else "v2", self.digest(), lambda: self._swagger(protobuf))

    def digest(self) -> str:
        """The hash of everything."""
        return hashlib.sha512("".join(digest for digest, _ in self._by_path().values()).encode()).hexdigest().upper()

    def _swagger(self, protobuf: bool) -> bytes:
        document = _document_v2([one for _, group in self._by_path().values() for one in group])
        return encode(document) if protobuf else orjson.dumps(document, option=NEWLINE)

    def _kept(self, name: str, digest: str, build: Callable[[], bytes]) -> bytes:
        known = self._documents.get(name)
        if known is None or known[1] != digest:
            known = self._documents[name] = gzip.compress(build(), 6, mtime=0), digest
        self._documents.move_to_end(name)
        while len(self._documents) > KEPT_DOCUMENTS:
            self._documents.popitem(last=False)
        return known[0]

    def _by_path(self) -> dict[str, tuple[str, list[Resource]]]:
        with self._lock:
            if self._groups is None:
                groups: dict[str, list[Resource]] = {}
                for resource in self._resources():
                    groups.setdefault(resource.path, []).append(resource)
                self._groups = {path: (_digest(group), group) for path, group in groups.items()}
            return self._groups


def _digest(resources: list[Resource]) -> str:
    # What the built-in kinds look like comes with their definitions, so these count too.
    text = builtin.definitions_file().parent.name.encode() + orjson.dumps(resources, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha512(text).hexdigest().upper()


def _document_v3(resources: list[Resource]) -> dict[str, Any]:
    schemas = {name: publish_v3(schema) for name, schema in _definitions(resources).items()}
    paths: dict[str, Any] = {}
    for resource in resources:
        paths.update(resource_paths(resource, definition_name(resource), "v3"))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _document_v2(resources: list[Resource]) -> dict[str, Any]:
    definitions = {name: publish_v2(schema) for name, schema in _definitions(resources).items()}
    paths: dict[str, Any] = {}
    for resource in resources:
        paths.update(resource_paths(resource, definition_name(resource), "v2"))
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "definitions": definitions,
    }


def definition_name(resource: Resource) -> str:
    """The schema's name: that of the Go type, or of the reversed group for custom resources."""
    if resource.schema is None:
        name = builtin.definition_name(resource.group, resource.version, resource.kind)
        if name is not None:
            return name
    reversed_group = ".".join(reversed(resource.group.split("."))) or "io.k8s.api.core"
    return f"{reversed_group}.{resource.version}.{resource.kind}"


def _definitions(resources: list[Resource]) -> dict[str, Any]:
    """Every definition that the resources need, by name, still in the shipped form."""
    shipped = builtin.read_definitions()
    found: dict[str, Any] = {}
    wanted = list(SUPPORTING)
    for resource in resources:
        name = definition_name(resource)
        if name in shipped:
            wanted += [name] + ([f"{name}List"] if f"{name}List" in shipped else [])
        else:
            found[name] = _custom(resource)
            found[f"{name}List"] = _custom_list(resource, name)
    while wanted:
        name = wanted.pop()
        if name not in found and name in shipped:
            found[name] = shipped[name]
            wanted += rewrite_refs(shipped[name], "")
    return found


def _custom(resource: Resource) -> dict[str, Any]:
    schema = dict(resource.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    schema["properties"] = {
        **(schema.get("properties") or {}),
        "apiVersion": {"type": "string", "description": API_VERSION_TEXT},
        "kind": {"type": "string", "description": KIND_TEXT},
        "metadata": {"description": META_TEXT, "$ref": builtin.PREFIX + builtin.OBJECT_META},
    }
    schema["x-kubernetes-group-version-kind"] = [resource.gvk]
    return schema


def _custom_list(resource: Resource, name: str) -> dict[str, Any]:
    return {
        "description": f"{resource.list_kind} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string", "description": API_VERSION_TEXT},
            "kind": {"type": "string", "description": KIND_TEXT},
            "items": {
                "type": "array",
                "description": f"List of {resource.plural}",
                "items": {"$ref": builtin.PREFIX + name},
            },
            "metadata": {"description": "Standard list metadata.", "$ref": builtin.PREFIX + LIST_META},
        },
        "x-kubernetes-group-version-kind": [{**resource.gvk, "kind": resource.list_kind}],
    }
