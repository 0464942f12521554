"""State that must outlive the operators: on the agent's ConfigMap, each part under its own field manager."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kgents.api import adopting
from kgents.api.kinds import CONFIG_MAP
from kgents.kube.errors import ObjectNotFound
from operators.agent import meta
from operators.world import Key, World

Object = dict[str, Any]


def home(world: World, key: Key) -> Object | None:
    """The agent's ConfigMap, once the Agent operator has made it."""
    agent = world.agents.get(key)
    found = world.child(CONFIG_MAP, (key[0], meta.config_map_name(agent))) if agent else None
    if found is None or agent is None:
        return None
    owner = adopting.controller_of(found)
    return found if owner is not None and owner.get("uid") == agent["metadata"]["uid"] else None


def read(config_map: Mapping[str, Any], annotation: str) -> Object:
    """What was kept under `annotation`; empty if nothing was, or somebody broke it."""
    text = (config_map["metadata"].get("annotations") or {}).get(annotation)
    try:
        kept = json.loads(text) if text else {}
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


async def write(
    world: World, config_map: Mapping[str, Any], manager: str, annotation: str, kept: Object, data: Mapping[str, str]
) -> None:
    """Keep `kept` and `data`. Nothing is written when nothing changed; nor when the agent is gone by now."""
    metadata = config_map["metadata"]
    text = json.dumps(kept, sort_keys=True)
    have = config_map.get("data") or {}
    if (metadata.get("annotations") or {}).get(annotation) == text and data.items() <= have.items():
        return
    body: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            **{field: metadata[field] for field in ("name", "namespace", "uid")},
            "annotations": {annotation: text},
        },
    }
    if data:
        body["data"] = dict(data)
    try:
        await world.api.apply(CONFIG_MAP, body, metadata["namespace"], field_manager=manager)
    except ObjectNotFound:
        return
