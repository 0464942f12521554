"""All that an agent is made of, as objects to apply. Pure: the same Agent always gives the same children."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgents.api import quantity
from kgents.api.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    MEMORY,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    ROLE,
    ROLE_BINDING,
    SERVICE,
    SERVICE_ACCOUNT,
    UMWELT,
    Kind,
)
from operators.agent import access, meta, paths, pod, sidecar
from operators.agent.sidecar import HERE, Program

Object = dict[str, Any]

KINDS = (
    SERVICE_ACCOUNT,
    ROLE,
    ROLE_BINDING,
    CONFIG_MAP,
    NETWORK_POLICY,
    UMWELT,
    MEMORY,
    PERSISTENT_VOLUME_CLAIM,
    SERVICE,
    DEPLOYMENT,
)
"""In the order in which they are made: what a pod needs comes before the pod."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the children depend on beyond the Agent. `held`: it is in safemode. `claim`: its volume as it is.

    `memory`: how its memory sidecar is run, None where it cannot be. `umwelt`: what an Umwelt that was made by hand
    says, for an agent that says nothing of it.
    """

    held: bool = False
    claim: Mapping[str, Any] | None = None
    memory: Program | None = HERE
    umwelt: Mapping[str, Any] = field(default_factory=dict)
    api_endpoints: Sequence[tuple[str, int]] = ()


def is_suspended(spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("suspend")) or spec.get("replicas", 1) == 0


def wanted_replicas(spec: Mapping[str, Any]) -> int:
    return 0 if is_suspended(spec) else int(spec.get("replicas", 1))


def render(agent: Mapping[str, Any], around: Surroundings) -> list[tuple[Kind, Object]]:
    """The children that the agent should have, in the order of KINDS. One that adopts a workload needs a place to
    keep what its reactions and signals have come to, and nothing else."""
    spec = agent["spec"]
    if spec.get("workloadRef"):
        return [(CONFIG_MAP, meta.config_map(agent))]
    umwelt = around.umwelt if spec.get("umwelt") is None else access.umwelt_of(spec)
    children = [
        (SERVICE_ACCOUNT, meta.child(agent, SERVICE_ACCOUNT)),
        (ROLE, meta.child(agent, ROLE, rules=access.rules(umwelt.get("affordances")))),
        (ROLE_BINDING, _role_binding(agent)),
        (CONFIG_MAP, meta.child(agent, CONFIG_MAP, data=_files(spec, umwelt))),
        (NETWORK_POLICY, _network_policy(agent, around.api_endpoints)),
    ]
    if spec.get("umwelt") is not None:
        said = {"agent": agent["metadata"]["name"], **umwelt}
        children.append((UMWELT, meta.child(agent, UMWELT, spec=said)))
    children += _memory(agent, around.claim)
    if spec.get("ports"):
        children.append((SERVICE, _service(agent)))
    children.append((DEPLOYMENT, _deployment(agent, around)))
    return children


def _role_binding(agent: Mapping[str, Any]) -> Object:
    name, namespace = agent["metadata"]["name"], agent["metadata"]["namespace"]
    return meta.child(
        agent,
        ROLE_BINDING,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    )


def _files(spec: Mapping[str, Any], umwelt: Mapping[str, Any]) -> dict[str, str]:
    text = json.dumps(umwelt, sort_keys=True, indent=2, ensure_ascii=False)
    config = {paths.config_key(key): str(value) for key, value in (spec.get("config") or {}).items()}
    memory = {paths.MEMORY_SETTINGS_KEY: sidecar.settings(spec)} if sidecar.memory_spec(spec) else {}
    return {paths.UMWELT_KEY: text + "\n", **memory, **config}


def _service(agent: Mapping[str, Any]) -> Object:
    ports = agent["spec"]["ports"]
    made = []
    for port in ports:
        number, protocol = port["containerPort"], port.get("protocol", "TCP")
        name = port.get("name") or (f"{protocol.lower()}-{number}" if len(ports) > 1 else None)
        entry: Object = {"port": number, "targetPort": number, "protocol": protocol}
        made.append({"name": name, **entry} if name else entry)
    return meta.child(agent, SERVICE, spec={"selector": meta.selector(agent["metadata"]["name"]), "ports": made})


def _network_policy(agent: Mapping[str, Any], api_endpoints: Sequence[tuple[str, int]]) -> Object:
    network = agent["spec"].get("network") or {}
    peers = network.get("allowedPeers")
    ingress: list[Object] = [{}]
    if peers is not None:
        allowed = [{"podSelector": {"matchLabels": meta.selector(peer)}} for peer in peers]
        # An empty `from` would mean everybody.
        ingress = [{"from": allowed}] if allowed else []
    spec: Object = {
        "podSelector": {"matchLabels": meta.selector(agent["metadata"]["name"])},
        "policyTypes": ["Ingress"],
        "ingress": ingress,
    }
    if network.get("allowEgress", True) is False:
        names = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
        api = [
            {"to": [{"ipBlock": {"cidr": f"{address}/{128 if ':' in address else 32}"}}], "ports": [{"port": port}]}
            for address, port in api_endpoints
        ]
        spec["policyTypes"] = ["Ingress", "Egress"]
        spec["egress"] = [{"to": [{"podSelector": {}}]}, {"ports": names}, *api]
    return meta.child(agent, NETWORK_POLICY, spec=spec)


def _memory(agent: Mapping[str, Any], claim: Mapping[str, Any] | None) -> list[tuple[Kind, Object]]:
    memory = sidecar.memory_spec(agent["spec"])
    if memory is None:
        return []
    kind, size = memory.get("type", "Ephemeral"), str(memory.get("size", sidecar.USUAL_SIZE))
    retention = memory.get("retentionPolicy", "Delete")
    # What is to be retained must have no owner, or garbage collection takes it along.
    owned = retention != "Retain"
    spec = {"owner": agent["metadata"]["name"], "type": kind, "size": size, "retentionPolicy": retention}
    children = [(MEMORY, meta.child(agent, MEMORY, owned=owned, spec=spec))]
    if kind != "Ephemeral":
        asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _room(size, claim)}}}
        volume = meta.child(agent, PERSISTENT_VOLUME_CLAIM, owned=owned, spec=asked)
        children.append((PERSISTENT_VOLUME_CLAIM, volume))
    return children


def _room(size: str, claim: Mapping[str, Any] | None) -> str:
    """A claim never shrinks: Kubernetes refuses that."""
    have = (claim or {}).get("spec", {}).get("resources", {}).get("requests", {}).get("storage")
    if have is None or (quantity.parse_or(size, None) or 0) > (quantity.parse_or(have, None) or 0):
        return size
    return str(have)


def _deployment(agent: Mapping[str, Any], around: Surroundings) -> Object:
    spec: Object = {
        "replicas": 0 if around.held else wanted_replicas(agent["spec"]),
        "selector": {"matchLabels": meta.selector(agent["metadata"]["name"])},
        "template": pod.template(agent, around.memory),
    }
    return meta.child(agent, DEPLOYMENT, spec=spec)
