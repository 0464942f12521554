"""The Services of a hive: every `clusterIP:port` is a real listener that forwards to the ready endpoints.

What Kubernetes leaves to kube-proxy. It carries TCP; other protocols get an Event that says so. Service addresses
outside 127.0.0.0/8 belong to somebody else's cluster and are left alone, and so are nodePorts. While the API server
is away it goes on with what it knows. sessionAffinity has no effect: all clients have the same address here.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from kgents.api.kinds import ENDPOINT_SLICE, SERVICE
from kgents.embedded.controllers.events import Recorder
from kgents.embedded.runtime import ports
from kgents.embedded.runtime.forwarding import Endpoint, Forwarder, Slots
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer, Key, key_of
from kgents.kube.queue import Controller

Object = dict[str, Any]
SERVICE_LABEL = "kubernetes.io/service-name"
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
RETRY = 5.0
"""Seconds until a port that was taken is tried again."""
SILENCE, LONGEST_SILENCE = 0.1, 2.0
"""Seconds until a ready endpoint that does not accept yet is asked again, at first and at most."""
MOST_ASKED = 4
DEPARTING = 0.02
"""Seconds between looks whether an address is still served."""
COMPONENT = "kgents-service-proxy"


@dataclass(frozen=True, slots=True)
class Port:
    """One port of a Service, as it is listened on. `name` is empty for a Service's only port."""

    address: str
    port: int
    name: str
    protocol: str


def ports_of(service: Object) -> list[Port]:
    """What there is to listen on. Nothing for a Service without an address on the loopback net."""
    spec = service.get("spec") or {}
    address = spec.get("clusterIP") or ""
    if spec.get("type") == "ExternalName" or not _is_loopback(address) or _is_deleting(service):
        return []
    entries = spec.get("ports") or ()
    return [Port(address, e["port"], e.get("name") or "", e.get("protocol") or "TCP") for e in entries]


def ready_endpoints(slices: Iterable[Object], name: str) -> tuple[Endpoint, ...]:
    """The ready addresses that serve the TCP port of that name, each once, in order."""
    found: set[Endpoint] = set()
    for part in slices:
        if part.get("addressType") != "IPv4" or _is_deleting(part):
            continue
        served = [
            port["port"]
            for port in part.get("ports") or ()
            if (port.get("name") or "") == name and (port.get("protocol") or "TCP") == "TCP" and port.get("port")
        ]
        for endpoint in part.get("endpoints") or ():
            # A condition that is not told counts as true.
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                found.update((address, port) for address in endpoint.get("addresses") or () for port in served)
    return tuple(sorted(found))


def explain(place: Endpoint, error: OSError, root: Path | None) -> tuple[str, str]:
    """Reason and message of the Event about a port that could not be had. Reads /proc."""
    address, port = place
    what = f"cannot listen on {address}:{port}"
    if error.errno == errno.EACCES:
        fix = "give the Service a port of 1024 or more, or lower net.ipv4.ip_unprivileged_port_start"
        return "PortForbidden", f"{what}: this user may not listen on ports that low; {fix}"
    if error.errno != errno.EADDRINUSE:
        return "ListenFailed", f"{what}: {error.strerror}"
    conflict = ports.find_conflict(address, [port], (), ports.pod_processes(root) if root else {})
    if conflict is None:
        return "PortInUse", f"{what}: the port is in use"
    direct = "" if conflict.address == address else ", so that connections go there and not to the Service"
    return "PortInUse", f"{what}: {conflict.holder} listens on {conflict.address}:{port}{direct}"


