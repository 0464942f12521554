"""Schema validation, off the event loop where rules might take their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.strategy import Strategy
from kgents.embedded.schema.causes import Cause

Object = dict[str, Any]


async def run_strategy(strategy: Strategy, work: Callable[[], list[Cause]]) -> list[Cause]:
    """What the kind's own validation, which is `work`, finds wrong."""
    return await asyncio.to_thread(work) if strategy.judges_slowly else work()


async def run_schema(call: Call, new: Object, old: Object | None, size: int, subresource: str = "") -> list[Cause]:
    """What the schema finds wrong. CEL rules run in a thread: a slow one holds up nobody else, nor does a large object.

    `size` is about how many bytes of JSON the object has.
    """
    if not call.resource.custom:
        return []
    schema = call.resource.schema
    work = partial(schema.validate, new, old, status=subresource == "status", warnings=call.warnings)
    if schema.has_rules:
        return await asyncio.to_thread(work)
    return await aside(size * schema.alternatives, work)
