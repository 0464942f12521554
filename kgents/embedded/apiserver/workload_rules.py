"""What is wrong with a pod, a workload or a Service: checks that a schema can't express, in Kubernetes' own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from kgents.embedded.schema.causes import Cause

Object = Mapping[str, Any]


def required(field: str, message: str = "Required value") -> Cause:
    return Cause(field, "FieldValueRequired", message)


def invalid(field: str, value: Any, message: str) -> Cause:
    shown = orjson.dumps(value).decode()
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {message}")


def duplicate(field: str, value: Any) -> Cause:
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {orjson.dumps(value).decode()}")


def not_supported(field: str, value: Any, supported: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{word}"' for word in sorted(supported))
    message = f"Unsupported value: {orjson.dumps(value).decode()}: supported values: {listed}"
    return Cause(field, "FieldValueNotSupported", message)


def pod_spec(spec: Object, at: str, policies: tuple[str, ...] = ("Always", "OnFailure", "Never")) -> Iterator[Cause]:
    """The causes of a pod's spec; `at` is its path, `spec` or `spec.template.spec`."""
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{at}.containers")
    names: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for field, group in ((f"{at}.containers", containers), (f"{at}.initContainers", spec.get("initContainers") or [])):
        for number, container in enumerate(group):
            yield from _container(container, f"{field}[{number}]", names, volumes)
    if spec.get("restartPolicy", "Always") not in policies:
        yield not_supported(f"{at}.restartPolicy", spec["restartPolicy"], policies)
    yield from _volumes(spec.get("volumes") or [], f"{at}.volumes")


def _container(container: Object, at: str, names: set[str], volumes: set[Any]) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield required(f"{at}.name")
    elif name in names:
        yield duplicate(f"{at}.name", name)
    else:
        names.add(name)
    if not container.get("image"):
        yield required(f"{at}.image")
    for number, port in enumerate(container.get("ports") or []):
        if not port.get("containerPort"):
            yield required(f"{at}.ports[{number}].containerPort")
        elif not 1 <= port["containerPort"] <= 65535:
            yield _port_range(f"{at}.ports[{number}].containerPort", port["containerPort"])
    for number, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield required(f"{at}.env[{number}].name")
        elif variable.get("value") and variable.get("valueFrom"):
            message = "may not be specified when `value` is not empty"
            yield Cause(f"{at}.env[{number}].valueFrom", "FieldValueInvalid", f'Invalid value: "": {message}')
    for number, mount in enumerate(container.get("volumeMounts") or []):
        if not mount.get("mountPath"):
            yield required(f"{at}.volumeMounts[{number}].mountPath")
        if mount.get("name") not in volumes:
            found = orjson.dumps(mount.get("name")).decode()
            yield Cause(f"{at}.volumeMounts[{number}].name", "FieldValueNotFound", f"Not found: {found}")


def _volumes(volumes: list[Object], at: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for number, volume in enumerate(volumes):
        name = volume.get("name")
        if not name:
            yield required(f"{at}[{number}].name")
        elif name in seen:
            yield duplicate(f"{at}[{number}].name", name)
        else:
            seen.add(name)


def workload(obj: Object) -> Iterator[Cause]:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    spec = obj.get("spec") or {}
    if (spec.get("replicas") or 0) < 0:
        yield invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector = spec.get("selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if selector is None:
        yield required("spec.selector")
    elif not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield invalid("spec.selector", selector, "empty selector is invalid for deployment")
    elif any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from pod_spec((spec.get("template") or {}).get("spec") or {}, "spec.template.spec", ("Always",))


def immutable(new: Object, old: Object, *path: str) -> Iterator[Cause]:
    """A field that may not change once it is there."""
    before, after = _reach(old, path), _reach(new, path)
    if before != after:
        yield invalid(".".join(path), after, "field is immutable")


def _reach(obj: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, Mapping) else None
    return obj


_CHANGEABLE = ("image",)
_POD_HELP = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing"
    " tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_update(new: Object, old: Object) -> Iterator[Cause]:
    """Of a pod's spec little may change: images, the active deadline, more tolerations."""
    if _frozen(new.get("spec") or {}) != _frozen(old.get("spec") or {}):
        yield Cause("spec", "FieldValueForbidden", _POD_HELP)


def _frozen(spec: Object) -> dict[str, Any]:
    kept = {key: value for key, value in spec.items() if key not in ("activeDeadlineSeconds", "tolerations")}
    for group in ("containers", "initContainers"):
        if kept.get(group):
            kept[group] = [{k: v for k, v in c.items() if k not in _CHANGEABLE} for c in kept[group]]
    return kept


def service(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    kind = spec.get("type", "ClusterIP")
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    seen: set[str] = set()
    for number, port in enumerate(ports):
        at = f"spec.ports[{number}]"
        if len(ports) > 1 and not port.get("name"):
            yield required(f"{at}.name")
        if port.get("name") in seen:
            yield duplicate(f"{at}.name", port["name"])
        seen.add(port.get("name") or f"#{number}")
        for key in ("port", "targetPort"):
            value = port.get(key)
            if isinstance(value, int) and not 1 <= value <= 65535:
                yield _port_range(f"{at}.{key}", value)


def service_update(new: Object, old: Object) -> Iterator[Cause]:
    """A Service's address stays for its life (unless it stops having one)."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    if "ExternalName" in (spec.get("type"), before.get("type")):
        return
    if before.get("clusterIP") and spec.get("clusterIP") != before["clusterIP"]:
        changed = [spec.get("clusterIP", "")]
        yield invalid("spec.clusterIPs[0]", changed, "may not change once set")


def _port_range(field: str, value: int) -> Cause:
    return invalid(field, value, "must be between 1 and 65535, inclusive")
