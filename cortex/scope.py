"""What of the hive somebody may see, part by part: the namespaces in which Kubernetes lets him.

The owner of a local Cortex sees what it sees. Everybody else gets a scope that was made for one call of his.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Where:
    """Some namespaces; None is all of them, and what has none."""

    names: frozenset[str] | None = None

    def __contains__(self, namespace: str) -> bool:
        return self.names is None or namespace in self.names

    def __bool__(self) -> bool:
        return self.names is None or bool(self.names)

    def __and__(self, other: Where) -> Where:
        if self.names is None or other.names is None:
            return other if self.names is None else self
        return Where(self.names & other.names)


EVERYWHERE = Where()
NOWHERE = Where(frozenset())


@dataclass(frozen=True, slots=True)
class Scope:
    """Where each part of a hive may be seen. `brakes`: whether the hive is frozen; `logs`: what pods write."""

    agents: Where = EVERYWHERE
    pheromones: Where = EVERYWHERE
    proposals: Where = EVERYWHERE
    memories: Where = EVERYWHERE
    umwelts: Where = EVERYWHERE
    pods: Where = EVERYWHERE
    logs: Where = EVERYWHERE
    events: Where = EVERYWHERE
    brakes: Where = EVERYWHERE

    def part(self, name: str) -> Where:
        """That of a resource, by its plural; nowhere for what is no part of a hive."""
        found = getattr(self, name, NOWHERE)
        return found if isinstance(found, Where) else NOWHERE


WHOLE = Scope()
NOTHING = Scope(**dict.fromkeys(Scope.__slots__, NOWHERE))
