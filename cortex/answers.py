"""What an operation answers, and where it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cortex.journal import Journal
from cortex.mirror import Mirror
from cortex.voices import Voices
from kgents.api.errors import UsageError
from kgents.api.names import missing
from kgents.glass.ghost import Ghost
from kgents.kube.client import KubeClient


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, serialised. `total` says how many there are where `items` holds only the first ones."""

    items: Iterable[bytes]
    many: bool = True
    total: int | None = None
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a watch: a change, or SYNCED, or RESYNC."""

    type: str
    resource: str
    item: bytes = b""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, resolved: the names of its path, its arguments, and its namespace ("" means all)."""

    names: dict[str, str]
    arguments: dict[str, Any]
    namespace: str


@dataclass(frozen=True, slots=True)
class World:
    """All that operations work with."""

    api: KubeClient
    mirror: Mirror
    ghost: Ghost
    journal: Journal
    voices: Voices

    @property
    def now(self) -> Callable[[], float]:
        return self.mirror.now

    def locate(self, plural: str, namespace: str, name: str) -> tuple[str, str]:
        """The key of an object whose namespace may be left open. Raises NotFound, or UsageError where several fit."""
        store = self.mirror.informers[plural].store
        if namespace:
            if (namespace, name) in store:
                return namespace, name
            raise missing(plural[:-1], name, namespace)
        found = [key for key in store if key[1] == name]
        if not found:
            raise missing(plural[:-1], name)
        if len(found) > 1:
            where = ", ".join(sorted(key[0] for key in found))
            raise UsageError(f"there is a {name} in several namespaces", why=where, fix="Say which with -n")
        return found[0]
