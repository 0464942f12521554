"""The client's verbs, held against a real API server."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kgents.api.errors import NotFound, Unreachable
from kgents.api.kinds import CONFIG_MAP
from kgents.kube import config
from kgents.kube.client import KubeClient
from kgents.kube.errors import AlreadyExists, Conflict, Forbidden


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


async def test_an_object_lives_through_all_verbs(api: KubeClient, namespace: str) -> None:
    made = await api.create(CONFIG_MAP, config_map("a", one="1"), namespace)
    made["data"]["two"] = "2"
    await api.replace(CONFIG_MAP, made)
    await api.patch(CONFIG_MAP, "a", {"data": {"one": None}}, namespace)
    await api.patch(CONFIG_MAP, "a", [{"op": "add", "path": "/data/three", "value": "3"}], namespace, type="json")
    await api.patch(CONFIG_MAP, "a", {"data": {"four": "4"}}, namespace, type="strategic")
    assert (await api.get(CONFIG_MAP, "a", namespace))["data"] == {"two": "2", "three": "3", "four": "4"}
    await api.delete(CONFIG_MAP, "a", namespace, uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await api.get(CONFIG_MAP, "a", namespace)


async def test_applying_again_drops_what_is_left_out(api: KubeClient, namespace: str) -> None:
    await api.apply(CONFIG_MAP, config_map("a", one="1", two="2"), namespace)
    applied = await api.apply(CONFIG_MAP, config_map("a", two="2"), namespace)
    assert applied["data"] == {"two": "2"}


async def test_two_managers_conflict_unless_one_forces(api: KubeClient, namespace: str) -> None:
    await api.apply(CONFIG_MAP, config_map("a", one="1"), namespace, field_manager="first")
    with pytest.raises(Conflict):
        await api.apply(CONFIG_MAP, config_map("a", one="2"), namespace, field_manager="second", force=False)
    forced = await api.apply(CONFIG_MAP, config_map("a", one="2"), namespace, field_manager="second")
    assert forced["data"] == {"one": "2"}


async def test_conflicts_are_told_apart(api: KubeClient, namespace: str) -> None:
    made = await api.create(CONFIG_MAP, config_map("a"), namespace)
    with pytest.raises(AlreadyExists):
        await api.create(CONFIG_MAP, config_map("a"), namespace)
    await api.patch(CONFIG_MAP, "a", {"data": {"x": "y"}}, namespace)
    with pytest.raises(Conflict) as caught:
        await api.replace(CONFIG_MAP, made)
    assert not isinstance(caught.value, AlreadyExists)
    with pytest.raises(Conflict):
        await api.delete(CONFIG_MAP, "a", namespace, uid="another")


async def test_a_dry_run_leaves_nothing(api: KubeClient, namespace: str) -> None:
    await api.create(CONFIG_MAP, config_map("a"), namespace, dry_run=True)
    assert await api.delete(CONFIG_MAP, "a", namespace, missing_ok=True) is None


async def test_a_list_is_whole_whatever_its_pages(api: KubeClient, namespace: str) -> None:
    for n in range(7):
        await api.create(CONFIG_MAP, config_map(f"a{n}"), namespace)
    listed = await api.list(CONFIG_MAP, namespace, limit=3)
    names = [item["metadata"]["name"] for item in listed["items"]]
    # A cluster's controllers may have put one of their own there.
    assert [name for name in names if name != "kube-root-ca.crt"] == [f"a{n}" for n in range(7)]
    assert listed["items"][0]["kind"] == "ConfigMap"


async def test_a_certificate_of_another_authority_is_not_trusted(hive_api: Any) -> None:
    found = config.load(path=hive_api.kubeconfig)
    stranger = config.ClusterConfig(context="stranger", server=found.server, token=found.token)
    async with KubeClient(stranger) as api:
        with pytest.raises(Unreachable, match="its certificate is not to be trusted"):
            await api.version()


async def test_one_who_may_acts_as_another_and_is_judged_as_him(api: KubeClient, namespace: str) -> None:
    other = dataclasses.replace(api.config, impersonate="ann", impersonate_groups=("readers", "writers"))
    async with KubeClient(other) as ann:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        said = await ann.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review)
        with pytest.raises(Forbidden):
            await ann.create(CONFIG_MAP, config_map("a"), namespace)
    user = said["status"]["userInfo"]
    assert (user["username"], user["groups"]) == ("ann", ["readers", "writers", "system:authenticated"])
