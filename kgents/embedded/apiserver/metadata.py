"""The rules that hold for the metadata of every object, whatever its kind."""

from __future__ import annotations

import os
import random
import uuid
from typing import Any

import orjson

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, conflict, qualified
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.selector_checks import check_annotations, check_key, check_labels
from kgents.embedded.schema.causes import Cause, forbidden, invalid, required

Object = dict[str, Any]

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_SET = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")
_KEPT = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion")
_IMMUTABLE = "field is immutable"
ANY_VERSION = (None, "", "0")
"""What a client says that does not care which version it replaces."""
_MAPS_AND_LISTS = ("labels", "annotations", "finalizers", "ownerReferences", "managedFields")
_STANDARD_FINALIZERS = frozenset({"orphan", "foregroundDeletion", "kubernetes"})
_JUDGED_AS_NEW = frozenset(
    {("", kind) for kind in ("ConfigMap", "Secret", "Service", "ServiceAccount", "Pod", "PersistentVolumeClaim")}
    | {("rbac.authorization.k8s.io", f"{scope}{kind}") for scope in ("", "Cluster") for kind in ("Role", "RoleBinding")}
)
"""Kinds of which Kubernetes judges a changed object like a new one besides, its metadata too."""
_GENERATIONS = 8
AFTER_ADMISSION = " after mutating admission happens"
_BANNED_OWNER = ("v1", "Event")
_random = random.Random()  # names need no secrecy, and asking the system lets go of the interpreter's lock each time
_DRAWN = 256
_drawn: list[bytes] = []


def new_uid() -> str:
    """A random UUID. Many are drawn at once: each draw lets go of the interpreter's lock, and waits to get it back."""
    while True:
        try:
            return str(uuid.UUID(bytes=_drawn.pop(), version=4))
        except IndexError:
            drawn = os.urandom(16 * _DRAWN)
            _drawn.extend(drawn[at : at + 16] for at in range(0, len(drawn), 16))


def suffix() -> str:
    """Five characters that make a generated name unique enough."""
    return "".join(_random.choices(_ALPHABET, k=5))


def of(obj: Object) -> Object:
    """The metadata of an object, made if missing."""
    metadata = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    if not isinstance(metadata, dict):
        raise bad_request("json: cannot unmarshal metadata into Go struct field of type v1.ObjectMeta")
    return metadata


def match_path(call: Call, metadata: Object, *, create: bool) -> None:
    """Namespace and name of the body must agree with the path. Raises 400."""
    resource = call.resource
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.get("namespace") or create:
        if metadata.setdefault("namespace", call.namespace) not in (call.namespace, ""):
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        metadata["namespace"] = call.namespace
    if not create:
        name = metadata.setdefault("name", call.info.name) or call.info.name
        if name != call.info.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.info.name})")
        metadata["name"] = name
        if resource.namespaced:
            metadata["namespace"] = call.namespace


def prepare_create(call: Call, metadata: Object) -> None:
    """Sets what the server sets. Raises 500 for a resourceVersion, as Kubernetes does."""
    if metadata.pop("resourceVersion", None) not in ANY_VERSION:
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    for key in _SERVER_SET:
        metadata.pop(key, None)
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = _generated(call, str(metadata["generateName"]))
    metadata["uid"] = new_uid()
    metadata["creationTimestamp"] = call.now
    if call.resource.strategy.generation:
        metadata["generation"] = 1
    tidy(metadata)


def _generated(call: Call, prefix: str) -> str:
    """A name that nothing has yet, as far as a few attempts find one."""
    taken = call.api.collection(call.resource).records
    for _ in range(_GENERATIONS):
        name = prefix[: 63 - 5] + suffix()
        if (call.namespace, name) not in taken:
            break
    return name


def prepare_update(call: Call, new: Object, old: Object) -> list[Cause]:
    """Keeps what an update may not change; told is what it may not even ask for.

    Raises 409 if the caller meant another object or version.
    """
    resource = call.resource
    name = call.info.name
    uid = new.get("uid")
    causes: list[Cause] = []
    if uid and uid != old["uid"]:
        if call.info.verb != "patch":
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}"
            raise conflict(resource.group, resource.plural, name, why)
        causes.append(invalid("metadata.uid", uid, _IMMUTABLE))
    new["uid"] = old["uid"]
    if new.get("resourceVersion") not in (*ANY_VERSION, old.get("resourceVersion")):
        raise conflict(resource.group, resource.plural, name)
    new.pop("selfLink", None)
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if key not in old and new.get(key) is not None:
            causes.append(invalid(f"metadata.{key}", new[key], _IMMUTABLE))
    for key in _KEPT:
        if key in old:
            new[key] = old[key]
        else:
            new.pop(key, None)
    tidy(new)
    return causes * 2  # once for all kinds, once for the kind: see validate_update


def tidy(metadata: Object) -> None:
    """Leaves out empty maps and lists and nulls, as Kubernetes' own encoding does."""
    for key in _MAPS_AND_LISTS:
        if key in metadata and not metadata[key]:
            del metadata[key]
    for key in [key for key, value in metadata.items() if value is None or value == ""]:
        del metadata[key]


def merge_owners(call: Call, metadata: Object, when: str = "") -> None:
    """Drops owners that are there twice, and warns of them; `when` follows the word entries."""
    owners = metadata.get("ownerReferences")
    if not isinstance(owners, list) or len(owners) < 2:
        return
    kept: list[Object] = []
    for owner in owners:
        if owner not in kept:
            kept.append(owner)
    if len(kept) == len(owners):
        return
    twice = [str(owner.get("uid")) for index, owner in enumerate(owners) if owner in owners[:index]]
    call.warnings.append(
        f".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and "
        "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
        + ", ".join(twice)
    )
    metadata["ownerReferences"] = kept


