"""The gRPC face: who may ask, what errors become, and how rows travel."""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import grpc
import orjson
from grpc import aio

from cortex import logos
from cortex.answers import World
from cortex.logos import NotHere
from kgents import __version__
from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError
from kgents.api.operations import brakes
from kgents.kube.errors import Conflict
from kgents.wire import cortex_pb2, cortex_pb2_grpc

log = logging.getLogger(__name__)

MESSAGE = 256 * 1024
"""Bytes of rows in one message, about: far below any limit, and large enough to cost little."""
CODES: tuple[tuple[type[KgentsError], grpc.StatusCode], ...] = (
    (NotHere, grpc.StatusCode.UNIMPLEMENTED),
    (Unreachable, grpc.StatusCode.UNAVAILABLE),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (Refused, grpc.StatusCode.PERMISSION_DENIED),
    (UsageError, grpc.StatusCode.INVALID_ARGUMENT),
    (Conflict, grpc.StatusCode.ABORTED),
)


def code_of(error: KgentsError) -> grpc.StatusCode:
    return next((code for kind, code in CODES if isinstance(error, kind)), grpc.StatusCode.FAILED_PRECONDITION)


def detail_of(error: KgentsError) -> str:
    return json.dumps(error.to_dict())


def batches(items: Iterable[bytes], size: int = MESSAGE) -> Iterable[list[bytes]]:
    """The rows in messages of about `size` bytes."""
    batch: list[bytes] = []
    held = 0
    for item in items:
        if batch and held + len(item) > size:
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += len(item)
    if batch:
        yield batch


class Uses:
    """Who is being served, and since when nobody is: for the idle exit."""

    def __init__(self) -> None:
        self.active = 0
        self.last = time.monotonic()
        self.outdated = False
        """A client of another version asked: this daemon should make way."""

    def __enter__(self) -> Uses:
        self.active += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.active -= 1
        self.last = time.monotonic()

    def idle_for(self) -> float:
        return 0.0 if self.active else time.monotonic() - self.last


class Service(cortex_pb2_grpc.CortexServicer):
    """Invoke and Watch over one world."""

    def __init__(self, world: World, uses: Uses) -> None:
        self._world, self._uses = world, uses

    async def Invoke(self, request: Any, context: Any) -> AsyncIterator[Any]:
        with self._uses:
            try:
                self._check_version(request.client_version)
                answer = await logos.invoke(self._world, request.path, request.arguments, request.namespace)
                items = answer.items if isinstance(answer.items, list) else list(answer.items)
            except KgentsError as error:
                await context.abort(code_of(error), detail_of(error))
            total = len(items) if answer.total is None else answer.total
            head = {"path": request.path, "many": answer.many, "total": total, "ageSeconds": round(answer.age, 3)}
            if frozen := brakes.notice(self._world.mirror.brakes):
                head["frozen"] = frozen
            first = True
            for batch in batches(items) if items else [[]]:
                yield cortex_pb2.InvokeReply(head=orjson.dumps(head) if first else b"", items=batch)
                first = False

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        with self._uses:
            try:
                self._check_version(request.client_version)
                events = logos.watch(self._world, request.path, request.arguments, request.namespace)
                async with contextlib.aclosing(events):
                    async for event in events:
                        yield cortex_pb2.WatchEvent(type=event.type, item=event.item, resource=event.resource)
            except KgentsError as error:
                await context.abort(code_of(error), detail_of(error))

    def _check_version(self, client: str) -> None:
        if client and client != __version__:
            self._uses.outdated = True
            raise Unreachable(
                f"the running Cortex is kgents {__version__}, you are kgents {client}",
                fix="Restart it with kgents daemon stop",
            )


class TokenRequired(aio.ServerInterceptor):  # type: ignore[type-arg]
    """Lets nobody in without the token, whatever the service."""

    def __init__(self, token: str) -> None:
        self._wanted = f"Bearer {token}".encode()

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        given = next((value for key, value in details.invocation_metadata if key == "authorization"), "")
        given = given.encode() if isinstance(given, str) else given
        handler = await continuation(details)
        if handler is None or hmac.compare_digest(given, self._wanted):
            return handler
        return _refusal(handler)


def _refusal(handler: Any) -> Any:
    error = Refused("Cortex does not know this token", why="its token file has changed or cannot be read")

    async def refuse(request: Any, context: Any) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, detail_of(error))

    async def refuse_stream(request: Any, context: Any) -> AsyncIterator[Any]:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, detail_of(error))
        yield

    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse_stream)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(refuse_stream)
    return grpc.unary_unary_rpc_method_handler(refuse)
