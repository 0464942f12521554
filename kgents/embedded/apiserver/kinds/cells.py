"""The cells behind the columns of built-in kinds: what a person wants to know of a pod, a service, a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kgents.embedded.apiserver.age import age, duration, parse_time, since

Object = dict[str, Any]
NONE = "<none>"


def pairs(labels: Any) -> str:
    """Labels as `a=b,c=d`."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else NONE


def count(obj: Object, key: str) -> int:
    """A number of the status, 0 when unset."""
    return int((obj.get("status") or {}).get(key) or 0)


def selector(obj: Object) -> str:
    """A workload's selector."""
    return pairs((obj["spec"].get("selector") or {}).get("matchLabels"))


def _containers(obj: Object) -> list[Object]:
    return list(obj["spec"]["template"]["spec"].get("containers") or [])


def container_names(obj: Object) -> str:
    """The names of a template's containers."""
    return ",".join(str(one.get("name", "")) for one in _containers(obj))


def container_images(obj: Object) -> str:
    """The images of a template's containers."""
    return ",".join(str(one.get("image", "")) for one in _containers(obj))


def _statuses(obj: Object) -> list[Object]:
    return list((obj.get("status") or {}).get("containerStatuses") or [])


def pod_ready(obj: Object) -> str:
    """Ready containers of all, as 1/2."""
    ready = sum(1 for one in _statuses(obj) if one.get("ready"))
    return f"{ready}/{len((obj.get('spec') or {}).get('containers') or [])}"


def pod_restarts(obj: Object) -> str:
    """How often containers were restarted, and when last."""
    statuses = _statuses(obj)
    total = sum(int(one.get("restartCount") or 0) for one in statuses)
    ends = [((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for one in statuses]
    moments = [moment for moment in map(parse_time, ends) if moment is not None]
    return f"{total} ({age(max(moments))} ago)" if total and moments else str(total)


def pod_status(obj: Object) -> str:
    """The phase, or what is more telling: a reason why a container waits or ended."""
    status = obj.get("status") or {}
    reason = str(status.get("reason") or status.get("phase") or "Unknown")
    running_ready = False
    for one in reversed(_statuses(obj)):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = ended.get("reason") or _exit(ended)
        elif one.get("ready") and state.get("running") is not None:
            running_ready = True
    if reason == "Completed" and running_ready:
        reason = "Running"
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return reason


def _exit(ended: Object) -> str:
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def readiness_gates(obj: Object) -> str:
    """Fulfilled gates of all."""
    gates = (obj.get("spec") or {}).get("readinessGates") or []
    if not gates:
        return NONE
    conditions = {one["type"]: one["status"] for one in (obj.get("status") or {}).get("conditions") or []}
    return f"{sum(conditions.get(gate['conditionType']) == 'True' for gate in gates)}/{len(gates)}"


def external_address(obj: Object) -> str:
    """What a service is called from outside."""
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    addresses = spec.get("externalIPs") or []
    if spec.get("type") == "LoadBalancer" and not addresses:
        return "<pending>"
    return ",".join(addresses) or NONE


def service_ports(obj: Object) -> str:
    """Ports with their protocol."""
    return (
        ",".join(
            f"{port['port']}:{port['nodePort']}/{port['protocol']}"
            if port.get("nodePort")
            else f"{port['port']}/{port['protocol']}"
            for port in obj["spec"].get("ports") or []
        )
        or NONE
    )


def endpoints(obj: Object) -> str:
    """The first few addresses behind a service."""
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or []
        for port in subset.get("ports") or []
        for address in subset.get("addresses") or []
    ]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more if found else NONE


def node_status(obj: Object) -> str:
    """Whether a node is ready, and whether it takes pods."""
    conditions = {one["type"]: one["status"] for one in (obj.get("status") or {}).get("conditions") or []}
    word = {"True": "Ready", "False": "NotReady"}.get(conditions.get("Ready", ""), "Unknown")
    return word + (",SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else "")


def node_roles(obj: Object) -> str:
    """A node's roles, from its labels."""
    prefix = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or NONE


def node_info(obj: Object, key: str) -> str:
    """One entry of nodeInfo."""
    return str(((obj.get("status") or {}).get("nodeInfo") or {}).get(key) or "<unknown>")


def node_address(obj: Object, kind: str) -> str:
    """A node's address of one kind."""
    found = (one["address"] for one in (obj.get("status") or {}).get("addresses") or [] if one["type"] == kind)
    return next(found, NONE)


MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def access_modes(obj: Object) -> str:
    """Access modes by their short names."""
    modes = (obj.get("status") or {}).get("accessModes") or obj["spec"].get("accessModes") or []
    return ",".join(MODES.get(mode, mode) for mode in modes)


def last_seen(obj: Object) -> str:
    """When an event was last seen."""
    return since(obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp"))


def first_seen(obj: Object) -> str:
    """When an event was first seen."""
    return since(obj.get("firstTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp"))


def involved(obj: Object) -> str:
    """What an event is about, as kind/name."""
    about = obj.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def event_source(obj: Object) -> str:
    """Who reported an event."""
    source = obj.get("source") or {}
    name = source.get("component") or obj.get("reportingComponent") or ""
    instance = source.get("host") or obj.get("reportingInstance")
    return f"{name}, {instance}" if instance else str(name)


def job_status(obj: Object) -> str:
    """Where a job stands."""
    conditions = [one["type"] for one in (obj.get("status") or {}).get("conditions") or [] if one["status"] == "True"]
    for kind, word in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        if kind in conditions:
            return word
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else "Running"


def job_duration(obj: Object) -> str:
    """How long a job has run."""
    status = obj.get("status") or {}
    start, end = parse_time(status.get("startTime")), parse_time(status.get("completionTime"))
    if start is None:
        return ""
    return age(start) if end is None else duration(int(end - start))


def param_kind(obj: Object) -> str:
    """The kind of a policy's parameters."""
    kind = obj["spec"].get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"


def param_ref(obj: Object) -> str:
    """The parameters that a binding passes."""
    reference = obj["spec"].get("paramRef") or {}
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    chosen = (reference.get("selector") or {}).get("matchLabels")
    return pairs(chosen) if chosen else "<unset>"


def role(obj: Object) -> str:
    """A binding's role, as Kind/name."""
    reference = obj.get("roleRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def _subjects(kind: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        found = (one for one in obj.get("subjects") or [] if one.get("kind") == kind)
        return ", ".join(f"{one['namespace']}/{one['name']}" if one.get("namespace") else one["name"] for one in found)

    return cell


def subject_columns() -> list[tuple[str, str, str, int, Callable[[Object], Any]]]:
    """Who a binding is for, by kind."""
    listed = (("Users", "User"), ("Groups", "Group"), ("ServiceAccounts", "ServiceAccount"))
    return [(name, "string", "", 1, _subjects(kind)) for name, kind in listed]
