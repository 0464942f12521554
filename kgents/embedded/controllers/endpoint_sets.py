"""Which addresses stand behind a Service: its Endpoints and EndpointSlices, from the pods that it selects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kgents.api.kinds import SERVICE
from kgents.embedded.controllers.objects import Object, is_deleting, labels_of, owner_reference, safe_hash
from kgents.embedded.controllers.replicas import is_ready

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
SLICE_SIZE = 1000

_FINISHED = ("Succeeded", "Failed")


def has_selector(service: Mapping[str, Any]) -> bool:
    """Whether its endpoints are ours to keep. Without a selector they are somebody else's."""
    spec = service.get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def selected(service: Mapping[str, Any], pods: Iterable[Object]) -> list[Object]:
    """Its pods that have an address and are not finished, by name."""
    wanted = service["spec"]["selector"].items()
    chosen = [
        pod
        for pod in pods
        if wanted <= labels_of(pod).items()
        and (pod.get("status") or {}).get("podIP")
        and (pod.get("status") or {}).get("phase") not in _FINISHED
    ]
    return sorted(chosen, key=lambda pod: str(pod["metadata"]["name"]))


def endpoints(service: Mapping[str, Any], pods: Iterable[Object]) -> Object:
    """The Endpoints object: addresses by the ports they serve, ready ones apart from the others."""
    unready_too = bool(service["spec"].get("publishNotReadyAddresses"))
    subsets: dict[str, Object] = {}
    for pod in selected(service, pods):
        if is_deleting(pod) and not unready_too:
            continue
        ports = _ports(service, pod)
        if not ports and service["spec"].get("ports"):
            continue
        entry = subsets.setdefault(safe_hash(ports), {"addresses": [], "notReadyAddresses": [], "ports": ports})
        entry["addresses" if unready_too or is_ready(pod) else "notReadyAddresses"].append(_address(pod))
    kept = [{key: value for key, value in subset.items() if value} for _, subset in sorted(subsets.items())]
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _metadata(service, service["metadata"]["name"], dict(labels_of(service))),
        **({"subsets": kept} if kept else {}),
    }


def slices(service: Mapping[str, Any], pods: Iterable[Object]) -> list[Object]:
    """The EndpointSlices: at least one, so that a Service without pods is known to have none."""
    groups: dict[str, tuple[list[Object], list[Object]]] = {}
    for pod in selected(service, pods):
        ports = _ports(service, pod)
        if ports or not service["spec"].get("ports"):
            groups.setdefault(safe_hash(ports), (ports, []))[1].append(pod)
    if not groups:
        groups[safe_hash([])] = ([], [])
    made = []
    for name, (ports, members) in sorted(groups.items()):
        for index in range(0, max(1, len(members)), SLICE_SIZE):
            made.append(_slice(service, f"{name}{index}", ports, members[index : index + SLICE_SIZE]))
    return made


def _slice(service: Mapping[str, Any], part: str, ports: Sequence[Object], pods: Sequence[Object]) -> Object:
    # The name follows from the content's shape, so that a second look finds the first one's work.
    name = f"{service['metadata']['name'][:56]}-{safe_hash([service['metadata']['uid'], part], 5)}"
    labels = {**labels_of(service), SERVICE_LABEL: service["metadata"]["name"], MANAGED_BY: MANAGER}
    addresses = [(pod.get("status") or {}).get("podIP", "") for pod in pods]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _metadata(service, name, labels),
        "addressType": "IPv6" if any(":" in address for address in addresses) else "IPv4",
        "endpoints": [_endpoint(service, pod) for pod in pods],
        # A slice names every port, if only by nothing; the server fills that in, and a difference would be written.
        "ports": [{"name": "", **port} for port in ports],
    }


def _endpoint(service: Mapping[str, Any], pod: Mapping[str, Any]) -> Object:
    unready_too = bool(service["spec"].get("publishNotReadyAddresses"))
    serving, going = is_ready(pod), is_deleting(pod)
    address = _address(pod)
    endpoint: Object = {
        "addresses": [address["ip"]],
        "conditions": {
            "ready": unready_too or (serving and not going),
            "serving": serving,
            "terminating": going,
        },
        "targetRef": address["targetRef"],
    }
    if "nodeName" in address:
        endpoint["nodeName"] = address["nodeName"]
    return endpoint


def _address(pod: Mapping[str, Any]) -> Object:
    metadata = pod["metadata"]
    reference = {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
    address: Object = {"ip": pod["status"]["podIP"], "targetRef": reference}
    node = (pod.get("spec") or {}).get("nodeName")
    return {**address, "nodeName": node} if node else address


def _ports(service: Mapping[str, Any], pod: Mapping[str, Any]) -> list[Object]:
    """The Service's ports as this pod serves them; a port it knows by a name that the pod lacks is left out."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = _target(port, pod)
        if number is None:
            continue
        entry: Object = {"port": number, "protocol": port.get("protocol") or "TCP"}
        if port.get("name"):
            entry["name"] = port["name"]
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        ports.append(entry)
    return ports


def _target(port: Mapping[str, Any], pod: Mapping[str, Any]) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    protocol = port.get("protocol") or "TCP"
    for container in (pod.get("spec") or {}).get("containers") or ():
        for served in container.get("ports") or ():
            if served.get("name") == target and (served.get("protocol") or "TCP") == protocol:
                return int(served["containerPort"])
    return None


def _metadata(service: Mapping[str, Any], name: str, labels: dict[str, str]) -> Object:
    return {
        "name": name,
        "namespace": service["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owner_reference(SERVICE, service)],
    }
