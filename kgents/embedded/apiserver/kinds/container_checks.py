"""What makes a container unfit to be stored, in the words of k8s.io/kubernetes/pkg/apis/core/validation."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from kgents.embedded.apiserver.names import dns_label
from kgents.embedded.apiserver.selector_checks import check_key
from kgents.embedded.schema.causes import Cause, duplicate, forbidden, invalid, not_supported, required

Object = dict[str, Any]
NEGATIVE = "must be greater than or equal to 0"
PORT = "must be between 1 and 65535, inclusive"
TOO_MANY_SOURCES = "may not have more than one field specified at a time"
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
PROTOCOLS = ("SCTP", "TCP", "UDP")
SCHEMES = ("HTTP", "HTTPS")
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
ENV_FIELDS = (
    *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
)
SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['.*'\]", re.DOTALL)
CONTAINER_RESOURCES = ("cpu", "ephemeral-storage", "memory")
STANDARD_RESOURCES = (
    *CONTAINER_RESOURCES,
    *(f"{way}.{name}" for way in ("requests", "limits") for name in CONTAINER_RESOURCES),
    *("requests.storage", "storage", "pods", "services", "replicationcontrollers", "resourcequotas", "secrets"),
    *("configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
)
CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
ENV_NAME = re.compile(r"[ -<>-~]+")
ENV_NAME_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def count(where: str, owner: Object, *keys: str) -> list[Cause]:
    """Numbers that may be absent, but not negative."""
    values = ((key, owner.get(key)) for key in keys)
    return [invalid(f"{where}.{key}", value, NEGATIVE) for key, value in values if value is not None and value < 0]


def port_name_problems(name: str) -> list[str]:
    """What is wrong with the name of a port."""
    problems = []
    if len(name) > 15:
        problems.append("must be no more than 15 bytes")
    if not re.fullmatch(r"[-a-z0-9]+", name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def check_port(where: str, port: Any) -> list[Cause]:
    """A port's number or name, where either will do."""
    if isinstance(port, str):
        return [invalid(where, port, problem) for problem in port_name_problems(port)]
    return [] if 1 <= (port or 0) <= 65535 else [invalid(where, port or 0, PORT)]


def check_container(container: Object, at: str, volumes: Collection[str], *, initial: bool = False) -> list[Cause]:
    """One container. `volumes` are the names of what it may mount; `initial` is one that ends before others begin."""
    causes = _name(container, at)
    if not container.get("image"):
        causes.append(required(f"{at}.image"))
    for key, supported in (("terminationMessagePolicy", MESSAGE_POLICIES), ("imagePullPolicy", PULL_POLICIES)):
        if container.get(key) not in supported:
            causes.append(not_supported(f"{at}.{key}", container.get(key), supported))
    causes += _ports(container.get("ports") or [], f"{at}.ports")
    causes += _environment(container, at)
    causes += _mounts(container.get("volumeMounts") or [], f"{at}.volumeMounts", volumes)
    causes += _resources(container.get("resources") or {}, f"{at}.resources")
    causes += _security(container.get("securityContext") or {}, f"{at}.securityContext")
    if initial and container.get("restartPolicy") != "Always":
        text = "may not be set for init containers without restartPolicy=Always"
        return causes + [forbidden(f"{at}.{key}", text) for key in ("lifecycle", *PROBES) if container.get(key)]
    for key in ("postStart", "preStop"):
        if action := (container.get("lifecycle") or {}).get(key):
            causes += _handler(action, f"{at}.lifecycle.{key}")
    for key in PROBES:
        if container.get(key) is not None:
            causes += _probe(container[key], f"{at}.{key}", ready=key == "readinessProbe")
    return causes


def _name(container: Object, at: str) -> list[Cause]:
    name = container.get("name")
    if not name:
        return [required(f"{at}.name")]
    problem = dns_label(name)
    return [invalid(f"{at}.name", name, problem)] if problem else []


