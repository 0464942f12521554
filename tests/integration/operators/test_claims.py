"""The end of a claim, against one who renews it in the same moment."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kgents.api import times
from kgents.api.kinds import API_VERSION, PHEROMONE
from kgents.kube import config
from kgents.kube.client import KubeClient
from kgents.kube.errors import Conflict
from operators.pheromone.evaporation import release
from tests.support.hive import HiveApi


async def test_a_claim_that_was_renewed_meanwhile_is_not_ended(
    api_with_kinds: HiveApi, new_namespace: Callable[[str], str]
) -> None:
    namespace, now = new_namespace("claims"), time.time()
    until = {"claimedBy": "a", "claimedAt": times.to_micro_text(now), "claimedUntil": times.to_micro_text(now + 60)}
    body = {"apiVersion": API_VERSION, "kind": "Pheromone", "metadata": {"name": "work"}}
    async with KubeClient(config.load(path=api_with_kinds.kubeconfig)) as api:
        made = await api.create(PHEROMONE, {**body, "spec": {"type": "INTENT", "claimable": True}}, namespace)
        uid, key = made["metadata"]["uid"], (namespace, "work")
        await api.patch(PHEROMONE, "work", {"status": until}, namespace, subresource="status")
        with pytest.raises(Conflict):
            await release(api, key, uid, now)
        assert (await api.get(PHEROMONE, "work", namespace))["status"]["claimedBy"] == "a"
        await release(api, key, uid, now + 61)
        assert "claimedBy" not in (await api.get(PHEROMONE, "work", namespace))["status"]
