"""What each path shows of the mirror, and the rights that its caller needs for that: one table.

A path that is not here, and that the API server does not answer itself as the caller, is not for visitors.
"""

from __future__ import annotations

from typing import NamedTuple

from kgents.api.kinds import (
    AGENT,
    CONFIG_MAP,
    EVENT,
    HIVE_NAMESPACE,
    MEMORY,
    PHEROMONE,
    POD,
    PROPOSAL,
    UMWELT,
    Kind,
)
from kgents.api.operations import brakes


class Need(NamedTuple):
    """A part of the scope, and the right that opens it.

    `name`: what in the call says of which object, where it is about one. `must`: without it the whole call is refused.
    `given`: only for a call with that argument. `wide`: of all namespaces, whichever the call is about.
    """

    part: str
    kind: Kind
    verb: str = "list"
    subresource: str = ""
    name: str = ""
    must: bool = False
    given: str = ""
    wide: bool = False


_EVENTS = Need("events", EVENT)
_LOGS = Need("logs", POD, "get", "log")
_PARTS = tuple(Need(kind.plural, kind) for kind in (PHEROMONE, PROPOSAL, MEMORY, UMWELT, POD))
_AGENTS = Need("agents", AGENT, must=True)

NEEDS: dict[str, tuple[Need, ...]] = {
    "agents.list": (_AGENTS,),
    "agents.get": (
        Need("agents", AGENT, "get", name="agent", must=True),
        Need("pods", POD),
        Need("pheromones", PHEROMONE),
        Need("proposals", PROPOSAL, wide=True),
    ),
    "agents.witness": (Need("pods", POD, must=True), _LOGS._replace(must=True)),
    "cluster.manifest": (_AGENTS, *_PARTS),
    "cluster.stream": (
        _AGENTS,
        Need("pheromones", PHEROMONE),
        Need("proposals", PROPOSAL),
        _EVENTS,
        _LOGS._replace(given="logs"),
    ),
    "pheromones.sense": (
        Need("pheromones", PHEROMONE, must=True),
        Need("agents", AGENT, "get", name="as", given="as", must=True),
    ),
    "proposals.list": (Need("proposals", PROPOSAL, must=True),),
    "proposals.get": (Need("proposals", PROPOSAL, "get", name="proposal", must=True),),
    "witness.stream": (
        Need("agents", AGENT),
        Need("pheromones", PHEROMONE),
        Need("proposals", PROPOSAL),
        _EVENTS,
    ),
}
BRAKES = Need("brakes", CONFIG_MAP, "get")
BRAKES_AT = (HIVE_NAMESPACE, brakes.FREEZE)
