"""The HTTP edge: every request comes in here, and every answer and error leaves here."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from typing import Any

import orjson
from aiohttp import web

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver import discovery, health, pipeline, pretty
from kgents.embedded.apiserver.api import Api
from kgents.embedded.apiserver.calls import JSON, Answer, Call
from kgents.embedded.apiserver.errors import StatusError, method_not_allowed, no_such_resource
from kgents.embedded.apiserver.requests import RequestInfo, parse
from kgents.embedded.apiserver.store.lock import StoreFailed
from kgents.embedded.apiserver.store.store import TooLarge
from kgents.embedded.apiserver.version import VERSION
from kgents.embedded.auth.errors import AuthError
from kgents.embedded.patch.errors import PatchError

BODY_LIMIT = 3 * 1024 * 1024
BODY_SECONDS = 60.0
"""How long a client may take to send what it wants to say."""
BUGS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError, RuntimeError, OSError)
log = logging.getLogger(__name__)


class Edge:
    """Turns HTTP requests into calls, and what comes of them into HTTP responses."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._discovery = discovery.Discovery(api.registry)
        self._openapi: Any = None
        self._audit = str(uuid.uuid4())

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        warnings: list[str] = []
        try:
            found = await self._answer(request, warnings)
        except (StatusError, AuthError, PatchError) as error:
            found = _failure(error)
        except StoreFailed as error:
            log.error("%s", error)
            found = _internal(f"{error.what}: {error.why}")
        except TooLarge:
            found = _failure(StatusError(500, "", "etcdserver: request is too large"))
        except KgentsError as error:
            found = _internal(str(error))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except BUGS as error:
            # A bug must become an answer, with its trace in the log, or the client would wait for a cut connection.
            log.error("A request failed: %s %s\n%s", request.method, request.path, traceback.format_exc())
            found = _internal(f"{type(error).__name__}: {error}")
        if isinstance(found, web.StreamResponse):
            return found
        if pretty.is_wanted(request.query, request.headers):
            found = await pretty.indented(found)
        return _response(found, warnings)

    async def _answer(self, request: web.BaseRequest, warnings: list[str]) -> Answer | web.StreamResponse:
        info = parse(request.method, request.raw_path)
        if info.path in health.PATHS:
            excluded = request.query.getall("exclude", [])
            return health.overall(info.path, verbose="verbose" in info.query, excluded=excluded)
        asked = pipeline.identify(self._api, info, request)
        self._api.authorizer.check(asked)
        if not info.resource:
            return await self._path(info, request)
        if info.method == "HEAD":
            raise method_not_allowed()
        resource = pipeline.find(self._api, info)
        body = await self._body(request) if request.body_exists else b""
        call = Call(self._api, info, asked.user, resource, request.headers, body, _media(request), warnings)
        return await pipeline.dispatch(call, request)

    async def _body(self, request: web.BaseRequest) -> bytes:
        if (request.content_length or 0) > BODY_LIMIT:
            raise _too_large()
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise _too_large() from error
        except TimeoutError as error:
            message = "Timeout: request did not complete within the allotted timeout"
            raise StatusError(504, "Timeout", message, details={}) from error

    async def _path(self, info: RequestInfo, request: web.BaseRequest) -> Answer:
        path = info.path.rstrip("/") or "/"
        if (found := health.single(path)) is not None:
            return found
        if discovery.handles(path):
            return self._discovered(path, request)
        if path == "/version":
            return Answer.json(VERSION)
        if path.startswith("/openapi/"):
            return await self._openapi_answer(path, info, request)
        if path == "/openid/v1/jwks":
            return Answer(orjson.dumps(self._api.accounts.jwks()), content_type="application/jwk-set+json")
        if path == "/.well-known/openid-configuration":
            return Answer.json(self._api.accounts.openid_configuration())
        raise no_such_resource()

    def _discovered(self, path: str, request: web.BaseRequest) -> Answer:
        found = self._discovery.answer(path, request.headers.get("Accept", ""))
        if found.headers.get("ETag") and request.headers.get("If-None-Match") == found.headers["ETag"]:
            found.code, found.body = 304, b""
        return found

    async def _openapi_answer(self, path: str, info: RequestInfo, request: web.BaseRequest) -> Answer:
        if self._openapi is None:
            from kgents.embedded.apiserver.openapi import Publisher

            self._openapi = Publisher(self._api.registry)
        # A document takes up to a tenth of a second to make: others need not wait for it.
        answer: Answer = await asyncio.to_thread(self._openapi.answer, path, info.query, request.headers)
        return answer


def _too_large() -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")


def _media(request: web.BaseRequest) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _failure(error: StatusError | AuthError | PatchError) -> Answer:
    status = error.status() if callable(error.status) else error.status
    found = Answer(orjson.dumps(status), error.code)
    found.headers.update(getattr(error, "headers", {}))
    retry = (status.get("details") or {}).get("retryAfterSeconds")
    if retry:
        found.headers["Retry-After"] = str(retry)
    return found


def _internal(message: str) -> Answer:
    details = {"causes": [{"message": message}]}
    return _failure(StatusError(500, "InternalError", f"Internal error occurred: {message}", details=details))


def _ended(found: Answer) -> bytes:
    """JSON ends its line, as Go's encoder writes it: clients paste messages together and rely on it."""
    plain = found.content_type == JSON and "Content-Encoding" not in found.headers
    if not plain or not found.body or found.body.endswith(b"\n"):
        return found.body
    return found.body + b"\n"


def _response(found: Answer, warnings: list[str]) -> web.Response:
    response = web.Response(body=_ended(found), status=found.code, headers=found.headers)
    response.headers["Content-Type"] = found.content_type
    response.headers.setdefault("Cache-Control", "no-cache, private")
    for text in dict.fromkeys(warnings):
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response
