"""An HTTP server that says what a test tells it to: for the faults that a real API server only shows by chance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from kgents.kube.config import ClusterConfig

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def agent(name: str, version: int, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "lab", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**metadata, "managedFields": [{}]}, "spec": spec}


def status(code: int, reason: str, message: str = "", **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}


class FakeApi:
    """Answers lists from `items`, and each watch with what `feed` gives it. Records the queries."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.version = 1
        self.queries: list[dict[str, str]] = []
        self.requests: list[web.Request] = []
        self.events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.answers: list[web.Response] = []
        """Answered before anything else, one a request."""
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def config(self) -> ClusterConfig:
        return ClusterConfig(context="fake", server=f"http://127.0.0.1:{self._port}", token="t")

    def send(self, event: str, obj: dict[str, Any]) -> None:
        self.events.put_nowait({"type": event, "object": obj})

    def end_watch(self) -> None:
        self.events.put_nowait(None)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.answers:
            return self.answers.pop(0)
        if not request.path.startswith("/apis/kgents.io"):
            return web.json_response({})
        self.queries.append(dict(request.query))
        if request.query.get("watch") == "true":
            return await self._watch(request)
        start = int(request.query.get("continue") or 0)
        end = start + int(request.query.get("limit") or 10_000)
        metadata = {"resourceVersion": str(self.version), "continue": str(end) if end < len(self.items) else ""}
        return web.json_response({"metadata": metadata, "items": self.items[start:end]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        while (event := await self.events.get()) is not None:
            await response.write(json.dumps(event).encode() + b"\n")
        return response
