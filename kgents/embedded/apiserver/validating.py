"""Schema validation, off the event loop where rules might take their time."""

from __future__ import annotations

import asyncio
from typing import Any

from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.schema.causes import Cause

Object = dict[str, Any]


async def run_schema(resource: Resource, new: Object, old: Object | None) -> list[Cause]:
    """What the schema finds wrong. CEL rules run in a thread: a slow one holds up nobody else."""
    if not resource.custom:
        return []
    schema = resource.schema
    if schema.has_rules:
        return await asyncio.to_thread(schema.validate, new, old)
    return schema.validate(new, old)
