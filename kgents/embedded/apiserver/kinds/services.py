"""Services: an address out of the hive's own range, and sane ports."""

from __future__ import annotations

import ipaddress
from typing import Any

from kgents.embedded.apiserver.kinds import node_ports
from kgents.embedded.apiserver.metadata import label_causes, show_plain
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import DUPLICATE, Cause, duplicate, invalid, not_supported, required
from kgents.embedded.schema.name_forms import LABEL

Object = dict[str, Any]
ADDRESS_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
PORT_TEXT = "must be between 1 and 65535, inclusive"
OF_TYPES = {"externalTrafficPolicy": node_ports.TYPES, "allocateLoadBalancerNodePorts": ("LoadBalancer",)}
"""Fields that go when the type changes to one that does not have them."""
STICKY = 10800
"""Seconds for which a client stays with its pod."""
SKIPPED = 256
"""The first addresses of the range belong to the hive itself."""


KNOWN = {"type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"), "sessionAffinity": ("ClientIP", "None")}
PROTOCOLS = ("SCTP", "TCP", "UDP")


def _port_name(ports: list[Object], index: int, path: str) -> list[Cause]:
    name = ports[index].get("name")
    if not name:
        return [required(f"{path}.name")] if len(ports) > 1 else []
    if problems := LABEL.problems(name):
        return [invalid(f"{path}.name", name, problem) for problem in problems]
    return [duplicate(f"{path}.name", name)] if any(name == port.get("name") for port in ports[:index]) else []


def _same_port(one: Object, other: Object) -> bool:
    return all(one.get(key) == other.get(key) for key in ("protocol", "port"))


def _as_go(port: Object) -> str:
    """What Kubernetes shows of a port that is there twice: its internal form, with nothing else in it."""
    shown = {"Name": "", "Protocol": port.get("protocol"), "AppProtocol": None, "Port": port.get("port")}
    return show_plain({**shown, "TargetPort": 0, "NodePort": 0})


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
        if spec["type"] in node_ports.TYPES:
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
            for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                if key in before and not spec.get(key):
                    spec[key] = before[key]
        for key, types in OF_TYPES.items():
            if spec["type"] not in types and spec.get(key) == before.get(key):
                spec.pop(key, None)
        self._address(spec, write)
        node_ports.keep(spec, before)
        node_ports.allocate(spec, write)

    def _address(self, spec: Object, write: Write) -> None:
        if spec["type"] == "ExternalName":
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = allocate(write)
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def before_delete(self, obj: Object, write: Write) -> None:
        write.api.promised.discard(str(obj["spec"].get("clusterIP")))

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        return self._check(obj, write) + address_problems(obj["spec"], write)

    def _check(self, obj: Object, write: Write) -> list[Cause]:
        spec = obj["spec"]
        ports = spec.get("ports") or []
        causes: list[Cause] = []
        if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
            causes.append(required("spec.ports"))
        for key, known in KNOWN.items():
            if spec.get(key) not in (*known, None):
                causes.append(not_supported(f"spec.{key}", spec[key], known))
        causes += label_causes(spec.get("selector") or {}, "spec.selector")
        for index, port in enumerate(ports):
            path = f"spec.ports[{index}]"
            causes += _port_name(ports, index, path)
            if port.get("protocol", "TCP") not in PROTOCOLS:
                causes.append(not_supported(f"{path}.protocol", port["protocol"], PROTOCOLS))
            if any(_same_port(port, other) for other in ports[:index]):
                causes.append(Cause(path, DUPLICATE, f"Duplicate value: {_as_go(port)}"))
            for key in ("port", "targetPort"):
                value = port.get(key)
                if isinstance(value, int) and not 1 <= value <= 65535:
                    causes.append(invalid(f"{path}.{key}", value, PORT_TEXT))
        if spec["type"] == "ExternalName" and not spec.get("externalName"):
            causes.append(required("spec.externalName"))
        return causes + node_ports.check(spec, write)

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        causes = self._check(new, write)
        address, before = new["spec"].get("clusterIP"), old["spec"].get("clusterIP")
        if not before:
            causes += address_problems(new["spec"], write)
        if before and address != before and "ExternalName" not in (new["spec"]["type"], old["spec"]["type"]):
            causes.append(invalid("spec.clusterIPs[0]", [address], "may not change once set"))
        return causes


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
