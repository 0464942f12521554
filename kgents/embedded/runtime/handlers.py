"""What probes and hooks ask of a container: a request, a connection, a command, a gRPC health check, or to wait."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.launcher import enter

Object = Mapping[str, Any]
Outcome = tuple[bool, str]
"""Whether it went well, and what was said."""
_SAID = 256


@dataclass(frozen=True, slots=True)
class Handler:
    """Asks one running container. `spec_file` holds its environment."""

    container: Object
    address: str
    pid: int
    spec_file: Path

    async def probe(self, asked: Object) -> Outcome:
        """One look, within timeoutSeconds."""
        try:
            async with asyncio.timeout(asked.get("timeoutSeconds") or 1):
                return await self._ask(asked)
        except TimeoutError:
            return False, "it timed out"
        except (OSError, ValueError) as error:
            return False, getattr(error, "strerror", None) or str(error)[:_SAID]

    async def act(self, hook: Object) -> str:
        """Carry out a lifecycle hook; why it failed, "" when it did not. The grace period is its only time limit."""
        try:
            if hook.get("sleep"):
                await asyncio.sleep(float(hook["sleep"]["seconds"]))
                return ""
            if hook.get("httpGet"):
                # As with the kubelet, whatever is answered is an answer.
                good, said = await self._http(hook["httpGet"], any_answer=True)
            elif hook.get("tcpSocket"):
                good, said = await self._tcp(hook["tcpSocket"])
            else:
                good, said = await self._exec((hook.get("exec") or {}).get("command") or ["true"])
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or str(error)[:_SAID]
        return "" if good else said

    def _ask(self, probe: Object) -> Awaitable[Outcome]:
        if probe.get("httpGet"):
            return self._http(probe["httpGet"])
        if probe.get("tcpSocket"):
            return self._tcp(probe["tcpSocket"])
        if probe.get("grpc"):
            return self._grpc(probe["grpc"])
        return self._exec((probe.get("exec") or {}).get("command") or ["true"])

    async def _http(self, asked: Object, *, any_answer: bool = False) -> Outcome:
        import aiohttp

        scheme, host = str(asked.get("scheme", "HTTP")).lower(), asked.get("host") or self.address
        url = f"{scheme}://{host}:{self._port(asked['port'])}/{str(asked.get('path', '/')).lstrip('/')}"
        headers = {"User-Agent": "kube-probe/1.36", **{h["name"]: h["value"] for h in asked.get("httpHeaders") or []}}
        # A probe asks whether somebody answers, not who: as with the kubelet, certificates are not checked.
        connector = aiohttp.TCPConnector(ssl=False, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, trust_env=False) as session,
                session.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                good = any_answer or 200 <= answer.status < 400
                return good, f"HTTP probe failed with statuscode: {answer.status}"
        except aiohttp.ClientError as error:
            return False, str(error)[:_SAID]

    async def _tcp(self, asked: Object) -> Outcome:
        _, writer = await asyncio.open_connection(asked.get("host") or self.address, self._port(asked["port"]))
        writer.close()
        return True, "it accepts"

    async def _grpc(self, asked: Object) -> Outcome:
        # gRPC takes twenty megabytes: only a runtime that has such a probe pays for it.
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        options = (("grpc.enable_http_proxy", 0), ("grpc.primary_user_agent", "kube-probe/1.36"))
        async with grpc.aio.insecure_channel(f"{self.address}:{asked['port']}", options) as channel:
            request = health_pb2.HealthCheckRequest(service=asked.get("service") or "")
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(request)
            except grpc.aio.AioRpcError as error:
                return False, f"{error.code().name}: {error.details()}"[:_SAID]
        word = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        return word == "SERVING", f"service unhealthy (responded with {word!r})"

    async def _exec(self, command: list[str]) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", enter.__file__, str(self.pid), str(self.spec_file), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={},
        )
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        words = said[-_SAID:].decode(errors="replace").strip()
        return process.returncode == 0, f"exit code {process.returncode}" + (f": {words}" if words else "")

    def _port(self, port: int | str) -> int:
        if isinstance(port, int) or port.isdigit():
            return int(port)
        named = {p.get("name"): p["containerPort"] for p in self.container.get("ports") or []}
        return int(named.get(port, 0))
