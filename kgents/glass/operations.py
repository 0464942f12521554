"""What each path means on the Kubernetes API: the same operations that Cortex offers, for when it is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import duration, rows, times
from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.api.kinds import AGENT, API_VERSION, PHEROMONE, PROPOSAL
from kgents.api.names import check_agent_name, missing
from kgents.glass.answer import Row
from kgents.glass.kubectl import Api


@dataclass(frozen=True, slots=True)
class Call:
    """One operation to carry out: names from the path, typed arguments, and the namespace ("" for all)."""

    bindings: Mapping[str, str]
    arguments: Mapping[str, Any]
    namespace: str
    now: float


Operation = Callable[[Api, Call], list[Row]]


def run(id: str, api: Api, call: Call) -> list[Row]:
    """The rows of one operation. Raises NextLayer, or KgentsError when the API says no."""
    operation = _OPERATIONS.get(id)
    if operation is None:
        raise KgentsError("Only Cortex can answer that", fix="Start it: kgents daemon start")
    return operation(api, call)


def sensed(found: list[Row], arguments: Mapping[str, Any]) -> list[Row]:
    """The signals that were asked for, the strongest now first. Used on the ghost's rows, too."""
    wanted = arguments.get("type")
    types = {wanted} if isinstance(wanted, str) else set(wanted or ())
    least = max(float(arguments.get("minIntensity") or 0.0), 0.0)
    chosen = [row for row in found if (not types or row["type"] in types) and row["intensity"] >= least]
    chosen = [row for row in chosen if row["intensity"] > 0]
    return sorted(chosen, key=lambda row: (-row["intensity"], row["namespace"], row["name"]))


def pheromone(arguments: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The object that `signal emit` makes."""
    spec = {
        "type": arguments["type"],
        "source": arguments.get("source"),
        "target": arguments.get("target"),
        "payload": arguments.get("payload"),
        "initialIntensity": arguments.get("intensity"),
        "emittedAt": times.to_micro_text(now),
    }
    if arguments.get("halfLife"):
        spec["halfLife"] = duration.to_text(duration.parse(arguments["halfLife"]))
    prefix = str(arguments["type"]).lower().replace("_", "-")
    return {
        "apiVersion": API_VERSION,
        "kind": PHEROMONE.kind,
        "metadata": {"generateName": f"{prefix}-"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def agent(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The object that `run` makes."""
    metadata: dict[str, Any] = {"name": check_agent_name(name)}
    metadata |= {part: arguments[part] for part in ("labels", "annotations") if arguments.get(part)}
    return {"apiVersion": API_VERSION, "kind": AGENT.kind, "metadata": metadata, "spec": arguments["spec"]}


def _list_agents(api: Api, call: Call) -> list[Row]:
    found = [rows.agent_row(one, call.now) for one in api.list(AGENT, call.namespace)]
    return sorted(found, key=lambda row: (row["namespace"], row["name"]))


def _get_agent(api: Api, call: Call) -> list[Row]:
    name = call.bindings["agent"]
    try:
        return [rows.agent_row(api.get(AGENT, name, call.namespace), call.now)]
    except NotFound as error:
        raise missing("agent", name, call.namespace) from error


def _sense(api: Api, call: Call) -> list[Row]:
    return sensed([rows.pheromone_row(one, call.now) for one in api.list(PHEROMONE, call.namespace)], call.arguments)


def _list_proposals(api: Api, call: Call) -> list[Row]:
    return [rows.proposal_row(one, call.now) for one in api.list(PROPOSAL, call.namespace)]


def _get_proposal(api: Api, call: Call) -> list[Row]:
    name = call.bindings["proposal"]
    try:
        return [rows.proposal_row(api.get(PROPOSAL, name, call.namespace), call.now)]
    except NotFound as error:
        raise missing("proposal", name, call.namespace) from error


def _cluster(api: Api, call: Call) -> list[Row]:
    api.ready()
    return [{"name": "cluster", "ready": True}]


def _emit(api: Api, call: Call) -> list[Row]:
    intensity = call.arguments.get("intensity")
    if intensity is not None and not 0 < intensity <= 1:
        raise UsageError("the intensity must be above 0 and at most 1", why=f"got {intensity:g}")
    made = api.create(PHEROMONE, pheromone(call.arguments, call.now), call.namespace)
    return [rows.pheromone_row(made, call.now)]


def _define(api: Api, call: Call) -> list[Row]:
    made = api.apply(agent(call.bindings["agent"], call.arguments), call.namespace)
    return [rows.agent_row(made, time.time())]


def _suspend(api: Api, call: Call) -> list[Row]:
    return _set_suspend(api, call, True)


def _resume(api: Api, call: Call) -> list[Row]:
    return _set_suspend(api, call, False)


def _set_suspend(api: Api, call: Call, suspend: bool) -> list[Row]:
    name = call.bindings["agent"]
    try:
        changed = api.merge(AGENT, name, {"spec": {"suspend": suspend}}, call.namespace)
    except NotFound as error:
        raise missing("agent", name, call.namespace) from error
    return [rows.agent_row(changed, call.now)]


def _terminate(api: Api, call: Call) -> list[Row]:
    name = call.bindings["agent"]
    try:
        api.delete(AGENT, name, call.namespace)
    except NotFound as error:
        raise missing("agent", name, call.namespace) from error
    return [{"name": name, "namespace": call.namespace, "phase": "Terminating"}]


def _apply(api: Api, call: Call) -> list[Row]:
    done = []
    for obj in call.arguments["objects"]:
        made = api.apply(obj, call.namespace)
        metadata = made.get("metadata") or {}
        done.append({"kind": made.get("kind"), "name": metadata.get("name"), "namespace": metadata.get("namespace")})
    return done


def _logs(api: Api, call: Call) -> list[Row]:
    name = call.bindings["agent"]
    lines = api.logs(name, call.namespace, tail=call.arguments.get("tail"), follow=False)
    return [{"line": line} for line in lines]


_OPERATIONS: dict[str, Operation] = {
    "agents.list": _list_agents,
    "agents.get": _get_agent,
    "agents.define": _define,
    "agents.suspend": _suspend,
    "agents.resume": _resume,
    "agents.terminate": _terminate,
    "agents.witness": _logs,
    "cluster.apply": _apply,
    "cluster.manifest": _cluster,
    "pheromones.sense": _sense,
    "pheromones.emit": _emit,
    "proposals.list": _list_proposals,
    "proposals.get": _get_proposal,
}
