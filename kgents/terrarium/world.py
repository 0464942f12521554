"""What Terrarium needs from outside, and the one true way to it: the glass. Everything here blocks; threads call it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kgents.api import paths
from kgents.api.errors import Refused
from kgents.glass import context as contexts
from kgents.glass.answer import Answer, Source
from kgents.glass.context import Target
from kgents.glass.ending import Ending
from kgents.glass.look import POLL_SECONDS, Freshness, Glass, open_glass
from kgents.glass.stream import Heard, stream

Pause = Callable[[float], bool]
"""Waits so many seconds; True once nobody wants to hear more."""


class World(Protocol):
    """One hive. `namespace` "" is all of them. Every call raises KgentsError."""

    @property
    def context(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def ghost_only(self) -> bool: ...
    def stream(self, pause: Pause) -> Iterator[Heard]: ...
    def read(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer: ...
    def write(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer: ...
    def watch(self, id: str, namespace: str, ending: Ending, **names: str) -> Iterator[tuple[str, bytes, Source]]: ...
    def follow_logs(self, agent: str, namespace: str, tail: int, ending: Ending) -> Iterator[str]: ...
    def contexts(self) -> list[str]: ...
    def namespaces(self) -> list[str]: ...
    def elsewhere(self, context: str, namespace: str, *, ghost_only: bool = False) -> World: ...


@dataclass(frozen=True, slots=True)
class GlassWorld:
    """Through Cortex, the ghost and kubectl. Each call opens its own glass, so that threads share nothing."""

    target: Target
    namespace: str
    ghost_only: bool = False
    cortex_down: str = ""
    """Why Cortex is not to be asked, where it is not."""
    tell: Callable[[str], None] = logging.getLogger(__name__).warning
    """Gets what a person should know of, a sentence each."""

    @property
    def context(self) -> str:
        return self.target.context

    def stream(self, pause: Pause) -> Iterator[Heard]:
        return stream(self._glass(), namespace=self.namespace, ghost_only=self.ghost_only, pause=pause)

    def read(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        freshness = Freshness(ghost_only=self.ghost_only)
        return self._glass().read(
            id, namespace=namespace, freshness=freshness, bindings=names, arguments=arguments or {}
        )

    def write(self, id: str, namespace: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        if self.ghost_only:
            raise Refused("The ghost cannot do that", why="it is a memory on this disk", fix="Leave ghost mode with g")
        checked = paths.entry(id).parse(arguments or {})
        return self._glass().write(id, namespace=namespace, bindings=names, arguments=checked)

    def watch(self, id: str, namespace: str, ending: Ending, **names: str) -> Iterator[tuple[str, bytes, Source]]:
        """As `Glass.watch`."""

        def wait() -> None:
            ending.wait(POLL_SECONDS)

        glass = self._glass()
        return glass.watch(id, namespace=namespace, bindings=names, arguments={}, pause=wait, ending=ending)

    def follow_logs(self, agent: str, namespace: str, tail: int, ending: Ending) -> Iterator[str]:
        return self._glass().follow_logs(agent, namespace, tail, ending)

    def contexts(self) -> list[str]:
        """Those of the kubeconfig; the present one alone where it cannot be read."""
        return contexts.names() or [self.context]

    def namespaces(self) -> list[str]:
        """Those in which there are agents, and the one that is shown."""
        found = {str(row.get("namespace")) for row in self.read("agents.list", "").rows()}
        return sorted(found | ({self.namespace} if self.namespace else set()))

    def elsewhere(self, context: str, namespace: str, *, ghost_only: bool = False) -> World:
        find = contexts.resolve_for_ghost if ghost_only else contexts.resolve
        return replace(self, target=find(context, None), namespace=namespace, ghost_only=ghost_only)

    def _glass(self) -> Glass:
        return open_glass(self.target, self.tell, self.cortex_down)
