"""Probes: is a container started, ready, alive? One task a probe, with the kubelet's periods and thresholds.

What is learnt stands in `Health`; whoever needs it is woken when it changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.launcher import enter

Object = Mapping[str, Any]
Outcome = tuple[bool, str]
_SAID = 256
_FIRST_PAUSE = 0.1


@dataclass(slots=True)
class Health:
    """`ready` and `started` as far as probes know; `sick` says why a container must be restarted."""

    started: bool = True
    ready: bool = True
    sick: str = ""


@dataclass(slots=True)
class Row:
    """How often in a row a probe had the same outcome."""

    good: bool = False
    length: int = 0

    def add(self, good: bool) -> int:
        self.length = self.length + 1 if good is self.good else 1
        self.good = good
        return self.length


@dataclass(slots=True)
class Prober:
    """All probes of one running container. `wake` is called when its health changed."""

    container: Object
    address: str
    pid: int
    spec_file: Path
    wake: Callable[[], None]
    health: Health = field(default_factory=Health)
    _task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Starts probing. Without probes a container is started and ready from the beginning."""
        startup, readiness, liveness = (self.container.get(f"{n}Probe") for n in ("startup", "readiness", "liveness"))
        self.health.started = not startup
        self.health.ready = not (readiness or startup)
        if startup or readiness or liveness:
            self._task = asyncio.create_task(self._run(startup, readiness, liveness))

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, startup: Object | None, readiness: Object | None, liveness: Object | None) -> None:
        if startup and not await self._watch(startup, "startup", until_good=True):
            return
        self._change(started=True, ready=not readiness)
        async with asyncio.TaskGroup() as tasks:
            if readiness:
                tasks.create_task(self._readiness(readiness))
            if liveness:
                tasks.create_task(self._watch(liveness, "liveness"))

    async def _watch(self, probe: Object, name: str, *, until_good: bool = False) -> bool:
        """Asks until failureThreshold failures in a row, which make the container sick; or until the first success."""
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        row = Row()
        while True:
            good, said = await self._once(probe)
            if good and until_good:
                return True
            if row.add(good) >= (probe.get("failureThreshold") or 3) and not good:
                self._change(sick=f"{name} probe failed: {said}")
                return False
            await asyncio.sleep(probe.get("periodSeconds") or 10)

    async def _readiness(self, probe: Object) -> None:
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        row = Row()
        period = float(probe.get("periodSeconds") or 10)
        pause = _FIRST_PAUSE
        while True:
            good, _ = await self._once(probe)
            needed = (probe.get("successThreshold") or 1) if good else (probe.get("failureThreshold") or 3)
            if row.add(good) >= needed:
                self._change(ready=good)
            # At first it is asked often: nobody wants to wait out a period for the first success. Then less and less.
            pause = period if self.health.ready else min(period, pause * 1.5)
            await asyncio.sleep(pause)

    def _change(self, *, ready: bool | None = None, started: bool | None = None, sick: str | None = None) -> None:
        before = (self.health.ready, self.health.started, self.health.sick)
        self.health.ready = self.health.ready if ready is None else ready
        self.health.started = self.health.started if started is None else started
        self.health.sick = self.health.sick if sick is None else sick
        if before != (self.health.ready, self.health.started, self.health.sick):
            self.wake()

    async def _once(self, probe: Object) -> Outcome:
        try:
            async with asyncio.timeout(probe.get("timeoutSeconds") or 1):
                return await self._ask(probe)
        except TimeoutError:
            return False, "it timed out"
        except (OSError, ValueError) as error:
            return False, getattr(error, "strerror", None) or str(error)[:_SAID]

    def _ask(self, probe: Object) -> Awaitable[Outcome]:
        if probe.get("httpGet"):
            return self._http(probe["httpGet"])
        if probe.get("tcpSocket"):
            return self._tcp(probe["tcpSocket"])
        if probe.get("grpc"):
            # A whole gRPC client for a probe is too much: whether somebody accepts must do.
            return self._tcp(probe["grpc"])
        return self._exec((probe.get("exec") or {}).get("command") or ["true"])

    async def _http(self, asked: Object) -> Outcome:
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
                return 200 <= answer.status < 400, f"it answered {answer.status}"
        except aiohttp.ClientError as error:
            return False, str(error)[:_SAID]

    async def _tcp(self, asked: Object) -> Outcome:
        _, writer = await asyncio.open_connection(asked.get("host") or self.address, self._port(asked["port"]))
        writer.close()
        return True, "it accepts"

    async def _exec(self, command: list[str]) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", enter.__file__, str(self.pid), str(self.spec_file), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
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
