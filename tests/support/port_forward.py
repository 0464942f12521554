"""A cluster's edge as a port-forward sees it: one agent, its pods, and WebSockets to programs on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiohttp import WSMsgType, web

from kgents.kube.config import ClusterConfig

PROTOCOL = "v4.channel.k8s.io"
NAMESPACE = "lab"


def pod(name: str, version: int, *, ready: bool = True) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "resourceVersion": str(version)}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {**metadata, "creationTimestamp": f"2026-01-01T00:00:{version % 60:02}Z"},
        "status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": conditions},
    }


class Edge:
    """Use as an async context manager. `forbidden`: port-forwards are refused; `reached`: the pods that were asked."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.forbidden = False
        self.protocols: tuple[str, ...] = (PROTOCOL,)
        self.reached: list[str] = []
        self.open = 0
        """Port-forwards that go on."""
        self._version = 1
        self._watches: list[asyncio.Queue[dict[str, Any]]] = []
        self._port = 0

    async def __aenter__(self) -> Edge:
        app = web.Application()
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        app.router.add_get(pods, self._list)
        app.router.add_get(pods + "/{name}/portforward", self._forward)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def config(self) -> ClusterConfig:
        return ClusterConfig(context="edge", server=f"http://127.0.0.1:{self._port}", token="t")

    def put(self, name: str, *, ready: bool = True) -> None:
        self._version += 1
        event = "MODIFIED" if name in self.pods else "ADDED"
        self.pods[name] = pod(name, self._version, ready=ready)
        self._send(event, self.pods[name])

    def drop(self, name: str) -> None:
        self._send("DELETED", self.pods.pop(name))

    def _send(self, event: str, found: dict[str, Any]) -> None:
        for watch in self._watches:
            watch.put_nowait({"type": event, "object": found})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            listed = {"metadata": {"resourceVersion": str(self._version)}, "items": list(self.pods.values())}
            return web.json_response(listed)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._watches.append(events)
        while True:
            await response.write(web.json_response(await events.get()).body + b"\n")  # type: ignore[operator]

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if self.forbidden:
            raise web.HTTPForbidden
        self.reached.append(request.match_info["name"])
        port = int(request.query["ports"])
        socket = web.WebSocketResponse(protocols=self.protocols)
        await socket.prepare(request)
        self.open += 1
        try:
            await _relay(socket, port)
        finally:
            self.open -= 1
        return socket


async def _relay(socket: web.WebSocketResponse, port: int) -> None:
    """As a node does it: the port on both channels, then bytes; an error on channel 1; the program's end is the end."""
    for channel in (b"\0", b"\1"):
        await socket.send_bytes(channel + port.to_bytes(2, "little"))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await socket.send_bytes(b"\1" + f"error forwarding port {port}: \x1b[31mconnection refused".encode())
        await socket.close()
        return

    async def down() -> None:
        while data := await reader.read(32 * 1024):
            await socket.send_bytes(b"\0" + data)
        await socket.close()

    sending = asyncio.create_task(down())
    try:
        async for message in socket:
            assert message.type is WSMsgType.BINARY
            assert message.data[0] == 0
            writer.write(message.data[1:])
            await writer.drain()
    finally:
        sending.cancel()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
