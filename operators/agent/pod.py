"""The pods of an agent: what its Deployment runs. Pure: an Agent in, a PodTemplateSpec out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kgents.api import duration
from operators.agent import meta, paths, sidecar
from operators.agent.overlay import lay_over
from operators.agent.sidecar import Program, memory_spec

Object = dict[str, Any]

DEFAULT_IMAGE = "python:3.12-slim"
"""For agents that say a command or an entrypoint and no image."""
DEFAULT_REQUESTS = {"cpu": "50m", "memory": "64Mi"}
"""Modest, and never nothing: activity is measured against the requests."""
DEFAULT_PERIOD = 10.0
DEFAULT_THRESHOLD = 3
PROBE_TIMEOUT = 5


def template(agent: Mapping[str, Any], memory: Program | None = None) -> Object:
    """The PodTemplateSpec, with the agent's own `template` laid over it. `memory` is how its sidecar is run."""
    name, spec = agent["metadata"]["name"], agent["spec"]
    made: Object = {
        "metadata": {"labels": meta.labels(name)},
        "spec": {"serviceAccountName": name, "containers": [_container(agent)], "volumes": _volumes(agent)},
    }
    if memory is not None and memory_spec(spec):
        _remember(made["spec"], agent, memory)
    laid: Object = lay_over(made, spec.get("template") or {})
    # A selector that no longer selects its own pods would make new ones without end.
    laid["metadata"] = {**laid["metadata"], "labels": {**laid["metadata"]["labels"], **meta.labels(name)}}
    return laid


def lacks_image(spec: Mapping[str, Any]) -> bool:
    """Whether neither the agent nor its own template says which image to run."""
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    named = any(one.get("name") == paths.CONTAINER and one.get("image") for one in containers)
    return not (spec.get("image") or spec.get("workloadRef") or named)


def reaction_files(spec: Mapping[str, Any]) -> list[str]:
    """The files that its reactions want, each once, in order."""
    files = (reaction.get("then", {}).get("file") for reaction in spec.get("reactions") or ())
    return list(dict.fromkeys(file for file in files if isinstance(file, str)))


def health_port(spec: Mapping[str, Any]) -> int | None:
    """Where HTTP health is asked."""
    ports = spec.get("ports") or []
    port = (spec.get("health") or {}).get("port") or (ports[0]["containerPort"] if ports else None)
    return int(port) if port else None


def health_period(spec: Mapping[str, Any]) -> float:
    return duration.parse_or((spec.get("health") or {}).get("period"), DEFAULT_PERIOD)


def health_threshold(spec: Mapping[str, Any]) -> int:
    return int((spec.get("health") or {}).get("failureThreshold") or DEFAULT_THRESHOLD)


def _container(agent: Mapping[str, Any]) -> Object:
    spec = agent["spec"]
    container: Object = {
        "name": paths.CONTAINER,
        "image": spec.get("image") or DEFAULT_IMAGE,
        "env": _env(agent),
        "resources": _resources(spec.get("resources") or {}),
        "volumeMounts": _mounts(spec),
        **_probes(spec),
    }
    if spec.get("entrypoint"):
        container["command"] = ["python", "-m", spec["entrypoint"]]
    elif spec.get("command"):
        container["command"] = list(spec["command"])
    for field in ("args", "workingDir", "envFrom"):
        if spec.get(field):
            container[field] = spec[field]
    if spec.get("ports"):
        container["ports"] = [{"protocol": "TCP", **port} for port in spec["ports"]]
    return container


def _resources(wanted: Mapping[str, Any]) -> Object:
    limits = wanted.get("limits") or {}
    # A default request above the agent's own limit would be refused.
    defaults = {key: limits.get(key, value) for key, value in DEFAULT_REQUESTS.items()}
    requests = {key: str(value) for key, value in {**defaults, **(wanted.get("requests") or {})}.items()}
    made: Object = {"requests": requests}
    if limits:
        made["limits"] = {key: str(value) for key, value in limits.items()}
    return made


def _env(agent: Mapping[str, Any]) -> list[Object]:
    spec = agent["spec"]
    own: list[Object] = [
        {"name": "KGENTS_AGENT", "value": agent["metadata"]["name"]},
        {"name": "KGENTS_NAMESPACE", "value": agent["metadata"]["namespace"]},
        {"name": "KGENTS_UMWELT", "value": paths.UMWELT_FILE},
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
    ]
    if spec.get("ports"):
        own.append({"name": "PORT", "value": str(spec["ports"][0]["containerPort"])})
    if spec.get("config"):
        own.append({"name": "KGENTS_CONFIG_DIR", "value": paths.CONFIG_DIR})
    if reaction_files(spec):
        own.append({"name": "KGENTS_REACTIONS_DIR", "value": paths.REACTIONS_DIR})
    theirs = spec.get("env") or []
    named = {entry["name"] for entry in theirs}
    return [entry for entry in own if entry["name"] not in named] + [dict(entry) for entry in theirs]


def _remember(pod: Object, agent: Mapping[str, Any], program: Program) -> None:
    """Puts the memory sidecar into the pod's spec."""
    name, spec, own = agent["metadata"]["name"], agent["spec"], pod["containers"][0]
    pod["initContainers"] = [sidecar.container(spec, program)]
    pod["volumes"] += sidecar.volumes(name, spec)
    own["volumeMounts"] += sidecar.agent_mounts()
    known = {entry["name"] for entry in own["env"]}
    own["env"] += [entry for entry in sidecar.agent_env(program) if entry["name"] not in known]


def _mounts(spec: Mapping[str, Any]) -> list[Object]:
    mounts: list[Object] = [{"name": "kgents-umwelt", "mountPath": paths.UMWELT_DIR, "readOnly": True}]
    if spec.get("config"):
        mounts.append({"name": "kgents-config", "mountPath": paths.CONFIG_DIR, "readOnly": True})
    if reaction_files(spec):
        mounts.append({"name": "kgents-reactions", "mountPath": paths.REACTIONS_DIR, "readOnly": True})
    return mounts


def _volumes(agent: Mapping[str, Any]) -> list[Object]:
    name, spec = agent["metadata"]["name"], agent["spec"]
    volumes = [_files("kgents-umwelt", name, {paths.UMWELT_KEY: paths.UMWELT_KEY})]
    if spec.get("config"):
        volumes.append(_files("kgents-config", name, {paths.config_key(key): key for key in sorted(spec["config"])}))
    if files := reaction_files(spec):
        volumes.append(_files("kgents-reactions", name, {paths.reaction_key(file): file for file in files}))
    return volumes


def _files(volume: str, config_map: str, keys: Mapping[str, str]) -> Object:
    items = [{"key": key, "path": path} for key, path in keys.items()]
    # Optional: a pod need not wait for a file whose first state is still being computed.
    return {"name": volume, "configMap": {"name": config_map, "items": items, "optional": True}}


def _probes(spec: Mapping[str, Any]) -> Object:
    health = spec.get("health") or {}
    port = health_port(spec)
    if health.get("type") != "HTTP" or port is None:
        return {}
    probe: Object = {
        "httpGet": {"path": health.get("path") or "/healthz", "port": port},
        "periodSeconds": max(1, math.ceil(health_period(spec))),
        "failureThreshold": health_threshold(spec),
        "timeoutSeconds": PROBE_TIMEOUT,
    }
    probes = {"readinessProbe": probe}
    if health.get("onFailure", "Restart") == "Restart":
        # A program that is still loading is not ill: the first question waits one period.
        probes["livenessProbe"] = {**probe, "initialDelaySeconds": probe["periodSeconds"]}
    return probes
