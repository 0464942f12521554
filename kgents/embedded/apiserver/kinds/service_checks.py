"""What makes a Service unfit to be stored, its addresses and node ports aside (the words are those of
k8s.io/kubernetes/pkg/apis/core/validation)."""

from __future__ import annotations

import ipaddress
from typing import Any

from kgents.embedded.apiserver.kinds.container_checks import PROTOCOLS, check_port
from kgents.embedded.apiserver.names import dns_label, dns_subdomain
from kgents.embedded.apiserver.selector_checks import check_key, check_labels
from kgents.embedded.schema.causes import DUPLICATE, Cause, duplicate, forbidden, invalid, not_supported, required, show

Object = dict[str, Any]
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
AFFINITIES = ("ClientIP", "None")
FAMILIES = ("IPv4", "IPv6")
POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
TRAFFIC = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
ADDRESS_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
RANGE_TEXT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
LONGEST = 86400
"""The seconds of a day: for no longer a client may stay with its pod."""
BALANCED = "may only be used when `type` is 'LoadBalancer'"


def is_open(spec: Object) -> bool:
    """Whether it can be reached from outside."""
    return spec["type"] in ("LoadBalancer", "NodePort") or (
        spec["type"] == "ClusterIP" and bool(spec.get("externalIPs"))
    )


def is_bare(spec: Object) -> bool:
    """Whether it stands for nothing of the hive's own: no address and no pods. Whoever fills it in settles the rest."""
    return spec.get("clusterIP") == "None" and not spec.get("selector")


def wants_health(spec: Object) -> bool:
    """Whether balancers ask each node for pods of its own."""
    return spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def check_service(spec: Object) -> list[Cause]:
    """A Service, new or changed."""
    kind, headless = spec["type"], spec.get("clusterIP") == "None"
    causes: list[Cause] = []
    if not spec.get("ports") and not headless and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if headless and kind in ("LoadBalancer", "NodePort"):
        text = f"may not be set to 'None' for {kind} services"
        causes.append(invalid("spec.clusterIPs[0]", "None", text))
    if kind == "ExternalName":
        causes += _alias(spec)
    causes += _ports(spec.get("ports") or [])
    causes += check_labels("spec.selector", spec.get("selector"))
    causes += _affinity(spec) + _families(spec)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        causes += _address(f"spec.externalIPs[{index}]", address)
    if kind not in TYPES:
        causes.append(not_supported("spec.type", kind, TYPES))
    return causes + _balancer(spec) + _traffic(spec)


def _alias(spec: Object) -> list[Cause]:
    keys = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
    given = [key for key in keys if spec.get(key) or (key == "clusterIPs" and spec.get("clusterIP"))]
    causes = [forbidden(f"spec.{key}", "may not be set for ExternalName services") for key in given]
    name = str(spec.get("externalName") or "").removesuffix(".")
    if not name:
        return [*causes, required("spec.externalName")]
    problem = dns_subdomain(name)
    return [*causes, invalid("spec.externalName", name, problem)] if problem else causes


def _ports(ports: list[Object]) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    used: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        at, name, protocol = f"spec.ports[{index}]", port.get("name") or "", port.get("protocol")
        if not name and len(ports) > 1:
            causes.append(required(f"{at}.name"))
        if name and (problem := dns_label(name)):
            causes.append(invalid(f"{at}.name", name, problem))
        if name and name in names:
            causes.append(duplicate(f"{at}.name", name))
        names.add(name)
        for key in ("port", "targetPort"):
            causes += check_port(f"{at}.{key}", port.get(key))
        if protocol not in PROTOCOLS:
            causes.append(not_supported(f"{at}.protocol", protocol, PROTOCOLS))
        if port.get("appProtocol") is not None:
            causes += check_key(f"{at}.appProtocol", port["appProtocol"])
        if (protocol, port.get("port")) in used:
            # Kubernetes shows this one as its source code names the fields, and in its order.
            rest = f'"Port":{port.get("port")},"TargetPort":0,"NodePort":0'
            shown = f'{{"Name":"","Protocol":{show(protocol)},"AppProtocol":null,{rest}}}'
            causes.append(Cause(at, DUPLICATE, f"Duplicate value: {shown}"))
        used.add((protocol, port.get("port")))
    return causes


