"""Operations that go to the API at once, as the user who runs the daemon, or as the visitor who asks."""

from __future__ import annotations

import orjson

from cortex.answers import Answer, Call, World
from kgents.api import paths, redact
from kgents.api.operations import requests, table
from kgents.api.operations.carrying import carry_out_async
from kgents.kube.sending import sender

FIELD_MANAGER = "kgents"


async def carry_out(id: str, world: World, call: Call) -> Answer:
    """The operation of a path. Its rows leave without what is secret."""
    # A visitor's home is not Cortex's own.
    namespace = call.namespace or (world.api.config.namespace if world.visitor is None else "default")
    asked = requests.Call(call.names, call.arguments, namespace, world.now())
    rows = await carry_out_async(table.operation(id)(asked), sender(world.api, FIELD_MANAGER))
    return Answer([orjson.dumps(redact.redact(row)) for row in rows], many=paths.entry(id).many)
