"""Names, labels and owner references of an agent's children. They are found again by these alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import names
from kgents.api.kinds import AGENT, AGENT_LABEL, CONFIG_MAP, Kind

Object = dict[str, Any]

NAME_LABEL = "app.kubernetes.io/name"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "kgents"


def selector(agent_name: str) -> dict[str, str]:
    """What selects an agent's pods."""
    return {AGENT_LABEL: agent_name}


def labels(agent_name: str) -> dict[str, str]:
    return {NAME_LABEL: agent_name, MANAGED_BY_LABEL: MANAGED_BY, AGENT_LABEL: agent_name}


def owner_reference(agent: Mapping[str, Any]) -> Object:
    metadata = agent["metadata"]
    return {
        "apiVersion": AGENT.api_version,
        "kind": AGENT.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def child(agent: Mapping[str, Any], kind: Kind, *, owned: bool = True, **content: Any) -> Object:
    """A child of `kind` with the agent's own name. Not `owned`: it outlives the agent."""
    metadata = agent["metadata"]
    name = metadata["name"]
    meta: Object = {"name": name, "namespace": metadata["namespace"], "labels": labels(name)}
    if owned:
        meta["ownerReferences"] = [owner_reference(agent)]
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **content}


def config_map(agent: Mapping[str, Any]) -> Object:
    """The agent's ConfigMap, empty. An adopted workload often has one of its own name already: that is not ours."""
    made = child(agent, CONFIG_MAP)
    made["metadata"]["name"] = config_map_name(agent)
    return made


def config_map_name(agent: Mapping[str, Any]) -> str:
    name = str(agent["metadata"]["name"])
    return adopted_name(name) if agent["spec"].get("workloadRef") else name


def adopted_name(agent_name: str) -> str:
    return names.child_name(agent_name, "kgents")


def agent_of(obj: Mapping[str, Any]) -> tuple[str, str] | None:
    """(namespace, name) of the agent that an object belongs to by its label."""
    metadata = obj["metadata"]
    name = (metadata.get("labels") or {}).get(AGENT_LABEL)
    return (metadata.get("namespace") or "", name) if name else None
