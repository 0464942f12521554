"""Services: an address out of the hive's own range, and sane ports."""

from __future__ import annotations

import ipaddress
from typing import Any

from kgents.embedded.apiserver.kinds import node_ports
from kgents.embedded.apiserver.kinds.service_checks import (
    ADDRESS_TEXT,
    check_change,
    check_service,
    is_bare,
    is_open,
    wants_health,
)
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid

Object = dict[str, Any]
BALANCED = ("allocateLoadBalancerNodePorts", "loadBalancerClass")
CLUSTER = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
STICKY = 10800
"""Seconds for which a client stays with its pod."""
SKIPPED = 256
"""The first addresses of the range belong to the hive itself."""


class ServiceStrategy(Strategy):
    """ClusterIP services get an address and keep it."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        for port in spec.get("ports") or []:
            port.setdefault("protocol", "TCP")
            if (port.get("targetPort") in (None, "", 0) and spec.get("clusterIP") != "None") or port.get(
                "targetPort"
            ) is None:
                port["targetPort"] = port.get("port")
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")
        if is_open(spec):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
        if spec["sessionAffinity"] == "ClientIP":
            spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": STICKY}})
        obj.setdefault("status", {"loadBalancer": {}})

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {"loadBalancer": {}}
        self._address(obj["spec"], write)
        node_ports.allocate(obj["spec"], write)

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource != "status" and "status" in old:
            new["status"] = old["status"]
        spec, before = new["spec"], old.get("spec", {})
        if spec["type"] != "ExternalName" and before.get("type") != "ExternalName":
            for key in CLUSTER:
                if key in before and not spec.get(key):
                    spec[key] = before[key]
        _drop(spec, before)
        self._address(spec, write)
        node_ports.keep(spec, before)
        node_ports.allocate(spec, write)

    def _address(self, spec: Object, write: Write) -> None:
        if spec["type"] == "ExternalName":
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = allocate(write)
        spec["clusterIPs"] = [spec["clusterIP"]]
        single, bare = "SingleStack", is_bare(spec)
        policy = spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or ("RequireDualStack" if bare else single)
        families = spec["ipFamilies"] = spec.get("ipFamilies") or ["IPv4"]
        if bare and policy != single and len(families) == 1:
            families.append("IPv6" if families[0] == "IPv4" else "IPv4")

    def before_delete(self, obj: Object, write: Write) -> None:
        write.api.promised.discard(str(obj["spec"].get("clusterIP")))

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return self._check(obj, write) + address_problems(obj["spec"], write)

    def _check(self, obj: Object, write: Write) -> list[Cause]:
        return check_service(obj["spec"]) + node_ports.check(obj["spec"], write)

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        if write.subresource == "status":
            return []
        causes = self._check(new, write) + check_change(new["spec"], old["spec"])
        address, before = new["spec"].get("clusterIP"), old["spec"].get("clusterIP")
        if not before:
            causes += address_problems(new["spec"], write)
        if before and address != before and "ExternalName" not in (new["spec"]["type"], old["spec"]["type"]):
            causes.append(invalid("spec.clusterIPs[0]", [address], "may not change once set"))
        return causes


def _drop(spec: Object, before: Object) -> None:
    """Lets go of what the type no longer has, unless the client says something new of it."""
    keys: tuple[str, ...] = ()
    if spec["type"] == "ExternalName":
        keys += CLUSTER
    if spec["type"] != "LoadBalancer":
        keys += BALANCED
    if not is_open(spec):
        keys += ("externalTrafficPolicy",)
    if not wants_health(spec):
        keys += ("healthCheckNodePort",)
    for key in keys:
        if spec.get(key) == before.get(key):
            spec.pop(key, None)


def address_problems(spec: Object, write: Write) -> list[Cause]:
    """What is wrong with a cluster address that a client asked for."""
    address = spec.get("clusterIP")
    if not address or address == "None" or spec["type"] == "ExternalName":
        return []
    try:
        inside = ipaddress.ip_address(address) in ipaddress.ip_network(write.api.service_cidr)
    except ValueError:
        return [invalid("spec.clusterIPs[0]", address, ADDRESS_TEXT)]
    why = f"failed to allocate IP {address}: "
    if not inside:
        why += f"the provided IP ({address}) is not in the valid range. "
        return [invalid("spec.clusterIPs", [address], f"{why}The range of valid IPs is {write.api.service_cidr}")]
    if address in _taken(write, but=(write.namespace, write.name)):
        return [invalid("spec.clusterIPs", [address], f"{why}provided IP is already allocated")]
    return []


def _taken(write: Write, but: tuple[str, str] | None = None) -> set[Any]:
    services = write.api.store.collection("services").records.items()
    return {(record.parse().get("spec") or {}).get("clusterIP") for key, record in services if key != but}


def allocate(write: Write) -> str:
    """The lowest free address of the range."""
    taken = _taken(write)
    # Of those that are stored by now the store speaks itself.
    write.api.promised -= taken
    taken |= write.api.promised
    network = ipaddress.ip_network(write.api.service_cidr)
    first = int(network.network_address) + SKIPPED
    for number in range(first, int(network.broadcast_address)):
        address = str(ipaddress.ip_address(number))
        if address not in taken:
            if not write.dry_run:
                write.api.promised.add(address)
            return address
    from kgents.embedded.apiserver.errors import StatusError

    raise StatusError(500, "InternalError", "failed to allocate a serviceIP: range is full")
