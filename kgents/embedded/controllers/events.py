"""What a loop did, as Events: the last lines of `kubectl describe`."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import EVENT, Kind
from kgents.embedded.controllers.objects import Object, format_time
from kgents.kube.client import KubeClient
from kgents.kube.errors import ObjectNotFound

_REMEMBERED = 1024

log = logging.getLogger(__name__)


class Recorder:
    """Writes Events of one component. An Event is a courtesy: one that cannot be written is logged, and no more."""

    def __init__(self, api: KubeClient, component: str) -> None:
        self._api = api
        self._component = component
        self._written: OrderedDict[tuple[str, str, str], tuple[str, int]] = OrderedDict()

    async def record(
        self, kind: Kind, obj: Mapping[str, Any], reason: str, message: str, *, warning: bool = False
    ) -> None:
        """Tell that `reason` happened to `obj`. The same again only raises the count of the Event that is there."""
        key = (obj["metadata"]["uid"], reason, message)
        namespace = obj["metadata"].get("namespace") or "default"
        try:
            if key in self._written and await self._count(key, namespace):
                return
            event = self._event(kind, obj, reason, message, "Warning" if warning else "Normal")
            await self._api.create(EVENT, event)
        except KgentsError as error:
            log.info("no event %s of %s: %s", reason, obj["metadata"]["name"], error)
            return
        self._written[key] = (event["metadata"]["name"], 1)
        if len(self._written) > _REMEMBERED:
            self._written.popitem(last=False)

    async def _count(self, key: tuple[str, str, str], namespace: str) -> bool:
        """Count one more; False when the Event is gone meanwhile."""
        name, count = self._written[key]
        patch = {"count": count + 1, "lastTimestamp": format_time(datetime.now(UTC))}
        try:
            await self._api.patch(EVENT, name, patch, namespace)
        except ObjectNotFound:
            return False
        self._written[key] = (name, count + 1)
        return True

    def _event(self, kind: Kind, obj: Mapping[str, Any], reason: str, message: str, severity: str) -> Object:
        metadata = obj["metadata"]
        now = format_time(datetime.now(UTC))
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{time.time_ns():x}",
                "namespace": metadata.get("namespace") or "default",
            },
            "involvedObject": {
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "name": metadata["name"],
                "namespace": metadata.get("namespace"),
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion"),
            },
            "reason": reason,
            "message": message,
            "type": severity,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
