"""What each path means on the Kubernetes API: the same operations that Cortex offers, for when it is away.

Writes, and reads that Cortex asks of the API as well, stand in `kgents.api.operations`; the reads here are those that
Cortex answers from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from kgents.api import rows
from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.api.kinds import AGENT, PHEROMONE, PROPOSAL
from kgents.api.names import missing
from kgents.api.operations.requests import Call, Get, List, Operation, Request
from kgents.api.sensing import Wish, wish
from kgents.glass.answer import Row
from kgents.glass.kubectl import Api


def run(id: str, api: Api, call: Call) -> list[Row]:
    """The rows of one operation. Raises NextLayer, or KgentsError when the API says no."""
    from kgents.api.operations import table
    from kgents.api.operations.carrying import carry_out

    if id in table.IDS:
        return carry_out(table.operation(id)(call), api.send)
    if id in _READS:
        return carry_out(_READS[id](call), api.send)
    if id == "cluster.manifest":
        api.ready()
        return [{"name": "cluster", "ready": True}]
    if id == "agents.witness":
        lines = api.logs(call.bindings["agent"], call.namespace, tail=call.arguments.get("tail"), follow=False)
        return [{"line": line} for line in lines]
    raise KgentsError("Only Cortex can answer that", fix="Start it: kgents daemon start")


def sensed(found: list[Row], wanted: Wish) -> list[Row]:
    """The signals that were asked for, the strongest now first. Used on the ghost's rows, too."""
    chosen = [row for row in found if wanted.takes(row) and row["intensity"] >= wanted.least and row["intensity"] > 0]
    return sorted(chosen, key=lambda row: (-row["intensity"], row["namespace"], row["name"]))


def in_phase(found: list[Row], arguments: Mapping[str, Any]) -> list[Row]:
    """The proposals that were asked for. Used on the ghost's rows, too."""
    wanted = arguments.get("phase")
    phases = {wanted} if isinstance(wanted, str) else set(wanted or ())
    return [row for row in found if not phases or row["phase"] in phases]


def _list_agents(call: Call) -> Operation:
    found = [rows.agent_row(one, call.now) for one in (yield List(AGENT, call.namespace))]
    return sorted(found, key=lambda row: (row["namespace"], row["name"]))


def _get_agent(call: Call) -> Operation:
    return [rows.agent_detail((yield from _find_agent(call.bindings["agent"], call.namespace)), call.now)]


def _find_agent(name: str, namespace: str) -> Generator[Request, Any, Row]:
    try:
        return dict((yield Get(AGENT, name, namespace)))
    except NotFound as error:
        raise missing("agent", name, namespace) from error


def _sense(call: Call) -> Operation:
    name, agent = call.arguments.get("as"), None
    if name:
        if not call.namespace:
            raise UsageError(f"the namespace of {name} is not given", fix="Say which with -n")
        agent = yield from _find_agent(str(name), call.namespace)
    found = yield List(PHEROMONE, call.namespace)
    return sensed([rows.pheromone_row(one, call.now) for one in found], wish(call.arguments, agent))


def _list_proposals(call: Call) -> Operation:
    found = yield List(PROPOSAL, call.namespace)
    return in_phase([rows.proposal_row(one, call.now) for one in found], call.arguments)


def _get_proposal(call: Call) -> Operation:
    name = call.bindings["proposal"]
    try:
        return [rows.proposal_detail((yield Get(PROPOSAL, name, call.namespace)), call.now)]
    except NotFound as error:
        raise missing("proposal", name, call.namespace) from error


_READS: dict[str, Callable[[Call], Operation]] = {
    "agents.list": _list_agents,
    "agents.get": _get_agent,
    "pheromones.sense": _sense,
    "proposals.list": _list_proposals,
    "proposals.get": _get_proposal,
}
