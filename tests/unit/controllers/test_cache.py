from __future__ import annotations

import pytest

from kgents.api.kinds import POD
from kgents.embedded.controllers.cache import Cache, by_label, by_selector
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig

from .builders import Object, pod


@pytest.fixture
async def cache(unused_config: ClusterConfig) -> Cache:
    return Cache(KubeClient(unused_config), POD)


def at(version: int, name: str = "a", **more: str) -> Object:
    made = pod(name, owner=more.get("owner", "rs-1"))
    made["metadata"] |= {"resourceVersion": str(version), "uid": more.get("uid", f"uid-{name}")}
    return made


async def test_a_write_is_seen_before_the_watch_tells(cache: Cache) -> None:
    cache.note(at(5))

    assert [item["metadata"]["name"] for item in cache.owned_by("rs-1")] == ["a"]
    assert len(cache.in_namespace("lab")) == 1


async def test_an_older_event_does_not_undo_a_write(cache: Cache) -> None:
    cache.note(at(10, owner="rs-2"))

    cache._see("MODIFIED", at(9))

    assert cache.owned_by("rs-1") == [] and len(cache.owned_by("rs-2")) == 1


async def test_an_answer_that_comes_after_the_deletion_revives_nothing(cache: Cache) -> None:
    cache._see("DELETED", at(7))

    cache.note(at(6))

    assert cache.in_namespace("lab") == []


async def test_a_late_deletion_does_not_hit_the_successor(cache: Cache) -> None:
    cache.note(at(9, uid="second"))

    cache._see("DELETED", at(8, uid="first"))

    successor = cache.get("lab", "a")
    assert successor is not None and successor["metadata"]["uid"] == "second"


async def test_a_service_and_its_pods_meet_in_the_index(unused_config: ClusterConfig) -> None:
    pods = Cache(KubeClient(unused_config), POD, index=by_label)
    pods.note(at(1))
    service = {"metadata": {"namespace": "lab", "name": "web"}, "spec": {"selector": {"app": "web", "z": "1"}}}

    assert [pods.count(value) for value in by_selector(service)] == [1]


async def test_relabelling_moves_a_pod_in_the_index(unused_config: ClusterConfig) -> None:
    pods = Cache(KubeClient(unused_config), POD, index=by_label)
    pods.note(at(1))
    moved = at(2)
    moved["metadata"]["labels"] = {"app": "db"}

    pods.note(moved)

    assert pods.count(("label", "lab", ("app", "web"))) == 0
    assert pods.count(("label", "lab", ("app", "db"))) == 1


async def test_only_what_no_controller_owns_is_an_orphan(cache: Cache) -> None:
    cache.note(at(1, name="a"))
    cache.note(at(2, name="b", owner=""))

    assert [item["metadata"]["name"] for item in cache.orphans("lab")] == ["b"]
