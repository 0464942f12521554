"""Puts T-gent together: its rules, fed by the operators' mirrors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kgents.api import pheromone
from kgents.api.errors import UsageError
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL, UMWELT
from kgents.kube.errors import ObjectNotFound
from operators.events import Recorder
from operators.proposal.assess import agent_of
from operators.proposal.shelf import OPEN, Object, Shelf, phase_of, target_of
from operators.tgent.limits import Limits
from operators.tgent.memory import Population, Sighting, Sightings
from operators.tgent.refusals import Refusals
from operators.tgent.verdicts import Gate
from operators.tgent.webhook import Webhook
from operators.world import Key, Trace, World


def webhook(world: World, shelf: Shelf, address: tuple[str, int]) -> Webhook:
    """T-gent at `address`; it serves while it is entered."""
    sightings, population = Sightings(), Population()

    def seen(key: Key, trace: Trace | None) -> None:
        population.seen(key, None if trace is None else trace.source)
        if trace is not None:
            sightings.add(Sighting(trace.uid, *key, trace.type, trace.decay.initial))

    for namespace, traces in world.traces.items():
        for name, trace in traces.items():
            seen((namespace, name), trace)
    world.on_trace.append(seen)

    def umwelt(agent: Key) -> Mapping[str, Any] | None:
        return world.child(UMWELT, agent)

    def about(proposal: Object) -> Iterable[Object]:
        return shelf.about(target_of(proposal))

    async def find(key: Key) -> Sighting | None:
        try:
            found = await world.api.get(PHEROMONE, key[1], key[0])
        except (ObjectNotFound, UsageError):
            return None
        spec = found["spec"]
        initial = pheromone.decay_of(found).initial
        return Sighting(found["metadata"]["uid"], *key, str(spec.get("type")), initial)

    async def uid_of(kind: str, key: Key) -> str | None:
        found = world.agents.get(key) if kind == AGENT.kind else shelf.get(key)
        try:
            found = found or await world.api.get(AGENT if kind == AGENT.kind else PROPOSAL, key[1], key[0])
        except (ObjectNotFound, UsageError):
            return None
        return str(found["metadata"]["uid"])

    def waiting(agent: Key) -> int:
        own = (one for one in shelf.all(agent[0]) if agent_of(one["spec"]["proposer"]) == agent)
        return sum(phase_of(one) in OPEN for one in own)

    gate = Gate(Limits(world.clock), sightings, umwelt, about, population.of, waiting, uid_of, find, world.clock)
    counting = Refusals(world, Recorder(world.api)).counting
    return Webhook(world.api, address, {"pheromones": counting(gate.signal), "proposals": counting(gate.proposal)})
