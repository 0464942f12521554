"""What an operation answers, and where it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cortex.journal import Journal
from cortex.mirror import Mirror
from cortex.scope import EVERYWHERE, WHOLE, Scope, Where
from cortex.voices import Voices
from kgents.api.errors import UsageError
from kgents.api.names import missing
from kgents.glass.ghost import Ghost
from kgents.kube.client import KubeClient

if TYPE_CHECKING:
    from cortex.visitors import Visitor


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, serialised. `total` says how many there are where `items` holds only the first ones.

    `frozen`: {"by", "reason", "since"} while the hive is, for those who may know.
    """

    items: Iterable[bytes]
    many: bool = True
    total: int | None = None
    age: float = 0.0
    frozen: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a watch: a change, or SYNCED, or RESYNC."""

    type: str
    resource: str
    item: bytes = b""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, resolved: the names of its path, its arguments, and its namespace ("" means all).

    `scope`: what of the hive its answer may show.
    """

    names: dict[str, str]
    arguments: dict[str, Any]
    namespace: str
    scope: Scope = WHOLE


@dataclass(frozen=True, slots=True)
class World:
    """All that operations work with. `visitor` asks, and `api` acts as him; None is the owner of this Cortex."""

    api: KubeClient
    mirror: Mirror
    ghost: Ghost
    journal: Journal
    voices: Voices
    visitor: Visitor | None = None

    @property
    def now(self) -> Callable[[], float]:
        return self.mirror.now

    def locate(self, plural: str, namespace: str, name: str, where: Where = EVERYWHERE) -> tuple[str, str]:
        """The key of an object whose namespace may be left open; elsewhere than `where` nothing is found.

        Raises NotFound, or UsageError where several fit.
        """
        store = self.mirror.informers[plural].store
        if namespace:
            if namespace in where and (namespace, name) in store:
                return namespace, name
            raise missing(plural[:-1], name, namespace)
        found = [key for key in store if key[1] == name and key[0] in where]
        if not found:
            raise missing(plural[:-1], name)
        if len(found) > 1:
            places = ", ".join(sorted(key[0] for key in found))
            raise UsageError(f"there is a {name} in several namespaces", why=places, fix="Say which with -n")
        return found[0]
