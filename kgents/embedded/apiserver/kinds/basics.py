"""Namespaces, ConfigMaps, Secrets, ServiceAccounts, Events and Leases."""

from __future__ import annotations

import base64
import re
from typing import Any

import orjson

from kgents.embedded.apiserver.errors import forbidden
from kgents.embedded.apiserver.json_errors import go_words
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid, required
from kgents.embedded.schema.causes import forbidden as forbidden_field
from kgents.embedded.schema.decoding import JSON_NAMES

Object = dict[str, Any]
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
IMMUTABLE = "field is immutable when `immutable` is set"
LIMIT = 1024 * 1024
KEY_LIMIT = 253
NEEDED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
"""The keys that a Secret of a type must have."""
ACCOUNT = "kubernetes.io/service-account.name"
PROTECTED = ("default", "kube-system", "kube-public")


class NamespaceStrategy(Strategy):
    """A namespace waits for its content to go before it goes."""

    def prepare_create(self, obj: Object, write: Write) -> None:
        meta = obj["metadata"]
        if meta.get("name"):
            meta["labels"] = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta["name"]}
        finalizers = (obj.get("spec") or {}).get("finalizers") or []
        obj["spec"] = {"finalizers": list(dict.fromkeys([*finalizers, "kubernetes"]))}
        obj["status"] = {"phase": "Active"}

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        labels = new["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = new["metadata"]["name"]
        if write.subresource != "finalize":
            new["spec"] = old.get("spec", {})
        if write.subresource != "status" and "status" in old:
            new["status"] = old["status"]

    def holds(self, obj: Object) -> bool:
        return bool((obj.get("spec") or {}).get("finalizers"))

    def mark_deleted(self, obj: Object) -> None:
        # A namespace waits without a grace period of its own.
        obj["metadata"].pop("deletionGracePeriodSeconds", None)
        obj.setdefault("status", {})["phase"] = "Terminating"

    def before_delete(self, obj: Object, write: Write) -> None:
        if write.name in PROTECTED:
            raise forbidden("", "namespaces", write.name, "this namespace may not be deleted")


def _keys(field: str, data: Object) -> list[Cause]:
    return [invalid(f"{field}[{key}]", key, problem) for key in data for problem in _key_problems(key)]


def _key_problems(key: str) -> list[str]:
    problems = [f"must be no more than {KEY_LIMIT} characters"] if len(key) > KEY_LIMIT else []
    if not _KEY.fullmatch(key):
        problems.append(_KEY_TEXT)
    if key in (".", ".."):
        problems.append(f"must not be '{key}'")
    elif key.startswith(".."):
        problems.append("must not start with '..'")
    return problems


class ConfigMapStrategy(Strategy):
    """Plain text under keys that may become file names."""

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        causes = [*_keys("data", data), *_keys("binaryData", binary)]
        causes += [
            invalid(f"data[{key}]", key, "duplicate of key present in binaryData") for key in data if key in binary
        ]
        if sum(len(str(value).encode()) for value in (*data.values(), *binary.values())) > LIMIT:
            causes.append(Cause("", "FieldValueTooLong", f"Too long: may not be more than {LIMIT} bytes"))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        causes = self.validate(new, write)
        if not old.get("immutable"):
            return causes
        if not new.get("immutable"):
            causes.append(forbidden_field("immutable", IMMUTABLE))
        changed = (key for key in ("data", "binaryData") if new.get(key) != old.get(key))
        return causes + [forbidden_field(key, IMMUTABLE) for key in changed]


class SecretStrategy(Strategy):
    """Base64 under keys; stringData is taken in and forgotten."""

    def default(self, obj: Object) -> None:
        texts = obj.pop("stringData", None)
        if texts:
            encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}
        obj.setdefault("type", "Opaque")

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        data = obj.get("data") or {}
        causes = _keys("data", data)
        if sum(len(base64.b64decode(value or "")) for value in data.values()) > LIMIT:
            causes.append(Cause("data", "FieldValueTooLong", f"Too long: may not be more than {LIMIT} bytes"))
        return causes + _of_type(obj, data)

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        causes = self.validate(new, write)
        if new.get("type") != old.get("type"):
            causes.append(invalid("type", new.get("type"), "field is immutable"))
        if not old.get("immutable"):
            return causes
        if not new.get("immutable"):
            causes.append(forbidden_field("immutable", IMMUTABLE))
        if new.get("data") != old.get("data"):
            causes.append(forbidden_field("data", IMMUTABLE))
        return causes


def _of_type(secret: Object, data: Object) -> list[Cause]:
    """What the type of a Secret asks of it."""
    kind = secret.get("type")
    if kind == "kubernetes.io/service-account-token":
        named = (secret["metadata"].get("annotations") or {}).get(ACCOUNT)
        return [] if named else [required(f"metadata.annotations[{ACCOUNT}]")]
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        return [required("data[username]"), required("data[password]")]
    causes: list[Cause] = []
    for key in NEEDED.get(str(kind), ()):
        if key not in data or (key == "ssh-privatekey" and not data[key]):
            causes.append(required(f"data[{key}]"))
        elif key.startswith(".docker") and (problem := _json_problem(base64.b64decode(data[key] or ""))):
            causes.append(invalid(f"data[{key}]", "<secret contents redacted>", problem))
    return causes


def _json_problem(text: bytes) -> str:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return go_words(text, error)
    if found is None or isinstance(found, dict):
        return ""
    return f"json: cannot unmarshal {JSON_NAMES[type(found)]} into Go value of type map[string]interface {{}}"


class EventStrategy(Strategy):
    """What happened. Fields that Kubernetes always shows are filled in."""

    def default(self, obj: Object) -> None:
        for key in ("involvedObject", "source"):
            obj.setdefault(key, {})
        for key in ("firstTimestamp", "lastTimestamp", "eventTime"):
            obj.setdefault(key, None)
        for key in ("reportingComponent", "reportingInstance"):
            obj.setdefault(key, "")

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        namespace = (obj.get("involvedObject") or {}).get("namespace") or "default"
        if namespace != obj["metadata"].get("namespace"):
            return [invalid("involvedObject.namespace", namespace, "does not match event.namespace")]
        return []


class LeaseStrategy(Strategy):
    """A lock with a time on it."""

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        spec = obj.get("spec") or {}
        causes = []
        if spec.get("leaseDurationSeconds") is not None and spec["leaseDurationSeconds"] <= 0:
            causes.append(invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"))
        if spec.get("leaseTransitions") is not None and spec["leaseTransitions"] < 0:
            text = "must be greater than or equal to 0"
            causes.append(invalid("spec.leaseTransitions", spec["leaseTransitions"], text))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return self.validate(new, write)


class ClaimStrategy(Strategy):
    """A claim of storage, which the process runtime turns into a directory."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("volumeMode", "Filesystem")
        obj.setdefault("status", {"phase": "Pending"})
