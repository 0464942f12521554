"""The ports of nodes that Services of type NodePort and LoadBalancer are given. In a hive nobody listens on them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from kgents.embedded.apiserver.kinds.service_checks import wants_health
from kgents.embedded.apiserver.strategy import Write
from kgents.embedded.schema.causes import Cause, forbidden, invalid

Object = dict[str, Any]
TYPES = ("NodePort", "LoadBalancer")
RANGE = range(30000, 32768)
HEALTH = "healthCheckNodePort"
OUTSIDE = f"provided port is not in the valid range. The range of valid ports is {RANGE[0]}-{RANGE[-1]}"


def _needed(spec: Object) -> bool:
    given_up = spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False
    return spec.get("type") in TYPES and not given_up


def _others(write: Write) -> Iterator[Object]:
    for key, record in write.api.store.collection("services").records.items():
        if key != (write.namespace, write.name):
            spec = record.parse()["spec"]
            yield from spec.get("ports") or ()
            yield {"nodePort": spec.get(HEALTH, 0)}


def _used(port: Object) -> tuple[int, str]:
    return port.get("nodePort", 0), port.get("protocol", "TCP")


def keep(spec: Object, before: Object) -> None:
    """Ports that stay keep their node ports; a type without node ports lets go of those it had."""
    known = {(one.get("port"), one.get("protocol")): one.get("nodePort") for one in before.get("ports") or ()}
    for port in spec.get("ports") or ():
        old = known.get((port.get("port"), port.get("protocol")))
        if old and _needed(spec) and not port.get("nodePort"):
            port["nodePort"] = old
        elif old and spec["type"] not in TYPES and port.get("nodePort") == old:
            del port["nodePort"]
    if wants_health(spec) and not spec.get(HEALTH) and before.get(HEALTH):
        spec[HEALTH] = before[HEALTH]


def allocate(spec: Object, write: Write) -> None:
    """Gives a free port, at random as Kubernetes does, to every port that has none, and to who asks for health."""
    missing = [(port, "nodePort") for port in spec.get("ports") or () if not port.get("nodePort") and _needed(spec)]
    if wants_health(spec) and not spec.get(HEALTH):
        missing.append((spec, HEALTH))
    if not missing:
        return
    taken = {_used(port)[0] for port in (*_others(write), *(spec.get("ports") or ()))}
    free = [number for number in RANGE if number not in taken]
    for (owner, key), number in zip(missing, random.sample(free, min(len(missing), len(free))), strict=False):
        owner[key] = number


def check(spec: Object, write: Write) -> list[Cause]:
    """What is wrong with the node ports that a client asked for."""
    asked = {f"spec.ports[{index}].nodePort": port for index, port in enumerate(spec.get("ports") or ())}
    asked = {path: port for path, port in asked.items() if port.get("nodePort")}
    if not asked:
        return []
    if spec["type"] not in TYPES:
        return [forbidden(path, f"may not be used when `type` is '{spec['type']}'") for path in asked]
    taken = {_used(port) for port in _others(write)}
    causes = []
    for path, port in asked.items():
        if port["nodePort"] not in RANGE:
            causes.append(invalid(path, port["nodePort"], OUTSIDE))
        elif _used(port) in taken:
            causes.append(invalid(path, port["nodePort"], "provided port is already allocated"))
    return causes
