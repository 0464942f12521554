from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kgents.api.kinds import ENDPOINT_SLICE, EVENT, NAMESPACE, SERVICE
from kgents.embedded.runtime.services import ServiceProxy, run_proxy
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from tests.support import hive
from tests.support.waiting import eventually_async

Object = dict[str, Any]
PORT = 28080


@pytest.fixture
async def api(hive_api: hive.HiveApi) -> AsyncIterator[KubeClient]:
    async with KubeClient(load(path=hive_api.kubeconfig)) as client:
        yield client


@pytest.fixture
async def proxy(api: KubeClient) -> AsyncIterator[ServiceProxy]:
    async with ServiceProxy(api) as running:
        yield running


@pytest.fixture
async def namespace(api: KubeClient) -> AsyncIterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    await api.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    for service in (await api.list(SERVICE, name))["items"]:
        await api.delete(SERVICE, service["metadata"]["name"], name, missing_ok=True)
    await api.delete(NAMESPACE, name, missing_ok=True)


@contextlib.asynccontextmanager
async def backend(name: str, address: str = "127.77.200.1") -> AsyncIterator[tuple[str, int]]:
    """A server that says its name and ends."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name.encode())
        writer.close()

    server = await asyncio.start_server(answer, address, 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


async def add_service(api: KubeClient, namespace: str, *ports: Object) -> str:
    """Makes the Service `web` and returns its address."""
    spec = {"ports": list(ports or ({"port": PORT},))}
    made = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    return str((await api.create(SERVICE, made, namespace))["spec"]["clusterIP"])


def slice_of(namespace: str, *places: tuple[str, int], ready: bool = True, name: str = "") -> Object:
    port: Object = {"port": places[0][1] if places else 1, "protocol": "TCP", "name": name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"web-{name or 'only'}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}} for address, _ in places],
        "ports": [port],
    }


async def ask(address: str, port: int = PORT) -> str:
    """What is said there; "refused" when nobody is."""
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        # The listener went while this one stood in its queue.
        return "reset"
    try:
        return (await reader.read()).decode()
    except ConnectionResetError:
        return "reset"
    finally:
        writer.close()


async def says(address: str, answer: str, port: int = PORT) -> None:
    async def same() -> bool:
        return await ask(address, port) == answer

    await eventually_async(same)


async def event(api: KubeClient, namespace: str, reason: str) -> str:
    """The message of the Event of that reason, once there is one."""

    async def look() -> str:
        events = (await api.list(EVENT, namespace))["items"]
        return next((one["message"] for one in events if one["reason"] == reason), "")

    return await eventually_async(look)


async def test_a_service_address_leads_to_its_ready_endpoint(
    api: KubeClient, namespace: str, proxy: ServiceProxy
) -> None:
    address = await add_service(api, namespace)
    async with backend("a") as place:
        await api.create(ENDPOINT_SLICE, slice_of(namespace, place))
        await says(address, "a")


async def test_a_service_without_ready_endpoints_refuses(api: KubeClient, namespace: str, proxy: ServiceProxy) -> None:
    address = await add_service(api, namespace)
    async with backend("a") as place:
        await api.create(ENDPOINT_SLICE, slice_of(namespace, place))
        await says(address, "a")

        await api.patch(
            ENDPOINT_SLICE, "web-only", {"endpoints": slice_of("", place, ready=False)["endpoints"]}, namespace
        )

        await says(address, "refused")


async def test_an_address_is_free_once_its_service_is_gone(
    api: KubeClient, namespace: str, proxy: ServiceProxy
) -> None:
    address = await add_service(api, namespace)
    async with backend("a") as place:
        await api.create(ENDPOINT_SLICE, slice_of(namespace, place))
        await says(address, "a")

        await api.delete(SERVICE, "web", namespace)

        await says(address, "refused")
        socket.create_server((address, PORT)).close()


async def test_a_changed_port_moves_the_listener(api: KubeClient, namespace: str, proxy: ServiceProxy) -> None:
    address = await add_service(api, namespace)
    async with backend("a") as place:
        await api.create(ENDPOINT_SLICE, slice_of(namespace, place))
        await says(address, "a")

        change = [{"op": "replace", "path": "/spec/ports/0/port", "value": PORT + 1}]
        await api.patch(SERVICE, "web", change, namespace, type="json")

        await says(address, "a", PORT + 1)
        await says(address, "refused")


async def test_each_named_port_has_endpoints_of_its_own(api: KubeClient, namespace: str, proxy: ServiceProxy) -> None:
    ports = ({"name": "x", "port": PORT}, {"name": "y", "port": PORT + 1})
    address = await add_service(api, namespace, *ports)
    async with backend("x") as first, backend("y") as second:
        await api.create(ENDPOINT_SLICE, slice_of(namespace, first, name="x"))
        await api.create(ENDPOINT_SLICE, slice_of(namespace, second, name="y"))

        await says(address, "x")
        await says(address, "y", PORT + 1)


async def test_a_taken_port_is_told_and_had_later(
    api: KubeClient, namespace: str, proxy: ServiceProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kgents.embedded.runtime.services.RETRY", 0.2)
    address = await add_service(api, namespace)
    async with backend("a") as place:
        with socket.create_server((address, PORT)):
            await api.create(ENDPOINT_SLICE, slice_of(namespace, place))
            assert f"listens on {address}:{PORT}" in await event(api, namespace, "PortInUse")

        await says(address, "a")
        await event(api, namespace, "Listening")


async def test_a_program_on_all_addresses_is_named_and_answers_itself(
    api: KubeClient, namespace: str, proxy: ServiceProxy
) -> None:
    async with backend("all", "0.0.0.0") as (_, port), backend("a") as place:
        address = await add_service(api, namespace, {"port": port})
        await api.create(ENDPOINT_SLICE, slice_of(namespace, place))

        assert f"listens on 0.0.0.0:{port}, so that" in await event(api, namespace, "PortInUse")
        assert await ask(address, port) == "all"


async def test_a_udp_port_is_told_as_not_forwarded(api: KubeClient, namespace: str, proxy: ServiceProxy) -> None:
    await add_service(api, namespace, {"port": 5353, "protocol": "UDP"})

    assert "UDP 5353" in await event(api, namespace, "ProtocolNotForwarded")


async def test_it_forwards_while_the_api_is_away_and_follows_it_after(tmp_path: Any) -> None:
    server = hive.start(tmp_path)
    port = int(server.url.rsplit(":", 1)[1])
    async with KubeClient(load(path=server.kubeconfig)) as api, ServiceProxy(api), backend("a") as place:
        address = await add_service(api, "default")
        await api.create(ENDPOINT_SLICE, slice_of("default", place))
        await says(address, "a")
        await asyncio.to_thread(server.kill)
        assert await ask(address) == "a"

        server = await asyncio.to_thread(hive.start, tmp_path, port=port)
        await eventually_async(api.ready)
        await api.delete(SERVICE, "web", "default")

        await says(address, "refused")
    await asyncio.to_thread(server.stop)


async def test_the_api_servers_own_port_is_never_taken(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgents.embedded.runtime.services.RETRY", 0.01)
    server = hive.start(tmp_path)
    port = int(server.url.rsplit(":", 1)[1])
    async with KubeClient(load(path=server.kubeconfig)) as api, ServiceProxy(api), backend("a") as place:
        ours = slice_of("default", place, name="https")
        ours["metadata"]["labels"]["kubernetes.io/service-name"] = "kubernetes"
        await api.create(ENDPOINT_SLICE, ours)
        # One more Service that is served afterwards says that the first was looked at.
        address = await add_service(api, "default")
        await api.create(ENDPOINT_SLICE, slice_of("default", place))
        await says(address, "a")

        await asyncio.to_thread(server.kill)
        assert await ask("127.0.0.1", port) == "refused"

        server = await asyncio.to_thread(hive.start, tmp_path, port=port)
    await asyncio.to_thread(server.stop)


async def test_nothing_listens_after_its_end(api: KubeClient, namespace: str) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_proxy(api, stop))
    address = await add_service(api, namespace)
    async with backend("a") as place:
        await api.create(ENDPOINT_SLICE, slice_of(namespace, place))
        await says(address, "a")

        stop.set()
        await running

        assert await ask(address) == "refused"
