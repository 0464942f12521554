"""Custom resources: from a CustomResourceDefinition to resources that are served, and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from kgents.embedded.apiserver.crd_strategy import CRDS, is_rejected, needs_webhook
from kgents.embedded.apiserver.crd_strategy import CrdStrategy as CrdStrategy
from kgents.embedded.apiserver.errors import StatusError
from kgents.embedded.apiserver.registry import Convert, Resource, ScalePaths, Subresource, version_rank
from kgents.embedded.apiserver.strategy import GenerationStrategy, Write
from kgents.embedded.schema.schema import Schema

if TYPE_CHECKING:
    from kgents.embedded.apiserver.api import Api
    from kgents.embedded.apiserver.store.records import Event, Record

Object = dict[str, Any]
AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
log = logging.getLogger(__name__)


class CustomStrategy(GenerationStrategy):
    """A custom object. Its writers must have seen what they replace."""

    unconditional_update = False

    def __init__(self, *, has_status: bool, terminating: bool = False) -> None:
        self._has_status = has_status
        self._terminating = terminating

    def prepare_create(self, obj: Object, write: Write) -> None:
        if self._terminating:
            text = "create not allowed while custom resource definition is terminating"
            raise StatusError(405, "MethodNotAllowed", text, details={})

    def changed(self, new: Object, old: Object) -> bool:
        if self._has_status:
            return super().changed(new, old)
        return {**new, "metadata": None} != {**old, "metadata": None}


def resources(crd: Object) -> list[Resource]:
    """The resources that an established definition serves."""
    spec, status = crd["spec"], crd.get("status") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    if conditions.get("Established") != "True":
        return []
    stored = next(version["name"] for version in spec["versions"] if version["storage"])
    schemas = {version["name"]: _schema(spec, version) for version in spec["versions"]}
    served = [version for version in spec["versions"] if version["served"]]
    if needs_webhook(spec):
        served = [version for version in served if version["name"] == stored]
    terminating = conditions.get("Terminating") == "True"
    return [_resource(spec, version, stored, schemas, terminating=terminating) for version in served]


def _schema(spec: Object, version: Object) -> Schema:
    return Schema.custom(
        (version.get("schema") or {}).get("openAPIV3Schema"),
        group=spec["group"],
        version=version["name"],
        kind=spec["names"]["kind"],
        preserve_unknown_fields=bool(spec.get("preserveUnknownFields")),
    )


def _deprecation(spec: Object, version: Object) -> str:
    """The warning that users of a version get, or nothing."""
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning"):
        return str(version["deprecationWarning"])
    group, kind = spec["group"], spec["names"]["kind"]
    text = f"{group}/{version['name']} {kind} is deprecated"
    better = [one["name"] for one in spec["versions"] if one["served"] and not one.get("deprecated")]
    newest = min(better, key=version_rank, default="")
    if newest and version_rank(newest) < version_rank(version["name"]):
        return f"{text}; use {group}/{newest} {kind}"
    return text


def _resource(
    spec: Object, version: Object, stored: str, schemas: Mapping[str, Schema], *, terminating: bool
) -> Resource:
    names, group, name = spec["names"], spec["group"], version["name"]
    given = version.get("subresources") or {}
    subresources: dict[str, Subresource] = {}
    scale = None
    if "status" in given:
        subresources["status"] = Subresource("status")
    if "scale" in given:
        subresources["scale"] = Subresource("scale", kind="Scale", group="autoscaling", version="v1")
        scale = ScalePaths(
            _path(given["scale"]["specReplicasPath"]),
            _path(given["scale"]["statusReplicasPath"]),
            _path(given["scale"].get("labelSelectorPath") or ""),
        )
    schema = schemas[name]
    return Resource(
        group,
        name,
        names["plural"],
        names["kind"],
        singular=names.get("singular") or "",
        list_kind=names.get("listKind") or "",
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=subresources,
        strategy=CustomStrategy(has_status="status" in given, terminating=terminating),
        custom=True,
        scale=scale,
        selectable=tuple(one["jsonPath"].lstrip(".") for one in version.get("selectableFields") or ()),
        columns=tuple(version.get("additionalPrinterColumns") or (AGE,)),
        storage_version=stored,
        own_schema=schema,
        openapi=(version.get("schema") or {}).get("openAPIV3Schema"),
        read=None if name == stored else _to(f"{group}/{name}", schema),
        write=None if name == stored else _to(f"{group}/{stored}", schemas[stored]),
        deprecated=_deprecation(spec, version),
    )


def _path(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(".") if part)


def _to(api_version: str, schema: Schema) -> Convert:
    """Conversion strategy None: the same fields under another version, with that version's defaults."""

    def convert(obj: Object) -> Object:
        converted = {**obj, "apiVersion": api_version}
        schema.prune(converted)
        schema.default(converted)
        return converted

    return convert


