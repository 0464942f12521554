"""The memory sidecar (D-gent) as it stands in an agent's pod: a native sidecar, up before the agent's own container.

What may change while the pod runs (the size, the endpoint of embeddings) reaches it in a file, not in the pod's
template: a larger memory is no reason to start anything anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api import quantity
from operators.agent import paths

Object = dict[str, Any]

NAME = "kgents-memory"
PORT = 7733
USUAL_SIZE = "256Mi"
_DATA, _TOKEN, _SETTINGS = NAME, f"{NAME}-token", f"{NAME}-settings"
_REQUESTS = {"cpu": "5m", "memory": "32Mi"}
_LIMITS = {"memory": "192Mi"}
_START_PATIENCE = 300
"""Seconds: a large file is checked before it is used."""


@dataclass(frozen=True, slots=True)
class Program:
    """How the sidecar is run. `shared_loopback`: pods share a machine, each with a loopback address of its own."""

    image: str = "kgents"
    python: str = "python"
    shared_loopback: bool = False


HERE = Program(python=sys.executable, shared_loopback=True)
"""On this machine: this very Python has the module."""


def memory_spec(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`symbionts.memory`, if the agent has a memory."""
    memory = (spec.get("symbionts") or {}).get("memory") or {}
    return memory if memory.get("enabled") else None


def settings(spec: Mapping[str, Any]) -> str:
    """The file that tells the sidecar what to be."""
    memory = memory_spec(spec) or {}
    size = quantity.parse_or(memory.get("size"), None) or quantity.parse(USUAL_SIZE)
    made: Object = {"type": memory.get("type", "Ephemeral"), "size": int(size)}
    model = spec.get("model") or {}
    if made["type"] == "Vector" and model.get("baseURL"):
        made["embeddings"] = {"url": model["baseURL"], "model": model.get("name", "")}
    return json.dumps(made, sort_keys=True) + "\n"


def container(spec: Mapping[str, Any], program: Program) -> Object:
    """The entry of initContainers."""
    host = "$(POD_IP)" if program.shared_loopback else "127.0.0.1"
    command = [program.python, "-P", "-m", "kgents.symbionts.memory", "--listen", f"{host}:{PORT}"]
    command += ["--data", paths.MEMORY_DIR, "--token-file", paths.MEMORY_TOKEN_FILE]
    command += ["--settings", paths.MEMORY_SETTINGS_FILE]
    return {
        "name": NAME,
        "image": program.image,
        "command": command,
        "restartPolicy": "Always",
        "env": _env(spec, program),
        "resources": {"requests": _REQUESTS, "limits": _LIMITS},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": _DATA, "mountPath": paths.MEMORY_DIR},
            {"name": _TOKEN, "mountPath": paths.MEMORY_TOKEN_DIR},
            {"name": _SETTINGS, "mountPath": paths.MEMORY_SETTINGS_DIR, "readOnly": True},
        ],
        **_probes(program, command),
    }


def agent_env(program: Program) -> list[Object]:
    """What tells the agent where its memory is."""
    host = "$(POD_IP)" if program.shared_loopback else "127.0.0.1"
    return [
        {"name": "KGENTS_MEMORY_URL", "value": f"http://{host}:{PORT}"},
        {"name": "KGENTS_MEMORY_TOKEN_FILE", "value": paths.MEMORY_TOKEN_FILE},
    ]


def agent_mounts() -> list[Object]:
    """The agent gets the key to its memory, not the file: what writes past the sidecar would be bounded by nobody."""
    return [{"name": _TOKEN, "mountPath": paths.MEMORY_TOKEN_DIR, "readOnly": True}]


def volumes(name: str, spec: Mapping[str, Any]) -> list[Object]:
    """What the pod of the agent called `name` needs for it."""
    durable = (memory_spec(spec) or {}).get("type", "Ephemeral") != "Ephemeral"
    items = [{"key": paths.MEMORY_SETTINGS_KEY, "path": paths.MEMORY_SETTINGS_KEY}]
    return [
        {"name": _DATA, **({"persistentVolumeClaim": {"claimName": name}} if durable else {"emptyDir": {}})},
        {"name": _TOKEN, "emptyDir": {}},
        {"name": _SETTINGS, "configMap": {"name": name, "items": items}},
    ]


def _env(spec: Mapping[str, Any], program: Program) -> list[Object]:
    # One heap for all threads: there is one sidecar beside every agent, so each megabyte counts.
    env: list[Object] = [{"name": "MALLOC_ARENA_MAX", "value": "1"}]
    if program.shared_loopback:
        where = {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}
        env.append({"name": "POD_IP", "valueFrom": where})
    secret = (spec.get("model") or {}).get("secretRef")
    if secret and "embeddings" in json.loads(settings(spec)):
        key = {"name": secret["name"], "key": secret.get("key", "api-key"), "optional": True}
        env.append({"name": "KGENTS_MODEL_KEY", "valueFrom": {"secretKeyRef": key}})
    return env


def _probes(program: Program, command: list[str]) -> Object:
    if program.shared_loopback:
        asked: Object = {"httpGet": {"path": "/healthz", "port": PORT}, "timeoutSeconds": 5}
        ready = {**asked, "periodSeconds": 15, "failureThreshold": 4}
        return {
            "startupProbe": {**asked, "periodSeconds": 1, "failureThreshold": _START_PATIENCE},
            "readinessProbe": ready,
        }
    # It listens on the pod's own loopback, where no kubelet reaches it; a program that asks costs too much to go on.
    ask = {"exec": {"command": [*command, "--ask"]}, "timeoutSeconds": 10}
    return {"startupProbe": {**ask, "periodSeconds": 2, "failureThreshold": _START_PATIENCE // 2}}
