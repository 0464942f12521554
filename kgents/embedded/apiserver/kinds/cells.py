"""The cells behind the columns of built-in kinds: what a person wants to know of a service, a node, a volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver.age import since
from kgents.embedded.apiserver.kinds.column import at

Object = dict[str, Any]
NONE = "<none>"
UNSET = "<unset>"
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def pairs(labels: Any) -> str:
    """Labels as `a=b,c=d`."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else NONE


def selector_text(selector: Any) -> str:
    """A label selector in the form that `kubectl get -l` takes."""
    found = [(key, f"{key}={value}") for key, value in at(selector, "matchLabels", {}).items()]
    for one in at(selector, "matchExpressions", ()):
        key, values = str(one.get("key")), ",".join(sorted(map(str, one.get("values") or ())))
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "DoesNotExist": f"!{key}"}
        found.append((key, forms.get(str(one.get("operator")), key)))
    return ",".join(text for _, text in sorted(found))


def selector(obj: Object) -> str:
    """A workload's selector."""
    return selector_text(at(obj, "spec.selector")) or NONE


def count(field: str) -> Callable[[Object], int]:
    """A cell with a number of the status, 0 when unset."""
    return lambda obj: int(at(obj, f"status.{field}", 0))


def ready_of(obj: Object) -> str:
    """Ready pods of all, as 1/2."""
    return f"{at(obj, 'status.readyReplicas', 0)}/{at(obj, 'spec.replicas', 0)}"


def names(obj: Object, template: str) -> str:
    """The names of the containers of the pod template at a path."""
    return ",".join(str(one.get("name", "")) for one in at(obj, f"{template}.spec.containers", ()))


def images(obj: Object, template: str) -> str:
    """The images of the containers of the pod template at a path."""
    return ",".join(str(one.get("image", "")) for one in at(obj, f"{template}.spec.containers", ()))


def container_names(obj: Object) -> str:
    """The names of a workload's containers."""
    return names(obj, "spec.template")


def container_images(obj: Object) -> str:
    """The images of a workload's containers."""
    return images(obj, "spec.template")


def shortened(texts: list[str], limit: int = 3) -> str:
    """The first few of a list, and how many more there are."""
    more = f" + {len(texts) - limit} more..." if len(texts) > limit else ""
    return ",".join(texts[:limit]) + more


def balancer(obj: Object) -> str:
    """Where a load balancer listens."""
    found = {one.get("ip") or one.get("hostname") for one in at(obj, "status.loadBalancer.ingress", ())}
    return ",".join(sorted(filter(None, found)))


def external_address(obj: Object) -> str:
    """What a service is called from outside."""
    kind, addresses = at(obj, "spec.type"), list(at(obj, "spec.externalIPs", ()))
    if kind == "ExternalName":
        return str(at(obj, "spec.externalName", ""))
    if kind == "LoadBalancer":
        return ",".join([*filter(None, [balancer(obj)]), *addresses]) or "<pending>"
    return ",".join(addresses) or NONE