class CustomResources:
    """Keeps the registry in step with the definitions in the store."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._served: dict[str, list[Resource]] = {}
        self._schemas: dict[str, tuple[bytes, list[tuple[str, str]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_change: list[Any] = []
        self._collection = api.store.collection(CRDS)

    def start(self) -> None:
        """Serves what is defined, and follows changes from now on."""
        for record in list(self._collection.records.values()):
            self._serve(record, since=record.rv)
        self._collection.listeners.add(self._changed)

    def resume(self) -> None:
        """Takes up deletions that a restart interrupted; needs a running loop."""
        for record in list(self._collection.records.values()):
            if record.parse()["metadata"].get("deletionTimestamp"):
                self._clean(record.key[1])

    def _changed(self, event: Event) -> None:
        name = event.record.key[1]
        if event.type == "DELETED":
            for resource in self._served.pop(name, []):
                self._api.registry.remove(resource)
                self._api.store.collection(resource.storage).end_watches()
            self._schemas.pop(name, None)
            self._spawn(f"names freed by {name}", self._reconsider(name))
        else:
            self._serve(event.record, since=None)
            if event.record.parse()["metadata"].get("deletionTimestamp"):
                self._clean(name)
        for listener in self.on_change:
            listener()

    def _serve(self, record: Record, since: int | None) -> None:
        crd = record.parse()
        conditions = [(one["type"], one["status"]) for one in (crd.get("status") or {}).get("conditions") or ()]
        spec = orjson.dumps(crd["spec"])
        name = record.key[1]
        known, settled = self._schemas.get(name, (b"", []))
        if (known, settled) == (spec, conditions):
            return
        before = self._served.get(name, [])
        self._schemas[name] = (spec, conditions)
        for resource in before:
            self._api.registry.remove(resource)
            if known != spec:
                # They would go on in the form of before.
                self._api.store.collection(resource.storage).end_watches()
        self._served[name] = resources(crd)
        for resource in self._served[name]:
            self._api.registry.add(resource)
        if self._served[name]:
            self._renew(crd, since)

    def _renew(self, crd: Mapping[str, Any], since: int | None) -> None:
        """Brings objects that were stored under an older schema to what a read shows under this one."""
        stored = next(version["name"] for version in crd["spec"]["versions"] if version["storage"])
        resource = next((one for one in self._served[crd["metadata"]["name"]] if one.version == stored), None)
        if resource is None:
            return
        for record in self._api.store.collection(resource.storage).records.values():
            if since is not None and record.rv > since:
                continue
            obj = record.parse()
            obj["apiVersion"] = resource.api_version
            resource.schema.prune(obj)
            resource.schema.default(obj)
            record.data = orjson.dumps(obj)
            record.fields = None

    def _clean(self, name: str) -> None:
        if not any(task.get_name() == name for task in self._tasks):
            self._spawn(name, self._cleanup(name))

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cleanup(self, name: str) -> None:
        from kgents.embedded.apiserver.crd_cleanup import clean

        await clean(self._api, name, self._served.get(name, []))

    async def _reconsider(self, gone: str) -> None:
        """Definitions of the same group that waited for a name may have it now."""
        from kgents.embedded.apiserver.crd_cleanup import touch

        group = gone.partition(".")[2]
        for record in list(self._collection.records.values()):
            crd = record.parse()
            if crd["spec"]["group"] == group and is_rejected(crd):
                await touch(self._api, record.key[1])
