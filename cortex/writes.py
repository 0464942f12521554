"""Operations that go to the API at once, with the credentials of the user who runs the daemon."""

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
    namespace = call.namespace or world.api.config.namespace
    asked = requests.Call(call.names, call.arguments, namespace, world.now())
    rows = await carry_out_async(table.operation(id)(asked), sender(world.api, FIELD_MANAGER))
    return Answer([orjson.dumps(redact.redact(row)) for row in rows], many=paths.entry(id).many)