async def _accepts(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in LOOPBACK
    except ValueError:
        return False


def _is_deleting(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


class ServiceProxy:
    """`async with ServiceProxy(api):` forwards for as long as it lasts, and ends its connections with it.

    `root` is the hive's folder: with it, a pod that holds a port is known by its name.
    """

    def __init__(self, api: KubeClient, root: Path | None = None, slots: Slots | None = None) -> None:
        self.services = Informer(api, SERVICE)
        self.slices = Informer(api, ENDPOINT_SLICE, label_selector=SERVICE_LABEL)
        self.controller: Controller[Key] = Controller("service", self.reconcile, workers=2)
        server = urlsplit(api.config.server)
        self._server: Endpoint = (server.hostname or "", server.port or 443)
        self._root = root
        self._slots = slots or Slots()
        self._recorder = Recorder(api, COMPONENT)
        self._forwarders: dict[Key, dict[Endpoint, Forwarder]] = {}
        self._closing: list[Forwarder] = []
        self._slices_of: dict[Key, dict[Key, Object]] = {}
        self._troubled: set[tuple[Key, Endpoint]] = set()
        self._told: dict[Key, tuple[str, str]] = {}
        self._silence: dict[Key, float] = {}
        self.services.on_change(lambda _, service: self.controller.enqueue(key_of(service)))
        self.services.on_deleted(self._forget)
        self.slices.on_added(self._add_slice)
        self.slices.on_updated(self._replace_slice)
        self.slices.on_deleted(self._drop_slice)

    async def __aenter__(self) -> ServiceProxy:
        await self.services.start()
        await self.slices.start()
        await self.controller.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.controller.__aexit__(kind, error, trace)
        await self.slices.stop()
        await self.services.stop()
        for key in list(self._forwarders):
            self._forget_key(key)
        for forwarder in self._closing:
            await forwarder.wait_closed()

    async def departed(self, address: str) -> None:
        """Returns once no new connection is led to `address`: its end may begin."""
        while any(
            address == endpoint[0]
            for forwarders in self._forwarders.values()
            for forwarder in forwarders.values()
            for endpoint in forwarder.endpoints
        ):
            await asyncio.sleep(DEPARTING)

    async def reconcile(self, key: Key) -> float | None:
        """Make the listeners of one Service true. Returns seconds until another look when a port could not be had."""
        # Half a mirror would close what has to stay open.
        await self.services.synced.wait()
        await self.slices.synced.wait()
        service = self.services.get(*key)
        if service is None:
            self._forget_key(key)
            return None
        answering = await self._answering(key, service)
        service = self.services.get(*key)
        if service is None:
            self._forget_key(key)
            return None
        wanted = ports_of(service)
        outcomes, silent = self._align(key, [port for port in wanted if port.protocol == "TCP"], answering)
        await self._tell_of_others(key, service, [port for port in wanted if port.protocol != "TCP"])
        for forwarder, error in outcomes:
            await self._tell(key, service, forwarder, error)
        if not silent:
            self._silence.pop(key, None)
            return RETRY if any(error for _, error in outcomes) else None
        self._silence[key] = min(self._silence.get(key, SILENCE / 2) * 2, LONGEST_SILENCE)
        return self._silence[key]

    async def _answering(self, key: Key, service: Object) -> set[Endpoint]:
        """Where a ready endpoint accepts by now, of the places that are not listened on yet.

        A pod without a probe is ready before its program listens. A program that binds 0.0.0.0 needs this very port,
        and a listener of ours would keep it from starting: so it comes first.
        """
        mine, slices = self._forwarders.get(key, {}), list(self._slices_of.get(key, {}).values())
        found = set()
        for port in ports_of(service):
            place = (port.address, port.port)
            if port.protocol == "TCP" and not (place in mine and mine[place].is_listening):
                endpoints = ready_endpoints(slices, port.name)
                if endpoints and any(await asyncio.gather(*(_accepts(*one) for one in endpoints[:MOST_ASKED]))):
                    found.add(place)
        return found

    def _align(
        self, key: Key, wanted: list[Port], answering: set[Endpoint]
    ) -> tuple[list[tuple[Forwarder, OSError | None]], bool]:
        """Listen where it is wanted and somebody is there to forward to, and whether somebody is yet to answer.

        In one go: `_forget` must not come between.
        """
        silent = False
        carried = {(port.address, port.port): port for port in wanted}
        # The Service `kubernetes`: taken while the server is away, its port would keep it from coming back.
        carried.pop(self._server, None)
        mine = self._forwarders.setdefault(key, {})
        for place in [place for place in mine if place not in carried]:
            self._close(mine.pop(place))
            self._troubled.discard((key, place))
        outcomes: list[tuple[Forwarder, OSError | None]] = []
        for place, port in carried.items():
            forwarder = mine.setdefault(place, Forwarder(*place, self._slots))
            forwarder.endpoints = ready_endpoints(self._slices_of.get(key, {}).values(), port.name)
            if forwarder.endpoints and not forwarder.is_listening and place not in answering:
                silent = True
                continue
            try:
                forwarder.align()
            except OSError as error:
                outcomes.append((forwarder, error))
            else:
                outcomes.append((forwarder, None))
        return outcomes, silent

    async def _tell(self, key: Key, service: Object, forwarder: Forwarder, error: OSError | None) -> None:
        """An Event when a port could not be had, and one when it could after all; none while that lasts."""
        trouble = (key, (forwarder.address, forwarder.port))
        if error and trouble not in self._troubled:
            self._troubled.add(trouble)
            place = (forwarder.address, forwarder.port)
            reason, message = await asyncio.to_thread(explain, place, error, self._root)
            await self._recorder.record(SERVICE, service, reason, message, warning=True)
        elif forwarder.is_listening and trouble in self._troubled:
            self._troubled.discard(trouble)
            message = f"{forwarder.address}:{forwarder.port} is listened on now"
            await self._recorder.record(SERVICE, service, "Listening", message)

    async def _tell_of_others(self, key: Key, service: Object, others: list[Port]) -> None:
        """An Event for ports of protocols that are not carried, once for each Service."""
        if not others:
            self._told.pop(key, None)
            return
        names = ", ".join(f"{port.protocol} {port.port}" for port in others)
        fact = (service["metadata"]["uid"], names)
        if self._told.get(key) != fact:
            self._told[key] = fact
            message = f"not forwarded: {names}; the hive forwards TCP only"
            await self._recorder.record(SERVICE, service, "ProtocolNotForwarded", message, warning=True)

    def _forget(self, service: Object) -> None:
        # At once, and not in the queue's turn: the next Service may have the same address.
        self._forget_key(key_of(service))

    def _forget_key(self, key: Key) -> None:
        for place, forwarder in self._forwarders.pop(key, {}).items():
            self._troubled.discard((key, place))
            self._close(forwarder)
        self._told.pop(key, None)
        self._silence.pop(key, None)

    def _close(self, forwarder: Forwarder) -> None:
        forwarder.close()
        self._closing = [one for one in (*self._closing, forwarder) if one.connections]

    def _add_slice(self, part: Object) -> None:
        service = _service_of(part)
        self._slices_of.setdefault(service, {})[key_of(part)] = part
        self.controller.enqueue(service)

    def _replace_slice(self, old: Object, new: Object) -> None:
        if _service_of(old) != _service_of(new):
            self._drop_slice(old)
        self._add_slice(new)

    def _drop_slice(self, part: Object) -> None:
        service = _service_of(part)
        parts = self._slices_of.get(service, {})
        parts.pop(key_of(part), None)
        if not parts:
            self._slices_of.pop(service, None)
        self.controller.enqueue(service)


def _service_of(part: Object) -> Key:
    return part["metadata"].get("namespace") or "", part["metadata"]["labels"][SERVICE_LABEL]


async def run_proxy(api: KubeClient, stop: asyncio.Event, root: Path | None = None) -> None:
    """Forward until `stop`. `root` as for `ServiceProxy`."""
    async with ServiceProxy(api, root):
        await stop.wait()
