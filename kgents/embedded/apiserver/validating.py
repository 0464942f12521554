"""Schema validation, off the event loop where rules might take their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.strategy import Strategy
from kgents.embedded.schema.causes import Cause

Object = dict[str, Any]


async def run_strategy(strategy: Strategy, work: Callable[[], list[Cause]]) -> list[Cause]:
    """What the kind's own validation, which is `work`, finds wrong."""
    return await asyncio.to_thread(work) if strategy.judges_slowly else work()


async def run_schema(resource: Resource, new: Object, old: Object | None, size: int = 0) -> list[Cause]:
    """What the schema finds wrong. CEL rules run in a thread: a slow one holds up nobody else, nor does a large object.

    `size` is about how many bytes of JSON the object has.
    """
    if not resource.custom:
        return []
    schema = resource.schema
    if schema.has_rules:
        causes = await asyncio.to_thread(schema.validate, new, old)
    else:
        causes = await aside(size * schema.alternatives, lambda: schema.validate(new, old))
    return causes if old is None else [_as_in_updates(cause) for cause in causes]


def _as_in_updates(cause: Cause) -> Cause:
    """In updates Kubernetes names a value of the wrong type by its last part alone."""
    where = f"{cause.field} in body must be of type"
    if where not in cause.message:
        return cause
    last = cause.field.rpartition(".")[2]
    return Cause(cause.field, cause.reason, cause.message.replace(where, f"{last} in body must be of type"))
