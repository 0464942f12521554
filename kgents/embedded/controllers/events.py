"""What a loop did, as Events: the last lines of `kubectl describe`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kgents.api.errors import KgentsError
from kgents.api.kinds import EVENT, Kind
from kgents.embedded.controllers.objects import format_time
from kgents.kube.client import KubeClient

log = logging.getLogger(__name__)


class Recorder:
    """Writes Events of one component. An Event is a courtesy: one that cannot be written is logged, and no more."""

    def __init__(self, api: KubeClient, component: str) -> None:
        self._api = api
        self._component = component

    async def record(
        self, kind: Kind, obj: Mapping[str, Any], reason: str, message: str, *, warning: bool = False
    ) -> None:
        """Tell that `reason` happened to `obj`."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace") or "default"
        now = format_time(datetime.now(UTC))
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{time.time_ns():x}", "namespace": namespace},
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
            "type": "Warning" if warning else "Normal",
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._api.create(EVENT, event)
        except KgentsError as error:
            log.info("no event %s of %s: %s", reason, metadata["name"], error)
