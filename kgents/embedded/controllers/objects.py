"""Small questions that every loop asks of plain Kubernetes dictionaries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kgents.api.kinds import Kind

Object = dict[str, Any]
Key = tuple[str, str]

_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def key_of(obj: Mapping[str, Any]) -> Key:
    """`(namespace, name)`; the namespace is empty for cluster-scoped objects."""
    metadata = obj["metadata"]
    return (metadata.get("namespace") or "", metadata["name"])


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels, never None."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """The annotations, never None."""
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Mapping[str, Any]) -> bool:
    """Whether somebody asked for its deletion."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def controller_of(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference that says `controller: true`."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def owner_reference(kind: Kind, owner: Mapping[str, Any]) -> Object:
    """A controller reference to `owner`."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes `labels`. None and the empty selector take nothing: a loop never adopts all."""
    if not selector:
        return False
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    if not wanted and not expressions:
        return False
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(expression, labels) for expression in expressions)


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


def without_nulls(value: Any) -> Any:
    """A copy without null fields, so that what a client wrote as null equals what it left out."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def safe_hash(value: Any, length: int = 10) -> str:
    """A hash of JSON data in letters that spell no words and are fit for names."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).digest()
    return "".join(_SAFE[byte % len(_SAFE)] for byte in digest[:length])


def parse_time(text: str | None) -> datetime | None:
    """An RFC 3339 time, None for none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def format_time(when: datetime) -> str:
    """RFC 3339 in UTC with whole seconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def created(obj: Mapping[str, Any]) -> str:
    """Creation time, as it sorts."""
    return obj["metadata"].get("creationTimestamp") or ""


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The status condition of that type."""
    for entry in (obj.get("status") or {}).get("conditions") or ():
        if entry.get("type") == kind:
            return dict(entry)
    return None
