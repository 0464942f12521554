"""Kubernetes Events for what a person will want to read in `kubectl describe`: few, and never a flood."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kgents.api import events
from kgents.api.errors import KgentsError
from kgents.api.kinds import EVENT
from kgents.kube.client import KubeClient

log = logging.getLogger(__name__)

BURST = 10
"""So many events of one object …"""
WINDOW = 300.0
"""… within so many seconds; the rest is not written."""
REMEMBERED = 5000
"""Objects whose events are counted; then all counts begin anew."""
COMPONENT = "kgents-operators"


class Recorder:
    """Writes events. A failure to do so is logged and costs nothing else."""

    def __init__(self, api: KubeClient) -> None:
        self._api = api
        self._written: dict[str, list[float]] = {}

    async def record(self, obj: Mapping[str, Any], type: str, reason: str, message: str, now: float) -> None:
        """`type` is Normal or Warning; `obj` has apiVersion, kind and metadata."""
        metadata = obj["metadata"]
        recent = [moment for moment in self._written.get(metadata["uid"], []) if moment > now - WINDOW]
        if len(recent) >= BURST:
            return
        if len(self._written) > REMEMBERED:
            self._written.clear()
        self._written[metadata["uid"]] = [*recent, now]
        event = events.body(obj, type, reason, message, by=COMPONENT, now=now)
        try:
            await self._api.create(EVENT, event)
        except KgentsError as error:
            log.warning("an event of %s was not written: %s", metadata["name"], error)