def _ports(ports: list[Object], where: str) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        at, name, protocol = f"{where}[{index}]", port.get("name"), port.get("protocol")
        if name:
            problems = port_name_problems(name)
            causes += [invalid(f"{at}.name", name, problem) for problem in problems]
            if not problems and name in names:
                causes.append(duplicate(f"{at}.name", name))
            names.add(name)
        if not port.get("containerPort"):
            causes.append(required(f"{at}.containerPort"))
        else:
            causes += check_port(f"{at}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            causes += check_port(f"{at}.hostPort", port["hostPort"])
        if protocol not in PROTOCOLS:
            causes.append(not_supported(f"{at}.protocol", protocol, PROTOCOLS))
    return causes


def _environment(container: Object, at: str) -> list[Cause]:
    causes: list[Cause] = []
    for index, variable in enumerate(container.get("env") or []):
        where, name = f"{at}.env[{index}]", variable.get("name")
        if not name:
            causes.append(required(f"{where}.name"))
        elif not ENV_NAME.fullmatch(name):
            causes.append(invalid(f"{where}.name", name, ENV_NAME_TEXT))
        if variable.get("valueFrom") is not None:
            causes += _source(variable, f"{where}.valueFrom")
    for index, variables in enumerate(container.get("envFrom") or []):
        sources = [key for key in ("configMapRef", "secretRef") if variables.get(key) is not None]
        for key in sources:
            if not variables[key].get("name"):
                causes.append(required(f"{at}.envFrom[{index}].{key}.name"))
        # Kubernetes names the whole list here, not the one.
        if not sources:
            causes.append(invalid(f"{at}.envFrom", "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(sources) > 1:
            causes.append(invalid(f"{at}.envFrom", "", TOO_MANY_SOURCES))
    return causes


def _source(variable: Object, at: str) -> list[Cause]:
    given = variable["valueFrom"]
    sources = [key for key in ENV_SOURCES if given.get(key) is not None]
    causes: list[Cause] = []
    for key in ("configMapKeyRef", "secretKeyRef"):
        if given.get(key) is not None:
            causes += _key(given[key], f"{at}.{key}")
    if given.get("fieldRef") is not None:
        causes += _field(given["fieldRef"], f"{at}.fieldRef")
    if not sources:
        listed = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        causes.append(invalid(at, "", f"must specify one of: {listed}"))
    elif variable.get("value"):
        causes.append(invalid(at, "", "may not be specified when `value` is not empty"))
    elif len(sources) > 1:
        causes.append(invalid(at, "", TOO_MANY_SOURCES))
    return causes


def _key(reference: Object, at: str) -> list[Cause]:
    causes = [] if reference.get("name") else [required(f"{at}.name")]
    key = reference.get("key")
    if not key:
        causes.append(required(f"{at}.key"))
    elif not CONFIG_KEY.fullmatch(key):
        causes.append(invalid(f"{at}.key", key, CONFIG_KEY_TEXT))
    return causes


def _field(reference: Object, at: str) -> list[Cause]:
    path = reference.get("fieldPath")
    if not path:
        return [required(f"{at}.fieldPath")]
    if path in ENV_FIELDS or SUBSCRIPT.fullmatch(path):
        return []
    if path in ("metadata.labels", "metadata.annotations"):
        return [not_supported(f"{at}.fieldPath", path, ENV_FIELDS)]
    why = f"error converting fieldPath: field label not supported: {path}"
    return [invalid(f"{at}.fieldPath", path, why)]


def _mounts(mounts: list[Object], where: str, volumes: Collection[str]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        at, name, path = f"{where}[{index}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            causes.append(required(f"{at}.name"))
        if name not in volumes:
            causes.append(Cause(f"{at}.name", "FieldValueNotFound", f'Not found: "{name}"'))
        if not path:
            causes.append(required(f"{at}.mountPath"))
        if path in seen:
            causes.append(invalid(f"{at}.mountPath", path, "must be unique"))
        seen.add(path)
        causes += _below(mount.get("subPath"), f"{at}.subPath")
        if mount.get("subPath") and mount.get("subPathExpr"):
            text = "subPathExpr and subPath are mutually exclusive"
            causes.append(invalid(f"{at}.subPathExpr", mount["subPathExpr"], text))
    return causes


def _below(path: str | None, where: str) -> list[Cause]:
    if not path:
        return []
    causes = [invalid(where, path, "must be a relative path")] if path.startswith("/") else []
    return causes + ([invalid(where, path, "must not contain '..'")] if ".." in path.split("/") else [])


def _resources(resources: Object, at: str) -> list[Cause]:
    causes: list[Cause] = []
    limits = resources.get("limits") or {}
    for way in ("limits", "requests"):
        for name, value in (resources.get(way) or {}).items():
            where = f"{at}.{way}[{name}]"
            causes += _resource_name(name, where)
            if _amount(value) < 0:
                causes.append(invalid(where, str(value), NEGATIVE))
            if way == "limits" or name not in limits:
                continue
            if _amount(value) > _amount(limits[name]):
                text = f"must be less than or equal to {name} limit of {limits[name]}"
                causes.append(invalid(f"{at}.requests", str(value), text))
    return causes


def _amount(value: Any) -> Decimal:
    from kgents.embedded.schema.cel_quantity import parse_quantity

    return parse_quantity(str(value))


def _resource_name(name: str, where: str) -> list[Cause]:
    if causes := check_key(where, name):
        return causes
    if "/" in name or name in CONTAINER_RESOURCES or name.startswith("hugepages-"):
        return []
    texts = ["must be a standard resource for containers"]
    if name not in STANDARD_RESOURCES:
        texts.insert(0, "must be a standard resource type or fully qualified")
    return [invalid(where, name, text) for text in texts]


def _security(context: Object, at: str) -> list[Cause]:
    causes = check_ids(context, at)
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        causes.append(invalid(at, context, text))
    return causes


def check_ids(context: Object, at: str) -> list[Cause]:
    """The numbers of users and groups."""
    given = [(key, context.get(key)) for key in ("runAsUser", "runAsGroup", "fsGroup")]
    text = f"must be between 0 and {2**31 - 1}, inclusive"
    return [invalid(f"{at}.{key}", value, text) for key, value in given if value is not None and not 0 <= value < 2**31]


def _probe(probe: Object, at: str, *, ready: bool) -> list[Cause]:
    causes = _handler(probe, at) + count(at, probe, *COUNTS)
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and ready:
        causes.append(invalid(f"{at}.terminationGracePeriodSeconds", grace, "must not be set for readinessProbes"))
    elif grace is not None and grace <= 0:
        causes.append(invalid(f"{at}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
    threshold = probe.get("successThreshold")
    if not ready and threshold not in (None, 1):
        causes.append(invalid(f"{at}.successThreshold", threshold, "must be 1"))
    return causes


def _handler(handler: Object, at: str) -> list[Cause]:
    causes: list[Cause] = []
    given = [key for key in HANDLERS if handler.get(key) is not None]
    for key in given[1:]:
        causes.append(forbidden(f"{at}.{key}", "may not specify more than 1 handler type"))
    if not given:
        return [required(at, "must specify a handler type")]
    action, where = handler[given[0]], f"{at}.{given[0]}"
    if given[0] == "exec" and not action.get("command"):
        causes.append(required(f"{where}.command"))
    elif given[0] in ("httpGet", "tcpSocket", "grpc"):
        causes += check_port(f"{where}.port", action.get("port"))
    if given[0] == "httpGet" and action.get("scheme") not in SCHEMES:
        causes.append(not_supported(f"{where}.scheme", action.get("scheme"), SCHEMES))
    return causes
