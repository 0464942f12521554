"""The test as the node: it says how pods are, and serves what they wrote."""

from __future__ import annotations

import ssl
from typing import Any

from aiohttp import web

from kgents.api import times
from kgents.api.kinds import NODE, POD
from kgents.kube import config
from kgents.kube.client import KubeClient
from tests.integration.operators.conftest import Body
from tests.support.waiting import eventually_async

NAME = "test-node"


def client(body: Body) -> KubeClient:
    """A client with the administrator's rights."""
    return KubeClient(config.load(path=body.api.kubeconfig))


async def pods(api: KubeClient, agent: str, namespace: str = "default") -> list[dict[str, Any]]:
    listed = await api.list(POD, namespace, label_selector=f"kgents.io/agent={agent}")
    return [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]


async def a_pod(api: KubeClient, agent: str) -> dict[str, Any]:
    """The agent's pod, once it has one."""

    async def look() -> list[dict[str, Any]]:
        return await pods(api, agent)

    return (await eventually_async(look))[0]


def running(now: float, *, ready: bool = True, restarts: int = 0, ip: str = "127.0.0.1") -> dict[str, Any]:
    state = {"running": {"startedAt": times.to_text(now - 60)}}
    return _status("Running", state, now, ready, restarts, ip)


def crashed(now: float, restarts: int) -> dict[str, Any]:
    began, over = times.to_text(now - 3), times.to_text(now - 1)
    last = {"exitCode": 7, "reason": "Error", "message": "out of honey", "startedAt": began, "finishedAt": over}
    status = _status("Running", {"waiting": {"reason": "CrashLoopBackOff"}}, now, False, restarts, "127.0.0.1")
    status["containerStatuses"][0]["lastState"] = {"terminated": last}
    return status


def _status(phase: str, state: dict[str, Any], now: float, ready: bool, restarts: int, ip: str) -> dict[str, Any]:
    container = {
        "name": "agent",
        "image": "x",
        "imageID": "",
        "ready": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": {},
    }
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": times.to_text(now)}]
    return {"phase": phase, "podIP": ip, "containerStatuses": [container], "conditions": conditions}


async def tell(api: KubeClient, pod: dict[str, Any], status: dict[str, Any]) -> None:
    """Set the pod's status."""
    metadata = pod["metadata"]
    await api.patch(POD, metadata["name"], {"status": status}, metadata["namespace"], subresource="status")


class LogServer:
    """The kubelet's side of `pods/log`: `write` adds a line to a pod's log."""

    def __init__(self, body: Body) -> None:
        self.lines: dict[str, list[tuple[float, str]]] = {}
        self._pki = body.api.dir / "pki"
        self._runner: web.AppRunner | None = None

    async def start(self, api: KubeClient) -> None:
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._serve)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._pki / "kubelet.crt", self._pki / "kubelet.key")
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = self._runner.addresses[0][1]
        made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}}
        await api.apply(NODE, made, field_manager="test")
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        await api.patch(NODE, NAME, {"status": status}, subresource="status")

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def bind(self, api: KubeClient, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"]},
            "target": {"kind": "Node", "name": NAME},
        }
        await api.create(POD, binding, metadata["namespace"], name=metadata["name"], subresource="binding")

    async def _serve(self, request: web.Request) -> web.Response:
        since = times.parse(request.query.get("sinceTime", "")) or 0.0
        wrote = [] if request.query.get("previous") == "true" else self.lines.get(request.match_info["pod"], [])
        text = "".join(f"{times.to_micro_text(at)} {line}\n" for at, line in wrote if at >= since)
        return web.Response(text=text)