def ordered(resource: Resource, obj: Object) -> Object:
    """The object with apiVersion and kind in front, so that its JSON begins with the resource's prefix."""
    first, second = resource.head
    values = {"kind": resource.kind, "apiVersion": resource.api_version}
    head = {first: values[first], second: values[second], "metadata": obj["metadata"]}
    head.update((key, value) for key, value in obj.items() if key not in head)
    return head


def validate(call: Call, metadata: Object) -> list[Cause]:
    """What is wrong with the metadata of a new object."""
    causes: list[Cause] = []
    name, prefix = metadata.get("name", ""), str(metadata.get("generateName") or "")
    if prefix and (problem := call.resource.name_problem(prefix[:-1] + "a" if prefix.endswith("-") else prefix)):
        causes.append(invalid("metadata.generateName", prefix, problem))
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    elif problem := call.resource.name_problem(str(name)):
        causes.append(invalid("metadata.name", name, problem))
    return causes + _common(call, metadata)


def validate_update(call: Call, new: Object, old: Object) -> list[Cause]:
    """What is wrong with a change of metadata.

    Kubernetes judges it for all kinds, as a whole and as a change, and again for the kind: what is wrong is told as
    often (registry/rest/update.go, BeforeUpdate).
    """
    again = (call.resource.group, call.resource.kind) in _JUDGED_AS_NEW
    finalizers = new.get("finalizers") or []
    causes: list[Cause] = []
    if any(new.get(key) != old.get(key) for key in ("labels", "annotations", "finalizers", "ownerReferences")):
        causes += _maps_and_owners(new) * (4 if again else 3)
        causes += _finalizers(finalizers) * (2 if again else 1) + _kube_finalizers(call, finalizers)
    if old.get("deletionTimestamp"):
        before = set(old.get("finalizers") or ())
        added = [name for name in finalizers if name not in before]
        if added:
            shown = ", ".join(f'"{name}"' for name in sorted(added))
            why = "no new finalizers can be added if the object is being deleted"
            why += f", found new finalizers []string{{{shown}}}"
            causes += [forbidden("metadata.finalizers", why)] * 2
    return causes


def warn(call: Call, new: Object, old: Object | None = None) -> None:
    """Tells of new finalizers of custom objects whose names may clash with those of others."""
    before = (old or {}).get("finalizers") or ()
    for name in sorted({*(new.get("finalizers") or ())} - {*before}):
        if call.resource.custom and "/" not in name and name not in _STANDARD_FINALIZERS:
            how = " including a path (/)" if "." in name else ""
            call.warnings.append(
                f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name{how} to avoid accidental '
                "conflicts with other finalizer writers"
            )


def _common(call: Call, metadata: Object) -> list[Cause]:
    finalizers = metadata.get("finalizers") or []
    return _maps_and_owners(metadata) + _finalizers(finalizers) + _kube_finalizers(call, finalizers)


def _maps_and_owners(metadata: Object) -> list[Cause]:
    causes = check_labels("metadata.labels", metadata.get("labels"))
    causes += check_annotations("metadata.annotations", metadata.get("annotations"))
    return causes + _owners(metadata.get("ownerReferences") or [])


def _finalizers(finalizers: list[str]) -> list[Cause]:
    causes = [cause for name in finalizers for cause in check_key("metadata.finalizers", name)]
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        why = "finalizer orphan and foregroundDeletion cannot be both set"
        causes.append(invalid("metadata.finalizers", finalizers, why))
    return causes


def _kube_finalizers(call: Call, finalizers: list[str]) -> list[Cause]:
    """What Kubernetes asks of the finalizers of its own kinds besides."""
    causes: list[Cause] = []
    for index, name in enumerate(() if call.resource.custom else finalizers):
        field = f"metadata.finalizers[{index}]"
        causes += check_key(field, name)
        if "/" not in name and name not in _STANDARD_FINALIZERS:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(invalid(field, name, why))
    return causes


def _owners(owners: list[Object]) -> list[Cause]:
    path = "metadata.ownerReferences"
    empty = "must not be empty"
    texts = {"apiVersion": "version must not be empty", "kind": empty, "name": empty, "uid": empty}
    causes = [
        invalid(f"{path}.{key}", "", text) for owner in owners for key, text in texts.items() if not owner.get(key)
    ]
    for owner in owners:
        if (owner.get("apiVersion"), owner.get("kind")) == _BANNED_OWNER:
            why = "/v1, Kind=Event is disallowed from being an owner"
            causes.append(Cause(path, "FieldValueInvalid", f"Invalid value: {show_plain(owner)}: {why}"))
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        first, second = (f"{owner.get('kind')}/{owner.get('name')}" for owner in controllers[:2])
        why = f'Only one reference can have Controller set to true. Found "true" in references for {first} and {second}'
        causes.append(Cause(path, "FieldValueInvalid", f"Invalid value: {show_plain(owners)}: {why}"))
    return causes


def show_plain(value: Any) -> str:
    """A value as JSON in its own order of keys."""
    return orjson.dumps(value).decode()


def kind_name(resource: Resource) -> str:
    """`Widget.example.com`, the way errors name a kind."""
    return qualified(resource.group, resource.kind)
