"""Custom resources: from a CustomResourceDefinition to resources that are served, and back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from kgents.embedded.apiserver.registry import Convert, Resource, ScalePaths, Subresource, version_rank
from kgents.embedded.apiserver.strategy import GenerationStrategy, Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid
from kgents.embedded.schema.schema import Schema

if TYPE_CHECKING:
    from kgents.embedded.apiserver.api import Api
    from kgents.embedded.apiserver.store.records import Event, Record

Object = dict[str, Any]
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
CRDS = "customresourcedefinitions.apiextensions.k8s.io"
AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
log = logging.getLogger(__name__)


class CustomStrategy(GenerationStrategy):
    """A custom object. Its writers must have seen what they replace."""

    unconditional_update = False

    def __init__(self, *, has_status: bool) -> None:
        self._has_status = has_status

    def changed(self, new: Object, old: Object) -> bool:
        if self._has_status:
            return super().changed(new, old)
        return {**new, "metadata": None} != {**old, "metadata": None}


class CrdStrategy(Strategy):
    """A definition is checked, then established at once: there is nobody else to ask."""

    generation = True
    unconditional_update = False
    judges_slowly = True

    def default(self, obj: Object) -> None:
        from kgents.embedded.schema.crd import default_crd

        default_crd(obj)

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {"conditions": [], "acceptedNames": {}, "storedVersions": []}
        self._establish(obj, write)

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource == "status":
            return
        if "status" in old:
            new["status"] = orjson.loads(orjson.dumps(old["status"]))
        self._establish(new, write)

    def _establish(self, obj: Object, write: Write) -> None:
        status, spec = obj["status"], obj.get("spec") or {}
        taken = _conflict(write.api, obj)
        _condition(status, "NamesAccepted", not taken, *(taken or ("NoConflicts", "no conflicts found")), write.now)
        established = any(one["type"] == "Established" and one["status"] == "True" for one in status["conditions"])
        if not taken:
            status["acceptedNames"] = spec.get("names")
        if taken and not established:
            why = ("NotAccepted", "not all names are accepted")
            _condition(status, "Established", False, *why, write.now)
        elif not established:
            why = ("InitialNamesAccepted", "the initial names have been accepted")
            _condition(status, "Established", True, *why, write.now)
        for version in spec.get("versions") or []:
            if version.get("storage") and version["name"] not in status["storedVersions"]:
                status["storedVersions"].append(version["name"])

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        from kgents.embedded.schema.crd import validate_crd

        return validate_crd(obj, None)

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        from kgents.embedded.schema.crd import validate_crd

        return [*validate_crd(new, old), *_dropped(new)]

    def holds(self, obj: Object) -> bool:
        finalizers = obj["metadata"].setdefault("finalizers", [])
        if not obj["metadata"].get("deletionTimestamp") and CLEANUP not in finalizers:
            finalizers.append(CLEANUP)
        return bool(finalizers)


def _dropped(crd: Object) -> list[Cause]:
    """Versions under which objects were stored must stay."""
    names = {version["name"] for version in (crd.get("spec") or {}).get("versions") or ()}
    return [
        invalid(
            f"status.storedVersions[{index}]",
            name,
            f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions "
            f"until a storage migration ensures no data remains persisted in {name} and removes {name} from "
            "status.storedVersions",
        )
        for index, name in enumerate((crd.get("status") or {}).get("storedVersions") or ())
        if name not in names
    ]


def _condition(status: Object, kind: str, true: bool, reason: str, message: str, now: str) -> None:
    wanted = {"type": kind, "status": "True" if true else "False", "reason": reason, "message": message}
    for one in status["conditions"]:
        if one["type"] == kind:
            if one["status"] != wanted["status"]:
                one["lastTransitionTime"] = now
            one.update(wanted)
            return
    ordered = {"type": kind, "status": wanted["status"], "lastTransitionTime": now}
    status["conditions"].append({**ordered, "reason": reason, "message": message})


def _conflict(api: Api, obj: Object) -> tuple[str, str] | None:
    """Reason and message if another definition of the group has one of these names; the last of several counts."""
    spec = obj.get("spec") or {}
    names = spec.get("names") or {}
    found: tuple[str, str] | None = None
    for record in api.store.collection(CRDS).records.values():
        other = record.parse()
        if record.key[1] == obj["metadata"].get("name") or other["spec"]["group"] != spec.get("group"):
            continue
        accepted = (other.get("status") or {}).get("acceptedNames") or {}
        words = {accepted.get("plural"), accepted.get("singular"), *(accepted.get("shortNames") or ())}
        kinds = {accepted.get("kind"), accepted.get("listKind")}
        checks = (
            ("Plural", names.get("plural"), words),
            ("Singular", names.get("singular"), words),
            *(("ShortNames", short, words) for short in names.get("shortNames") or ()),
            ("Kind", names.get("kind"), kinds),
            ("ListKind", names.get("listKind"), kinds),
        )
        for word, name, taken in checks:
            if name and name in taken:
                found = (f"{word}Conflict", f'"{name}" is already in use')
    return found


def resources(crd: Object) -> list[Resource]:
    """The resources that an established definition serves."""
    spec, status = crd["spec"], crd.get("status") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    if conditions.get("Established") != "True":
        return []
    stored = next(version["name"] for version in spec["versions"] if version["storage"])
    schemas = {version["name"]: _schema(spec, version) for version in spec["versions"]}
    return [_resource(spec, version, stored, schemas) for version in spec["versions"] if version["served"]]


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


def _resource(spec: Object, version: Object, stored: str, schemas: Mapping[str, Schema]) -> Resource:
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
        strategy=CustomStrategy(has_status="status" in given),
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
        self._schemas: dict[str, bytes] = {}
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
        else:
            self._serve(event.record, since=None)
            if event.record.parse()["metadata"].get("deletionTimestamp"):
                self._clean(name)
        for listener in self.on_change:
            listener()

    def _serve(self, record: Record, since: int | None) -> None:
        crd = record.parse()
        spec = orjson.dumps([crd["spec"], [c["status"] for c in (crd.get("status") or {}).get("conditions") or ()]])
        name = record.key[1]
        if self._schemas.get(name) == spec:
            return
        before = self._served.get(name, [])
        self._schemas[name] = spec
        for resource in before:
            self._api.registry.remove(resource)
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
        if any(task.get_name() == name for task in self._tasks):
            return
        task = asyncio.get_running_loop().create_task(self._cleanup(name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cleanup(self, name: str) -> None:
        from kgents.embedded.apiserver.crd_cleanup import clean

        await clean(self._api, name, self._served.get(name, []))
