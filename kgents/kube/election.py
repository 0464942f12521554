"""One at a time: of all who could do a work, the one does it that holds its Lease.

So two never do a thing twice. As client-go does, a waiting one trusts its own clock only: it takes over when the Lease
has not changed for as long as it was granted. On the same machine it need not wait for that: the holder names its
process, and one that is dead holds nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from kgents.api import times
from kgents.api.errors import KgentsError
from kgents.api.kinds import LEASE
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, Conflict, ObjectNotFound

log = logging.getLogger(__name__)

Name = tuple[str, str]
"""(namespace, name) of a Lease."""
DURATION = 30.0
"""Seconds that a Lease is granted for."""
RENEW = 10.0
RETRY = 2.0
_MARGIN = 5.0
_FAREWELL = 2.0


async def lead(
    api: KubeClient,
    lease: Name,
    work: Callable[[Term], Awaitable[None]],
    stop: asyncio.Event,
    on_wait: Callable[[], None] = lambda: None,
) -> None:
    """Runs `work(ended)` whenever the Lease is ours, until `stop`. `ended` is set by `stop`, and when it is lost.

    `on_wait` is called when somebody else has been found to lead.
    """
    seat = Seat(api, lease, on_wait=on_wait)
    while not stop.is_set():
        if not await seat.take(stop):
            return
        ended = Term(seat)
        keeper = asyncio.create_task(seat.keep(stop, ended), name="leader election")
        try:
            await work(ended)
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await seat.release()


class Term(asyncio.Event):
    """Set when the time of leading is over."""

    def __init__(self, seat: Seat) -> None:
        super().__init__()
        self._seat = seat

    def holds(self) -> bool:
        """Whether we lead now. A process that stood still for a while finds out here before it is told: ask right
        before what cannot be undone and nobody else would refuse."""
        return not self.is_set() and self._seat.holds()


class Seat:
    """The Lease, as one candidate sees it."""

    def __init__(
        self,
        api: KubeClient,
        lease: Name,
        identity: str = "",
        clock: Callable[[], float] = time.monotonic,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.identity = identity or this_process()
        self._namespace, self._name = lease
        self._api = api
        self._clock = clock
        self._on_wait = on_wait
        self._seen: tuple[str, float] = ("", 0.0)
        self._told = ""
        self._renewed = -math.inf

    def holds(self) -> bool:
        """Whether the Lease is ours by our own clock: from the moment on when others may take it, it is not."""
        return self._clock() - self._renewed < DURATION - _MARGIN

    async def take(self, stop: asyncio.Event) -> bool:
        """Wait until the Lease is ours. False when `stop` came first."""
        while not stop.is_set():
            try:
                if await self._try():
                    log.info("leading as %s", self.identity)
                    return True
            except (Conflict, AlreadyExists):
                log.debug("another candidate was quicker")
            except KgentsError as error:
                self._tell(f"cannot lead yet: {error}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY):
                    await stop.wait()
        return False

    async def keep(self, stop: asyncio.Event, ended: asyncio.Event) -> None:
        """Renew until `stop`, or until it is somebody else's or may be; then set `ended`."""
        renewed = self._clock()
        while not stop.is_set() and self._clock() - renewed < DURATION - _MARGIN:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEW if self._clock() - renewed < RENEW else RETRY):
                    await stop.wait()
            try:
                if not stop.is_set():
                    if not await self._try():
                        break
                    renewed = self._clock()
            except Conflict:
                continue
            except KgentsError as error:
                self._tell(f"the lease was not renewed: {error}")
        if not stop.is_set():
            log.warning("no longer leading")
        ended.set()

    async def release(self) -> None:
        """Let the next one begin at once; where that cannot be said, it finds out."""
        try:
            async with asyncio.timeout(_FAREWELL):
                lease = await self._api.get(LEASE, self._name, self._namespace)
                if lease["spec"].get("holderIdentity") == self.identity:
                    spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._api.replace(LEASE, {**lease, "spec": spec})
        except (KgentsError, TimeoutError) as error:
            log.debug("the lease was not released: %s", error)

    async def _try(self) -> bool:
        """Take or renew it, if it is ours to take. Raises Conflict when somebody else did meanwhile."""
        now, asked = times.to_micro_text(time.time()), self._clock()
        spec = {"holderIdentity": self.identity, "leaseDurationSeconds": round(DURATION), "renewTime": now}
        try:
            lease = await self._api.get(LEASE, self._name, self._namespace)
        except ObjectNotFound:
            meta = {"name": self._name, "namespace": self._namespace}
            await self._api.create(
                LEASE, {"metadata": meta, "spec": {**spec, "acquireTime": now, "leaseTransitions": 0}}
            )
            self._renewed = asked
            return True
        known: Mapping[str, Any] = lease.get("spec") or {}
        if known.get("holderIdentity") == self.identity:
            spec = {**known, **spec}
        elif self._is_free(lease, known):
            moves = int(known.get("leaseTransitions") or 0) + 1
            spec |= {"acquireTime": now, "leaseTransitions": moves}
        else:
            self._tell(f"{known['holderIdentity']} leads; waiting")
            self._on_wait()
            return False
        await self._api.replace(LEASE, {**lease, "spec": spec})
        self._renewed = asked
        return True

    def _is_free(self, lease: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
        holder = spec.get("holderIdentity")
        if not holder or is_dead(str(holder)):
            return True
        version = lease["metadata"]["resourceVersion"]
        if self._seen[0] != version:
            self._seen = (version, self._clock())
        return self._clock() - self._seen[1] > float(spec.get("leaseDurationSeconds") or DURATION)

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            log.info("%s", text)


def this_process() -> str:
    """`host_boot_pid_start_random`: who we are, so that others on this machine can see whether we live."""
    return f"{socket.gethostname()}_{_boot()}_{os.getpid()}_{_start(os.getpid())}_{uuid.uuid4().hex[:8]}"


def is_dead(holder: str) -> bool:
    """Whether `holder` is a process of this machine that is no more. False for whatever cannot be known."""
    host, _, rest = holder.rpartition(f"_{_boot()}_")
    parts = rest.split("_")
    if host != socket.gethostname() or len(parts) != 3 or not parts[0].isdecimal():
        return False
    return _start(int(parts[0])) != parts[1]


def _boot() -> str:
    """This boot of the machine and this space of process numbers: in another one the same number is another process."""
    boot = _line(Path("/proc/sys/kernel/random/boot_id"))[:8] or "unknown"
    try:
        return f"{boot}-{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:
        return boot


def _start(pid: int) -> str:
    fields = _line(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
