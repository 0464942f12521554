"""The columns and cells of Tables: what `kubectl get` prints. Built-in kinds have theirs here, CRDs bring their own.

Wording and order are kubectl's: people's eyes and scripts are used to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kgents.embedded.apiserver.printer_paths import look_up
from kgents.embedded.apiserver.registry import Resource

Object = Mapping[str, Any]
Cells = list[Any]

NAME_HELP = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a"
    " client to request the generation of an appropriate name automatically. Name is primarily intended for creation"
    " idempotence and configuration definition. Cannot be updated. More info:"
    " https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
NONE = "<none>"


def column(name: str, kind: str = "string", *, form: str = "", wide: bool = False, description: str = "") -> Object:
    """One columnDefinition; wide ones are shown by `-o wide` alone."""
    return {"name": name, "type": kind, "format": form, "description": description, "priority": int(wide)}


NAME = column("Name", form="name", description=NAME_HELP)
AGE = column("Age", description="CreationTimestamp is when the server created the object.")
CREATED = column("Created At", description="CreationTimestamp is when the server created the object.")


def columns(resource: Resource) -> list[Object]:
    """The columns of a resource's Table."""
    if resource.custom:
        return _custom_columns(resource)
    names, _ = _BUILT_IN.get(resource.qualified, _PLAIN)
    return list(names)


def cells(resource: Resource, obj: Object, now: datetime) -> Cells:
    """One row of it."""
    if resource.custom:
        return [obj["metadata"]["name"], *(_custom_cell(c, obj, now) for c in _columns_of(resource))]
    _, row = _BUILT_IN.get(resource.qualified, _PLAIN)
    return row(obj, now)


_DEFAULT_CUSTOM = ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)


def _columns_of(resource: Resource) -> tuple[Mapping[str, Any], ...]:
    return resource.columns or _DEFAULT_CUSTOM


def _custom_columns(resource: Resource) -> list[Object]:
    found = [NAME]
    for own in _columns_of(resource):
        text = own.get("description") or f"Custom resource definition column (in JSONPath format): {own['jsonPath']}"
        if own is _DEFAULT_CUSTOM[0]:
            text = str(AGE["description"])
        made = column(own["name"], own["type"], form=own.get("format", ""), description=text)
        found.append({**made, "priority": own.get("priority", 0)})
    return found


def _custom_cell(own: Mapping[str, Any], obj: Object, now: datetime) -> Any:
    values = look_up(own["jsonPath"], obj)
    if not values:
        return None
    value = values[0]
    kind = own["type"]
    if kind == "date":
        return age(value, now)
    if kind == "integer":
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    return _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        import orjson

        return orjson.dumps(value).decode()
    return str(value)


def age(stamp: Any, now: datetime) -> str:
    """How long ago a time was, as kubectl writes it; `<unknown>` when it is none."""
    try:
        then = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        return "<unknown>"
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return human_duration(int((now - then).total_seconds()))


def human_duration(seconds: int) -> str:
    """A duration in at most two units, as Kubernetes' HumanDuration: 95s, 3m20s, 45m, 5h10m, 3d4h, 120d, 3y."""
    if seconds < -1:
        return "<invalid>"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    years = days // 365
    scales = (
        (seconds < 120, max(seconds, 0), "s", 0, ""),
        (minutes < 10, minutes, "m", seconds % 60, "s"),
        (minutes < 180, minutes, "m", 0, ""),
        (hours < 8, hours, "h", minutes % 60, "m"),
        (hours < 48, hours, "h", 0, ""),
        (days < 8, days, "d", hours % 24, "h"),
        (years < 2, days, "d", 0, ""),
        (years < 8, years, "y", days % 365, "d"),
        (True, years, "y", 0, ""),
    )
    _, big, unit, small, small_unit = next(scale for scale in scales if scale[0])
    return f"{big}{unit}{small}{small_unit}" if small else f"{big}{unit}"


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _selector(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def _containers(template: Object) -> tuple[str, str]:
    found = (template.get("spec") or {}).get("containers") or []
    return ",".join(c["name"] for c in found), ",".join(c.get("image", "") for c in found)


def _plain(obj: Object, now: datetime) -> Cells:
    return [_name(obj), _age(obj, now)]


def _created(obj: Object, now: datetime) -> Cells:
    return [_name(obj), obj["metadata"].get("creationTimestamp")]


def _namespace(obj: Object, now: datetime) -> Cells:
    return [_name(obj), (obj.get("status") or {}).get("phase", ""), _age(obj, now)]


def _config_map(obj: Object, now: datetime) -> Cells:
    return [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj, now)]


