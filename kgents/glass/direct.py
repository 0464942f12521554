"""The third layer where there is no kubectl: the API itself, through the project's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from kgents.api.errors import KgentsError, Unreachable
from kgents.api.kinds import AGENT_LABEL, KINDS, POD, Kind
from kgents.glass.answer import NextLayer
from kgents.glass.kubectl import FIELD_MANAGER, READ_PATIENCE, WRITE_PATIENCE
from kgents.kube import config as kubeconfig
from kgents.kube.client import KubeClient

T = TypeVar("T")
Call = Callable[[KubeClient], Awaitable[T]]


class Direct:
    """The calls of `kgents.glass.kubectl.Api`, for one context."""

    def __init__(self, context: str) -> None:
        self.context = context

    def list(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        return list(self._do(lambda api: api.list(kind, namespace or None))["items"])

    def get(self, kind: Kind, name: str, namespace: str) -> dict[str, Any]:
        return self._do(lambda api: api.get(kind, name, namespace))

    def create(self, kind: Kind, obj: dict[str, Any], namespace: str) -> dict[str, Any]:
        return self._do(lambda api: api.create(kind, obj, namespace), WRITE_PATIENCE)

    def apply(self, obj: dict[str, Any], namespace: str) -> dict[str, Any]:
        return self._do(lambda api: _apply(api, obj, namespace), WRITE_PATIENCE)

    def merge(self, kind: Kind, name: str, patch: dict[str, Any], namespace: str) -> dict[str, Any]:
        return self._do(
            lambda api: api.patch(kind, name, patch, namespace, field_manager=FIELD_MANAGER), WRITE_PATIENCE
        )

    def delete(self, kind: Kind, name: str, namespace: str) -> None:
        self._do(lambda api: api.delete(kind, name, namespace), WRITE_PATIENCE)

    def ready(self) -> None:
        self._do(lambda api: api.version())

    def logs(self, agent: str, namespace: str, *, tail: int | None, follow: bool) -> Iterator[str]:
        if follow:
            yield from self._follow(agent, namespace, tail)
            return
        yield from self._do(lambda api: _logs(api, agent, namespace, tail))

    def _follow(self, agent: str, namespace: str, tail: int | None) -> Iterator[str]:
        with asyncio.Runner() as runner:
            lines = self._followed(agent, namespace, tail)
            while True:
                try:
                    yield runner.run(anext(lines))  # type: ignore[arg-type]
                except StopAsyncIteration:
                    return

    async def _followed(self, agent: str, namespace: str, tail: int | None) -> AsyncIterator[str]:
        async with KubeClient(kubeconfig.load(self.context), timeout=READ_PATIENCE) as api:
            pods = await api.list(POD, namespace, label_selector=f"{AGENT_LABEL}={agent}")
            for pod in pods["items"][:1]:
                async for line in api.logs(pod["metadata"]["name"], namespace, follow=True, tail_lines=tail):
                    yield line

    def _do(self, call: Call[T], patience: float = READ_PATIENCE) -> T:
        async def work() -> T:
            async with KubeClient(kubeconfig.load(self.context), timeout=patience) as api:
                return await asyncio.wait_for(call(api), patience)

        try:
            return asyncio.run(work())
        except Unreachable as error:
            raise NextLayer(str(error)) from error
        except TimeoutError as error:
            raise NextLayer(f"no answer within {patience:g} s") from error


async def _apply(api: KubeClient, obj: dict[str, Any], namespace: str) -> dict[str, Any]:
    kind = await _kind_of(api, obj)
    return await api.apply(kind, obj, namespace if kind.namespaced else None, field_manager=FIELD_MANAGER)


async def _kind_of(api: KubeClient, obj: dict[str, Any]) -> Kind:
    """The resource behind an object's kind, from the server where it is none of ours."""
    name, version = str(obj.get("kind")), str(obj.get("apiVersion"))
    for kind in KINDS:
        if (kind.kind, kind.api_version) == (name, version):
            return kind
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    for found in (await api.request("GET", root))["resources"]:
        if found["kind"] == name and "/" not in found["name"]:
            return Kind(name, found["name"], version, namespaced=bool(found["namespaced"]))
    raise KgentsError(f"the cluster knows no {name} in {version}", fix="Check apiVersion and kind")


async def _logs(api: KubeClient, agent: str, namespace: str, tail: int | None) -> list[str]:
    pods = await api.list(POD, namespace, label_selector=f"{AGENT_LABEL}={agent}")
    lines: list[str] = []
    for pod in pods["items"]:
        async for line in api.logs(pod["metadata"]["name"], namespace, tail_lines=tail):
            lines.append(line)
    return lines
