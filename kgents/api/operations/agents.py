"""Agents: made, ended; and objects of any kind, applied as they are written."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kgents.api import rows
from kgents.api.adopting import ref_of
from kgents.api.errors import NotFound, Refused, UsageError
from kgents.api.kinds import AGENT, API_VERSION
from kgents.api.names import check_agent_name, missing
from kgents.api.operations.adopting import let_go
from kgents.api.operations.requests import Call, Delete, Discover, Get, Operation, Patch, Request


def define(call: Call) -> Operation:
    """Makes an agent, or changes it: server-side apply of its spec."""
    name, given = check_agent_name(call.bindings["agent"]), call.arguments
    metadata: dict[str, Any] = {part: given[part] for part in ("labels", "annotations") if given.get(part)}
    agent = {"apiVersion": API_VERSION, "kind": AGENT.kind, "metadata": metadata, "spec": given["spec"]}
    made = yield Patch(AGENT, name, agent, call.namespace, type="apply")
    return [rows.agent_row(made, call.now)]


def terminate(call: Call) -> Operation:
    """Deletes an agent and all that it owns. What it has adopted it does not own: that is let go (`released`)."""
    name = call.bindings["agent"]
    try:
        agent = yield from _seen(name, call.namespace)
        if agent is not None and ref_of(agent) is not None:
            return (yield from let_go(call, agent))
        yield Delete(AGENT, name, call.namespace)
    except NotFound as error:
        raise missing("agent", name, call.namespace) from error
    return [{"name": name, "namespace": call.namespace, "phase": "Terminating"}]


def _seen(name: str, namespace: str) -> Generator[Request, Any, dict[str, Any] | None]:
    """The agent; None for who may delete it and not look at it."""
    try:
        return dict((yield Get(AGENT, name, namespace)))
    except Refused:
        return None


def apply(call: Call) -> Operation:
    """Every object by server-side apply, in the order given. The first that is refused ends it, and says which."""
    done = []
    for obj in call.arguments["objects"]:
        api_version, kind_name, name = _identity(obj)
        kind = yield Discover(api_version, kind_name)
        namespace = str(obj["metadata"].get("namespace") or call.namespace) if kind.namespaced else ""
        made = yield Patch(kind, name, obj, namespace, type="apply")
        where = made["metadata"].get("namespace") or ""
        done.append({"kind": kind_name, "name": made["metadata"]["name"], "namespace": where})
    return done


def _identity(obj: object) -> tuple[str, str, str]:
    if not isinstance(obj, dict) or not obj.get("apiVersion") or not obj.get("kind"):
        raise UsageError("an object to apply needs apiVersion and kind")
    if not isinstance(obj.get("metadata"), dict) or not obj["metadata"].get("name"):
        raise UsageError(f"the {obj['kind']} has no metadata.name")
    return str(obj["apiVersion"]), str(obj["kind"]), str(obj["metadata"]["name"])
