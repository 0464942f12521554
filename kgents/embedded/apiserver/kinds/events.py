"""Events of the group events.k8s.io: the core group's Events under other names of fields."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid, required

Object = dict[str, Any]
API_VERSION = "events.k8s.io/v1"
NEW_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
OLD_NAMES = {new: old for old, new in NEW_NAMES.items()}
NEEDED = ("eventTime", "reportingController", "reportingInstance", "action", "reason")
"""What the new API asks of a new event; https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1"""
TYPES = ("Normal", "Warning")


def shown(obj: Object) -> Object:
    """An Event as events.k8s.io shows it."""
    return _renamed(obj, NEW_NAMES, API_VERSION)


def stored(obj: Object) -> Object:
    """An Event of events.k8s.io as the core group keeps it."""
    return _renamed(obj, OLD_NAMES, "v1")


def _renamed(obj: Object, names: dict[str, str], version: str) -> Object:
    rest = {names.get(key, key): value for key, value in obj.items() if key not in ("kind", "apiVersion")}
    return {"kind": "Event", "apiVersion": version, **rest}


class EventsStrategy(Strategy):
    """Demands what the core group's Events may leave out."""

    def default(self, obj: Object) -> None:
        for key in ("regarding", "deprecatedSource"):
            obj.setdefault(key, {})
        for key in ("deprecatedFirstTimestamp", "deprecatedLastTimestamp", "eventTime"):
            obj.setdefault(key, None)

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        causes = [required(key) for key in NEEDED if not obj.get(key)]
        if obj.get("type") not in TYPES:
            causes.append(invalid("type", obj.get("type", ""), f"has invalid value: {obj.get('type', '')}"))
        namespace = (obj.get("regarding") or {}).get("namespace") or "default"
        if namespace != obj["metadata"].get("namespace"):
            causes.append(invalid("involvedObject.namespace", namespace, "does not match event.namespace"))
        return causes
