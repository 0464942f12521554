"""The environment and the command line of a container, as Kubernetes would give them. Pure functions on plain data.

Nothing of the hive's own environment is handed on: a program gets PATH, LANG and HOME, what its pod says, the Services
of its namespace, and where the API is.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kgents.api import quantity
from kgents.api.errors import KgentsError

Object = Mapping[str, Any]
Lookup = Callable[[str, str], Mapping[str, str] | None]
"""("configmaps" | "secrets", name) → its keys and values as text, or None when there is none."""

_NAME = re.compile(r"[A-Za-z_.\-][A-Za-z0-9_.\-]*")
_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_.\-][A-Za-z0-9_.\-]*)\))")


class Missing(KgentsError):
    """Something that the container refers to is not there; it waits until it is."""


def base(home: str, server: tuple[str, int]) -> dict[str, str]:
    """What every container has. `server` is the API's host and port."""
    # The interpreter's folder comes last: `python` means kgents' own only where the machine has no other.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    host, port = server
    return {
        "PATH": path,
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": home,
        "TMPDIR": f"{home}/tmp",
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": str(port),
        "KUBERNETES_SERVICE_PORT_HTTPS": str(port),
    }


def of_services(services: Iterable[Object]) -> dict[str, str]:
    """`<NAME>_SERVICE_HOST` and its kin for each Service with an address, in the names that Kubernetes uses."""
    found: dict[str, str] = {}
    for service in services:
        spec = service.get("spec") or {}
        address, ports = spec.get("clusterIP"), spec.get("ports") or []
        if not address or address == "None" or not ports:
            continue
        prefix = _shouted(service["metadata"]["name"])
        found[f"{prefix}_SERVICE_HOST"] = address
        found[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
        for port in ports:
            if port.get("name"):
                found[f"{prefix}_SERVICE_PORT_{_shouted(port['name'])}"] = str(port["port"])
            found |= _link(prefix, address, port)
        found[f"{prefix}_PORT"] = f"{str(ports[0].get('protocol', 'TCP')).lower()}://{address}:{ports[0]['port']}"
    return found


def _link(prefix: str, address: str, port: Object) -> dict[str, str]:
    protocol = str(port.get("protocol", "TCP"))
    name = f"{prefix}_PORT_{port['port']}_{protocol}"
    return {
        name: f"{protocol.lower()}://{address}:{port['port']}",
        f"{name}_PROTO": protocol.lower(),
        f"{name}_PORT": str(port["port"]),
        f"{name}_ADDR": address,
    }


def _shouted(name: str) -> str:
    return name.upper().replace("-", "_")


def of_container(pod: Object, container: Object, given: Mapping[str, str], lookup: Lookup) -> dict[str, str]:
    """`given`, and over it envFrom and env with `$(NAME)` replaced. Raises Missing."""
    hostname = (pod.get("spec") or {}).get("hostname") or pod["metadata"]["name"]
    result = {"HOSTNAME": hostname, **_address(pod, container), **given}
    for source in container.get("envFrom") or []:
        result |= _from_source(source, lookup)
    for variable in container.get("env") or []:
        name = variable["name"]
        if variable.get("valueFrom"):
            value = _value_from(variable["valueFrom"], pod, container, lookup)
            if value is not None:
                result[name] = value
        else:
            result[name] = expand(variable.get("value") or "", result)
    return result


def _address(pod: Object, container: Object) -> dict[str, str]:
    address = (pod.get("status") or {}).get("podIP")
    ports = container.get("ports") or []
    found = {"POD_IP": address} if address else {}
    return found | ({"PORT": str(ports[0]["containerPort"])} if ports else {})


def _from_source(source: Object, lookup: Lookup) -> dict[str, str]:
    for key, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        reference = source.get(key)
        if reference:
            values = _looked_up(resource, reference, lookup) or {}
            prefix = source.get("prefix") or ""
            return {f"{prefix}{name}": value for name, value in values.items() if _NAME.fullmatch(f"{prefix}{name}")}
    return {}


def _looked_up(resource: str, reference: Object, lookup: Lookup) -> Mapping[str, str] | None:
    values = lookup(resource, reference["name"])
    if values is None and not reference.get("optional"):
        raise Missing(f'{resource.removesuffix("s")} "{reference["name"]}" not found')
    return values


def _value_from(source: Object, pod: Object, container: Object, lookup: Lookup) -> str | None:
    for key, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        reference = source.get(key)
        if reference:
            values = _looked_up(resource, reference, lookup)
            if values is not None and reference["key"] in values:
                return values[reference["key"]]
            if reference.get("optional"):
                return None
            kind = "ConfigMap" if resource == "configmaps" else "Secret"
            where = f"{pod['metadata'].get('namespace', '')}/{reference['name']}"
            raise Missing(f"couldn't find key {reference['key']} in {kind} {where}")
    if source.get("fieldRef"):
        return field(pod, source["fieldRef"]["fieldPath"])
    if source.get("resourceFieldRef"):
        return resource_field(container, source["resourceFieldRef"])
    return None


def field(pod: Object, path: str) -> str:
    """The downward API: `metadata.name`, `metadata.labels['x']`, `status.podIP`, …; "" for what is not there."""
    keyed = re.fullmatch(r"metadata\.(labels|annotations)\['(.*)'\]", path)
    if keyed:
        return str((pod["metadata"].get(keyed[1]) or {}).get(keyed[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        values = pod["metadata"].get(path.removeprefix("metadata.")) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
    if path in ("status.podIPs", "status.hostIPs"):
        path = path.removesuffix("s")
    found: Any = pod
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def resource_field(container: Object, reference: Object) -> str:
    """`limits.memory` and its kin, divided and rounded up; what is not limited is the machine's."""
    part, _, name = str(reference["resource"]).partition(".")
    resources = container.get("resources") or {}
    asked = (resources.get(part) or {}).get(name)
    amount = quantity.parse(asked) if asked is not None else _machine(name)
    divisor = quantity.parse(reference.get("divisor") or "1") or 1.0
    return str(-int(-amount // divisor))


def _machine(name: str) -> float:
    if name == "cpu":
        return float(os.cpu_count() or 1)
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if name == "memory" else 0.0


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` becomes its value; an unknown name stays as it stands, and `$$` is a dollar."""

    def replace(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return values.get(found[2], found[0])

    return _REFERENCE.sub(replace, text)


def command_line(container: Object, env: Mapping[str, str]) -> list[str]:
    """What is executed; empty when the container says no command (its image would know, and there are no images)."""
    words = [*(container.get("command") or []), *(container.get("args") or [])] if container.get("command") else []
    return [expand(word, env) for word in words]
