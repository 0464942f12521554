"""Which signals somebody asks for: by type, strength and target, and as an agent senses them. No I/O.

An umwelt's filter binds whoever asks on behalf of an agent; a person who asks for himself sees all that he may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import pheromone
from kgents.api.errors import UsageError


@dataclass(frozen=True, slots=True)
class Wish:
    """`types` empty: all of them; `targets` None: whoever they are meant for, "" stands for all agents."""

    types: frozenset[str] = frozenset()
    least: float = 0.0
    targets: frozenset[str] | None = None
    nothing: bool = False

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether this row of a signal is wanted, however strong it is."""
        return not self.nothing and (not self.types or row["type"] in self.types) and self.takes_target(row)

    def takes_target(self, row: Mapping[str, Any]) -> bool:
        return self.targets is None or (row.get("target") or "") in self.targets


def wish(arguments: Mapping[str, Any], agent: Mapping[str, Any] | None = None) -> Wish:
    """What the arguments of a sense ask for. `agent`: the Agent on whose behalf (argument `as`), with its `spec`."""
    for filter in ("as", "target"):
        if arguments.get(filter) == "":  # an unset variable of a script, say: it must not show everything
            raise UsageError(f"{filter} names no agent", fix="Name one, or leave it out")
    given = arguments.get("type") or ()
    types = known([given] if isinstance(given, str) else given)
    targets = frozenset([str(arguments["target"])]) if arguments.get("target") else None
    nothing = False
    if agent is not None:
        own = frozenset(["", str(arguments["as"])])
        targets = own if targets is None else targets & own
        allowed = senses(agent.get("spec") or {})
        if allowed is not None:
            types = types & allowed if types else allowed
            nothing = not types
    return Wish(types, max(float(arguments.get("minIntensity") or 0.0), 0.0), targets, nothing)


def known(types: Iterable[str]) -> frozenset[str]:
    """These types of signals. Raises UsageError for one that there is not: nothing would ever be shown of it."""
    given = frozenset(str(one).upper() for one in types)
    if strange := sorted(given.difference(pheromone.TYPES)):
        raise UsageError(f"there is no signal type {strange[0][:40]}", why=f"types are {', '.join(pheromone.TYPES)}")
    return given


def senses(spec: Mapping[str, Any]) -> frozenset[str] | None:
    """The types that an Agent's spec lets it sense; None: every type."""
    found = ((spec.get("umwelt") or {}).get("senses") or {}).get("sense")
    return None if found is None else frozenset(found)
