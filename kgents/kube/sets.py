"""Informers that come and go: one for each key that somebody is interested in, such as the pods of one workload."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kgents.api.kinds import Kind
from kgents.kube.client import KubeClient, Object
from kgents.kube.informer import Informer

K = TypeVar("K", bound=Hashable)
Handler = Callable[[Any, str, Object], Any]
"""`handler(key, "ADDED" | "MODIFIED" | "DELETED", object)`; `handler(key, "SYNCED", {})` once the first list is in."""


@dataclass(frozen=True, slots=True)
class _Followed:
    selection: tuple[str, ...]
    informer: Informer
    waiting: asyncio.Task[None]


class InformerSet(Generic[K]):
    """Kept on one event loop. What an informer held is told as DELETED to nobody when it ends."""

    def __init__(self, api: KubeClient, handler: Handler) -> None:
        self._api, self._handler = api, handler
        self._followed: dict[K, _Followed] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, key: K) -> Informer | None:
        found = self._followed.get(key)
        return found.informer if found else None

    def __iter__(self) -> Iterator[tuple[K, Informer]]:
        return iter([(key, one.informer) for key, one in self._followed.items()])

    def follow(self, key: K, kind: Kind, namespace: str, *, labels: str = "", name: str = "") -> None:
        """Begin to follow, or begin anew when it is another selection than before."""
        selection = (kind.kind, kind.api_version, namespace, labels, name)
        known = self._followed.get(key)
        if known is not None and known.selection == selection:
            return
        self.leave(key)
        fields = f"metadata.name={name}" if name else None
        informer = Informer(self._api, kind, namespace, label_selector=labels or None, field_selector=fields)
        informer.on_change(lambda event, obj: self._tell(key, informer, event, obj))
        self._later(informer.start())
        self._followed[key] = _Followed(selection, informer, self._later(self._say_synced(key, informer)))

    def leave(self, key: K) -> None:
        """Nobody is interested any longer."""
        known = self._followed.pop(key, None)
        if known is not None:
            known.waiting.cancel()
            self._later(known.informer.stop())

    async def stop(self) -> None:
        for key in list(self._followed):
            self.leave(key)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self, key: K, informer: Informer, event: str, obj: Object) -> None:
        if self.get(key) is informer:  # or it is a last word of one that was left
            self._handler(key, event, obj)

    async def _say_synced(self, key: K, informer: Informer) -> None:
        """An empty first list is news, too."""
        await informer.synced.wait()
        self._tell(key, informer, "SYNCED", {})

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