def _families(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    families, policy = spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
    for index, family in enumerate(families):
        at = f"spec.ipFamilies[{index}]"
        if family not in FAMILIES:
            causes.append(not_supported(at, family, FAMILIES))
        elif family in families[:index]:
            causes.append(duplicate(at, family))
        elif family != FAMILIES[0] and not is_bare(spec):
            causes.append(invalid(at, family, "not configured on this cluster"))
    if policy is not None and policy not in POLICIES:
        causes.append(not_supported("spec.ipFamilyPolicy", policy, POLICIES))
    elif policy == "RequireDualStack" and spec["type"] != "ExternalName" and not is_bare(spec):
        text = "this cluster is not configured for dual-stack services"
        causes.append(invalid("spec.ipFamilyPolicy", policy, text))
    return causes


def _affinity(spec: Object) -> list[Cause]:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    where, text = "spec.sessionAffinityConfig", "when session affinity type is ClientIP"
    if affinity not in AFFINITIES:
        return [not_supported("spec.sessionAffinity", affinity, AFFINITIES)]
    if affinity == "None":
        why = "must not be set when session affinity is None"
        return [] if config is None else [forbidden(where, why)]
    if not config or config.get("clientIP") is None:
        return [required(f"{where}.clientIP" if config is not None else where, text)]
    seconds = config["clientIP"].get("timeoutSeconds")
    if seconds is None:
        return [required(f"{where}.clientIP.timeoutSeconds", text)]
    if 0 < seconds <= LONGEST:
        return []
    why = f"must be greater than 0 and less than {LONGEST}"
    return [invalid(f"{where}.clientIP.timeoutSeconds", seconds, why)]


def _address(where: str, address: str) -> list[Cause]:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return [invalid(where, address, ADDRESS_TEXT)]
    texts = []
    if ip.is_unspecified:
        texts.append(f"may not be unspecified ({address})")
    if ip.is_loopback:
        texts.append("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if ip.is_link_local:
        texts.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if any(ip in ipaddress.ip_network(net) for net in ("224.0.0.0/24", "ff02::/16")):
        texts.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return [invalid(where, address, text) for text in texts]


def _balancer(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    balanced = spec["type"] == "LoadBalancer"
    ranges, name = spec.get("loadBalancerSourceRanges") or [], spec.get("loadBalancerClass")
    # So it is called there, with a capital letter.
    where = "spec.LoadBalancerSourceRanges"
    if ranges and not balanced:
        causes.append(forbidden(where, BALANCED))
    for index, value in enumerate(ranges):
        try:
            ipaddress.ip_network(value.strip(), strict=False)
            whole = "/" in value
        except ValueError:
            whole = False
        if not whole:
            causes.append(invalid(f"{where}[{index}]", value, RANGE_TEXT))
    if not balanced:
        keys = ("allocateLoadBalancerNodePorts", "loadBalancerClass")
        return causes + [forbidden(f"spec.{key}", BALANCED) for key in keys if spec.get(key) is not None]
    return causes if name is None else causes + check_key("spec.loadBalancerClass", name)


def _traffic(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    outside, port = spec.get("externalTrafficPolicy"), spec.get("healthCheckNodePort")
    if outside and not is_open(spec):
        text = "may only be set for externally-accessible services"
        causes.append(invalid("spec.externalTrafficPolicy", outside, text))
    elif outside and outside not in TRAFFIC:
        causes.append(not_supported("spec.externalTrafficPolicy", outside, TRAFFIC))
    if port and not wants_health(spec):
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        causes.append(invalid("spec.healthCheckNodePort", port, text))
    inside, near = spec.get("internalTrafficPolicy"), spec.get("trafficDistribution")
    if inside and inside not in TRAFFIC:
        causes.append(not_supported("spec.internalTrafficPolicy", inside, TRAFFIC))
    if near is not None and near not in DISTRIBUTIONS:
        causes.append(not_supported("spec.trafficDistribution", near, DISTRIBUTIONS))
    return causes


def check_change(new: Object, old: Object) -> list[Cause]:
    """What a balancer relies on does not change under it."""
    causes: list[Cause] = []
    name = new.get("loadBalancerClass")
    if new["type"] == old["type"] == "LoadBalancer" and name != old.get("loadBalancerClass"):
        causes.append(invalid("spec.loadBalancerClass", name, "may not change once set"))
    port = new.get("healthCheckNodePort")
    if wants_health(new) and wants_health(old) and port != old.get("healthCheckNodePort"):
        causes.append(forbidden("spec.healthCheckNodePort", "field is immutable"))
    return causes