def service_ports(obj: Object) -> str:
    """Ports with their protocol."""
    ports = (
        (f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"]), port.get("protocol"))
        for port in at(obj, "spec.ports", ())
    )
    return ",".join(f"{number}/{protocol}" for number, protocol in ports) or NONE


def endpoints(obj: Object) -> str:
    """The first few addresses behind a service."""
    found = []
    for subset in at(obj, "subsets", ()):
        addresses = [str(one.get("ip")) for one in at(subset, "addresses", ())]
        ports = at(subset, "ports", ())
        found += [f"{_host(one)}:{port['port']}" for port in ports for one in addresses] if ports else addresses
    return shortened(found) or NONE


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def node_status(obj: Object) -> str:
    """Whether a node is ready, and whether it takes pods."""
    conditions = {one["type"]: one["status"] for one in at(obj, "status.conditions", ())}
    ready = conditions.get("Ready")
    word = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return word + (",SchedulingDisabled" if at(obj, "spec.unschedulable") else "")


def node_roles(obj: Object) -> str:
    """A node's roles, from its labels."""
    prefix, labels = "node-role.kubernetes.io/", at(obj, "metadata.labels", {})
    roles = {key.removeprefix(prefix) for key in labels if key.startswith(prefix)} | {labels.get("kubernetes.io/role")}
    return ",".join(sorted(filter(None, roles))) or NONE


def node_info(obj: Object, key: str) -> str:
    """One entry of nodeInfo."""
    return str(at(obj, f"status.nodeInfo.{key}") or "<unknown>")


def node_address(obj: Object, kind: str) -> str:
    """A node's address of one kind."""
    return next((one["address"] for one in at(obj, "status.addresses", ()) if one["type"] == kind), NONE)


def modes(owner: Any) -> str:
    """Access modes by their short names."""
    return ",".join(MODES.get(mode, mode) for mode in at(owner, "accessModes", ()))


def volume_phase(obj: Object) -> str:
    """Where a volume or a claim stands."""
    return "Terminating" if at(obj, "metadata.deletionTimestamp") else str(at(obj, "status.phase", ""))


def claim_capacity(obj: Object) -> str:
    """How much a bound claim got."""
    return str(at(obj, "status.capacity.storage", "0")) if at(obj, "spec.volumeName") else ""


def claim_modes(obj: Object) -> str:
    """How a bound claim may be used."""
    return modes(at(obj, "status")) if at(obj, "spec.volumeName") else ""


def storage_class(obj: Object) -> str:
    """The class of a volume or a claim."""
    annotated = at(obj, "metadata.annotations", {}).get(CLASS_ANNOTATION)
    return str(annotated or at(obj, "spec.storageClassName", ""))


def attributes_class(obj: Object) -> str:
    """The attributes class of a volume or a claim."""
    return str(at(obj, "spec.volumeAttributesClassName", UNSET))


def volume_mode(obj: Object) -> str:
    """Filesystem or Block."""
    return str(at(obj, "spec.volumeMode", UNSET))


def volume_claim(obj: Object) -> str:
    """The claim that a volume is bound to."""
    claim = at(obj, "spec.claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def quota_requests(obj: Object) -> str:
    """What is used of each limit but those on limits."""
    return _quota(obj, limits=False)


def quota_limits(obj: Object) -> str:
    """What is used of the limits on limits."""
    return _quota(obj, limits=True)


def _quota(obj: Object, *, limits: bool) -> str:
    hard, used = at(obj, "status.hard", {}), at(obj, "status.used", {})
    found = (key for key in sorted(hard) if key.startswith("limits") is limits)
    return ", ".join(f"{key}: {used.get(key, '0')}/{hard[key]}" for key in found)


def last_seen(obj: Object) -> str:
    """When an event was last seen."""
    series = at(obj, "series.lastObservedTime")
    return since(series) if series else since(obj["lastTimestamp"]) if obj.get("lastTimestamp") else first_seen(obj)


def first_seen(obj: Object) -> str:
    """When an event was first seen."""
    return since(obj.get("firstTimestamp") or obj.get("eventTime"))


def event_count(obj: Object) -> int:
    """How often an event was seen."""
    return int(at(obj, "series.count", 0) or at(obj, "count", 0) or 1)


def involved(obj: Object) -> str:
    """What an event is about, as kind/name."""
    kind, name = str(at(obj, "involvedObject.kind", "")).lower(), at(obj, "involvedObject.name")
    return f"{kind}/{name}" if name else kind


def event_source(obj: Object) -> str:
    """Who reported an event."""
    name = at(obj, "source.component") or at(obj, "reportingComponent", "")
    instance = at(obj, "source.host") or at(obj, "reportingInstance")
    return f"{name}, {instance}" if instance else str(name)