def _secret(obj: Object, now: datetime) -> Cells:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or {}), _age(obj, now)]


def _service(obj: Object, now: datetime) -> Cells:
    spec = obj.get("spec") or {}
    ports = [
        f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p.get('protocol', 'TCP')}"
        for p in spec.get("ports") or []
    ]
    external = spec.get("externalName") or ",".join(spec.get("externalIPs") or []) or NONE
    kind = spec.get("type", "")
    address = spec.get("clusterIP") or NONE
    return [
        _name(obj),
        kind,
        address,
        external,
        ",".join(ports) or NONE,
        _age(obj, now),
        _selector(spec.get("selector")),
    ]


def _deployment(obj: Object, now: datetime) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    names, images = _containers(spec.get("template") or {})
    return [
        _name(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _age(obj, now),
        names,
        images,
        _selector((spec.get("selector") or {}).get("matchLabels")),
    ]


def _replica_set(obj: Object, now: datetime) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    names, images = _containers(spec.get("template") or {})
    selector = _selector((spec.get("selector") or {}).get("matchLabels"))
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [_name(obj), *counts, _age(obj, now), names, images, selector]


def _stateful_set(obj: Object, now: datetime) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [_name(obj), ready, _age(obj, now), *_containers(spec.get("template") or {})]


def _event(obj: Object, now: datetime) -> Cells:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp")
    said = ", ".join(part for part in (source.get("component"), source.get("host")) if part)
    return [
        age(obj.get("lastTimestamp") or first, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        said or obj.get("reportingComponent", ""),
        str(obj.get("message", "")).strip(),
        age(first, now),
        obj.get("count", 1) or 1,
        _name(obj),
    ]


def _lease(obj: Object, now: datetime) -> Cells:
    return [_name(obj), (obj.get("spec") or {}).get("holderIdentity", ""), _age(obj, now)]


def _binding(obj: Object, now: datetime) -> Cells:
    reference = obj.get("roleRef") or {}
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or []:
        name = subject["name"]
        full = f"{subject.get('namespace', '')}/{name}" if subject["kind"] == "ServiceAccount" else name
        by_kind.setdefault(subject["kind"], []).append(full)
    subjects = [", ".join(by_kind[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return [_name(obj), f"{reference.get('kind')}/{reference.get('name')}", _age(obj, now), *subjects]


def _node(obj: Object, now: datetime) -> Cells:
    status = obj.get("status") or {}
    ready = {c["type"]: c["status"] for c in status.get("conditions") or []}.get("Ready", "Unknown")
    word = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    if (obj.get("spec") or {}).get("unschedulable"):
        word += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in obj["metadata"].get("labels") or {} if key.startswith(prefix)]
    info = status.get("nodeInfo") or {}
    addresses = {a["type"]: a["address"] for a in status.get("addresses") or []}
    return [
        _name(obj),
        word,
        ",".join(sorted(roles)) or NONE,
        _age(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage", "<unknown>"),
        info.get("kernelVersion", "<unknown>"),
        info.get("containerRuntimeVersion", "<unknown>"),
    ]


def _claim(obj: Object, now: datetime) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    modes = ",".join(short.get(mode, mode) for mode in status.get("accessModes") or [])
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    size = (status.get("capacity") or {}).get("storage", "")
    volume, storage_class = spec.get("volumeName", ""), spec.get("storageClassName") or ""
    unset = spec.get("volumeAttributesClassName") or "<unset>"
    mode = spec.get("volumeMode", "Filesystem")
    return [_name(obj), phase, volume, size, modes, storage_class, unset, _age(obj, now), mode]


def _network_policy(obj: Object, now: datetime) -> Cells:
    labels = ((obj.get("spec") or {}).get("podSelector") or {}).get("matchLabels")
    return [_name(obj), _selector(labels), _age(obj, now)]


def _endpoints(obj: Object, now: datetime) -> Cells:
    pairs = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset.get("ports") or []
    ]
    shown = ",".join(pairs[:3]) + (f" + {len(pairs) - 3} more..." if len(pairs) > 3 else "")
    return [_name(obj), shown or NONE, _age(obj, now)]


def _endpoint_slice(obj: Object, now: datetime) -> Cells:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or []]
    addresses = [address for endpoint in obj.get("endpoints") or [] for address in endpoint.get("addresses") or []]
    shown = ",".join(addresses[:3]) + (f" + {len(addresses) - 3} more..." if len(addresses) > 3 else "")
    return [_name(obj), obj.get("addressType", ""), ",".join(ports) or "<unset>", shown or "<unset>", _age(obj, now)]


def _pod(obj: Object, now: datetime) -> Cells:
    from kgents.embedded.apiserver.printer_pods import pod_cells

    return pod_cells(obj, now, age)


_WIDE = [column("Containers", wide=True), column("Images", wide=True)]
_SELECTOR = column("Selector", wide=True)
_BINDING = (
    [
        NAME,
        column("Role"),
        AGE,
        column("Users", wide=True),
        column("Groups", wide=True),
        column("ServiceAccounts", wide=True),
    ],
    _binding,
)
_EVENT = (
    [
        column("Last Seen"),
        column("Type"),
        column("Reason"),
        column("Object"),
        column("Subobject", wide=True),
        column("Source", wide=True),
        column("Message"),
        column("First Seen", wide=True),
        column("Count", wide=True),
        column("Name", form="name", wide=True),
    ],
    _event,
)
_PLAIN: tuple[list[Object], Callable[[Object, datetime], Cells]] = ([NAME, AGE], _plain)
_CREATED: tuple[list[Object], Callable[[Object, datetime], Cells]] = ([NAME, CREATED], _created)
_BUILT_IN: dict[str, tuple[list[Object], Callable[[Object, datetime], Cells]]] = {
    "namespaces": ([NAME, column("Status"), AGE], _namespace),
    "configmaps": ([NAME, column("Data"), AGE], _config_map),
    "secrets": ([NAME, column("Type"), column("Data"), AGE], _secret),
    "services": (
        [NAME, column("Type"), column("Cluster-IP"), column("External-IP"), column("Port(s)"), AGE, _SELECTOR],
        _service,
    ),
    "pods": (
        [
            NAME,
            column("Ready"),
            column("Status"),
            column("Restarts"),
            AGE,
            column("IP", wide=True),
            column("Node", wide=True),
            column("Nominated Node", wide=True),
            column("Readiness Gates", wide=True),
        ],
        _pod,
    ),
    "nodes": (
        [
            NAME,
            column("Status"),
            column("Roles"),
            AGE,
            column("Version"),
            column("Internal-IP", wide=True),
            column("External-IP", wide=True),
            column("OS-Image", wide=True),
            column("Kernel-Version", wide=True),
            column("Container-Runtime", wide=True),
        ],
        _node,
    ),
    "persistentvolumeclaims": (
        [
            NAME,
            column("Status"),
            column("Volume"),
            column("Capacity"),
            column("Access Modes"),
            column("StorageClass"),
            column("VolumeAttributesClass"),
            AGE,
            column("VolumeMode", wide=True),
        ],
        _claim,
    ),
    "endpoints": ([NAME, column("Endpoints"), AGE], _endpoints),
    "events": _EVENT,
    "events.events.k8s.io": _EVENT,
    "deployments.apps": (
        [NAME, column("Ready"), column("Up-to-date"), column("Available"), AGE, *_WIDE, _SELECTOR],
        _deployment,
    ),
    "replicasets.apps": (
        [
            NAME,
            column("Desired", "integer"),
            column("Current", "integer"),
            column("Ready", "integer"),
            AGE,
            *_WIDE,
            _SELECTOR,
        ],
        _replica_set,
    ),
    "statefulsets.apps": ([NAME, column("Ready"), AGE, *_WIDE], _stateful_set),
    "leases.coordination.k8s.io": ([NAME, column("Holder"), AGE], _lease),
    "endpointslices.discovery.k8s.io": (
        [NAME, column("AddressType"), column("Ports"), column("Endpoints"), AGE],
        _endpoint_slice,
    ),
    "networkpolicies.networking.k8s.io": ([NAME, column("Pod-Selector"), AGE], _network_policy),
    "roles.rbac.authorization.k8s.io": _CREATED,
    "clusterroles.rbac.authorization.k8s.io": _CREATED,
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "customresourcedefinitions.apiextensions.k8s.io": _CREATED,
}
