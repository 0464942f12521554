"""Every example is accepted as it stands, and comes back with its defaults."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kgents.api import kinds
from kgents.kube.client import KubeClient
from tests.integration.crds.conftest import LAB, ROOT, UNUSED

FILES = sorted((ROOT / "examples").rglob("*.yaml"))
DOCUMENTS = [document for path in FILES for document in yaml.safe_load_all(path.read_text())]
EXAMPLES = [document for document in DOCUMENTS if document.get("apiVersion") == kinds.API_VERSION]
KIND = {kind.kind: kind for kind in kinds.KINDS}


@pytest.mark.parametrize("obj", EXAMPLES, ids=lambda obj: f"{obj['kind']}-{obj['metadata'].get('name', '')}")
async def test_an_example_is_accepted_strictly(api: KubeClient, obj: dict[str, Any]) -> None:
    made = await api.create(KIND[obj["kind"]], obj, UNUSED, dry_run=True, field_validation="Strict")
    assert lost(obj["spec"], made["spec"]) == []


async def test_an_agent_gets_its_defaults(api: KubeClient) -> None:
    obj = {"metadata": {"name": "plain"}, "spec": {"image": "x", "ports": [{"containerPort": 80}], "health": {}}}
    spec = (await api.create(kinds.AGENT, obj, LAB, dry_run=True))["spec"]
    assert (spec["replicas"], spec["suspend"], spec["ports"][0]["protocol"]) == (1, False, "TCP")
    assert spec["health"] == {
        "type": "None",
        "path": "/healthz",
        "period": "10s",
        "failureThreshold": 3,
        "onFailure": "Restart",
    }


async def test_an_agent_can_be_scaled_through_its_subresource(api: KubeClient) -> None:
    await api.create(kinds.AGENT, {"metadata": {"name": "scaled"}, "spec": {"image": "x"}}, LAB)
    await api.patch(kinds.AGENT, "scaled", {"spec": {"replicas": 3}}, LAB, subresource="scale")
    assert (await api.get(kinds.AGENT, "scaled", LAB))["spec"]["replicas"] == 3


def lost(given: Any, kept: Any, path: str = "") -> list[str]:
    """What of `given` is not in `kept`."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [hole for key, value in given.items() for hole in lost(value, kept.get(key), f"{path}.{key}")]
    return [] if given == kept or isinstance(given, list) else [path]
