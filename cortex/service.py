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
from cortex.tokens import Unknown
from cortex.visitors import Visitors
from kgents import __version__
from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError
from kgents.kube.errors import Conflict
from kgents.wire import cortex_pb2, cortex_pb2_grpc

log = logging.getLogger(__name__)

MESSAGE = 256 * 1024
"""Bytes of rows in one message, about: far below any limit, and large enough to cost little."""
CODES: tuple[tuple[type[KgentsError], grpc.StatusCode], ...] = (
    (NotHere, grpc.StatusCode.UNIMPLEMENTED),
    (Unreachable, grpc.StatusCode.UNAVAILABLE),
    (Unknown, grpc.StatusCode.UNAUTHENTICATED),
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
    """Invoke and Watch over one world: its owner's, or, with `visitors`, as each of them may see it."""

    def __init__(self, world: World, uses: Uses, visitors: Visitors | None = None) -> None:
        self._world, self._uses, self._visitors = world, uses, visitors

    async def Invoke(self, request: Any, context: Any) -> AsyncIterator[Any]:
        with self._uses:
            try:
                world = await self._entered(request, context)
                answer = await logos.invoke(world, request.path, request.arguments, request.namespace)
                items = answer.items if isinstance(answer.items, list) else list(answer.items)
            except KgentsError as error:
                await context.abort(code_of(error), detail_of(error))
            total = len(items) if answer.total is None else answer.total
            head = {"path": request.path, "many": answer.many, "total": total, "ageSeconds": round(answer.age, 3)}
            if answer.frozen:
                head["frozen"] = answer.frozen
            first = True
            for batch in batches(items) if items else [[]]:
                yield cortex_pb2.InvokeReply(head=orjson.dumps(head) if first else b"", items=batch)
                first = False

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        with self._uses:
            try:
                world = await self._entered(request, context)
                events = logos.watch(world, request.path, request.arguments, request.namespace)
                async with contextlib.aclosing(events):
                    async for event in events:
                        yield cortex_pb2.WatchEvent(type=event.type, item=event.item, resource=event.resource)
            except KgentsError as error:
                await context.abort(code_of(error), detail_of(error))

    async def _entered(self, request: Any, context: Any) -> World:
        if self._visitors is not None:
            # Many come, of several versions, and none of them may end what serves the others.
            return await self._visitors.world(context.invocation_metadata() or ())
        self._check_version(request.client_version)
        return self._world

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
        return _refusal(handler, _OTHER_TOKEN)


_OTHER_TOKEN = Unknown("Cortex does not know this token", why="its token file has changed or cannot be read")


class VisitorsOnly(aio.ServerInterceptor):  # type: ignore[type-arg]
    """Lets nobody in whom the API server does not know, whatever the service."""

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        if handler is None:
            return None
        try:
            await self._visitors.check(details.invocation_metadata or ())
        except KgentsError as error:
            return _refusal(handler, error)
        return handler


def _refusal(handler: Any, error: KgentsError) -> Any:
    async def refuse(request: Any, context: Any) -> None:
        await context.abort(code_of(error), detail_of(error))

    async def refuse_stream(request: Any, context: Any) -> AsyncIterator[Any]:
        await context.abort(code_of(error), detail_of(error))
        yield

    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse_stream)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(refuse_stream)
    return grpc.unary_unary_rpc_method_handler(refuse)
