"""The third layer where there is no kubectl: the API itself, through the project's own client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from kgents.api.adopting import pods_selector
from kgents.api.errors import Unreachable
from kgents.api.kinds import AGENT, POD
from kgents.api.operations.requests import Discover, Get, List, Note, Request, WhoAmI
from kgents.glass.answer import NextLayer
from kgents.glass.ending import Ending
from kgents.glass.kubectl import FIELD_MANAGER, READ_PATIENCE, WRITE_PATIENCE
from kgents.kube import config as kubeconfig
from kgents.kube.client import KubeClient
from kgents.kube.sending import sender

T = TypeVar("T")
Call = Callable[[KubeClient], Awaitable[T]]


class Direct:
    """The calls of `kgents.glass.kubectl.Api`, for one context."""

    def __init__(self, context: str) -> None:
        self.context = context

    def send(self, request: Request) -> Any:
        """One request of an operation."""
        if isinstance(request, Note):
            with contextlib.suppress(NextLayer):  # what was done stands
                self._do(lambda api: sender(api, FIELD_MANAGER)(request))
            return None
        reads = isinstance(request, (Get, List, WhoAmI, Discover))
        patience = READ_PATIENCE if reads else WRITE_PATIENCE
        return self._do(lambda api: sender(api, FIELD_MANAGER)(request), patience)

    def ready(self) -> None:
        self._do(lambda api: api.version())

    def logs(
        self, agent: str, namespace: str, *, tail: int | None, follow: bool, ending: Ending | None = None
    ) -> Iterator[str]:
        if follow:
            yield from self._follow(agent, namespace, tail, ending or Ending())
            return
        yield from self._do(lambda api: _logs(api, agent, namespace, tail))

    def _follow(self, agent: str, namespace: str, tail: int | None, ending: Ending) -> Iterator[str]:
        with asyncio.Runner() as runner:
            lines, loop = self._followed(agent, namespace, tail), runner.get_loop()
            reading = True

            def cancel() -> None:
                for task in asyncio.all_tasks(loop) if reading else ():  # never what tidies up
                    task.cancel()

            try:
                with ending.cutting(lambda: loop.call_soon_threadsafe(cancel)):
                    while not ending.ended:
                        yield runner.run(anext(lines))  # type: ignore[arg-type]
            except (StopAsyncIteration, asyncio.CancelledError):
                return
            finally:
                reading = False

    async def _followed(self, agent: str, namespace: str, tail: int | None) -> AsyncIterator[str]:
        async with KubeClient(kubeconfig.load(self.context), timeout=READ_PATIENCE) as api:
            pods = await api.list(POD, namespace, label_selector=await _selector(api, agent, namespace))
            for pod in pods["items"][:1]:
                async for line in api.logs(pod["metadata"]["name"], namespace, follow=True, tail_lines=tail):
                    yield line

    def _do(self, call: Call[T], patience: float = READ_PATIENCE) -> T:
        async def work() -> T:
            async with KubeClient(kubeconfig.load(self.context), timeout=patience) as api:
                async with asyncio.timeout(patience):
                    return await call(api)

        try:
            return asyncio.run(work())
        except Unreachable as error:
            raise NextLayer(str(error)) from error
        except TimeoutError as error:
            raise NextLayer(f"no answer within {patience:g} s") from error


async def _logs(api: KubeClient, agent: str, namespace: str, tail: int | None) -> list[str]:
    pods = await api.list(POD, namespace, label_selector=await _selector(api, agent, namespace))
    lines: list[str] = []
    for pod in pods["items"]:
        async for line in api.logs(pod["metadata"]["name"], namespace, tail_lines=tail):
            lines.append(line)
    return lines


async def _selector(api: KubeClient, agent: str, namespace: str) -> str:
    return pods_selector(await api.get(AGENT, agent, namespace))
