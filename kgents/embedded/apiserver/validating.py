"""Schema validation, off the event loop where rules might take their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.registry import Resource
from kgents.embedded.apiserver.strategy import Strategy
from kgents.embedded.schema.causes import Cause, invalid, show

Object = dict[str, Any]
MOST = 2**31 - 1
GO_TYPES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


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
    causes = await (asyncio.to_thread(work) if schema.has_rules else aside(size * schema.alternatives, work))
    return causes + _of_scale(call.resource, new, subresource)


def _of_scale(resource: Resource, obj: Object, subresource: str) -> list[Cause]:
    """What keeps a custom object from being shown as a Scale."""
    paths = resource.scale
    if paths is None:
        return []
    causes: list[Cause] = []
    for path in (paths.spec, paths.status)[int(subresource == "status") :]:
        field, found = "." + ".".join(path), _at(obj, path)
        if found is not None and type(found) is not int:
            causes.append(invalid(field, 0, _no_type(field, found, "int64")))
        elif found is not None and found < 0:
            causes.append(invalid(field, found, "should be a non-negative integer"))
        elif found is not None and found > MOST:
            causes.append(invalid(field, found, f"should be less than or equal to {MOST}"))
    field, selector = "." + ".".join(paths.selector), _at(obj, paths.selector) if paths.selector else None
    if selector is not None and not isinstance(selector, str):
        causes.append(invalid(field, "", _no_type(field, selector, "string")))
    return causes


def _no_type(field: str, found: Any, wanted: str) -> str:
    shown = found if isinstance(found, str) else show(found)
    return f"{field} accessor error: {shown} is of the type {GO_TYPES[type(found)]}, expected {wanted}"


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj
