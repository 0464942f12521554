"""Rollouts, played to their end by a small cluster that keeps what the plan asks for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kgents.embedded.controllers.rollout import (
    DESIRED,
    HISTORY,
    REVISION,
    find_new,
    max_surge,
    max_unavailable,
    plan_rollout,
    template_hash,
)

from .builders import Object, deployment


class Cluster:
    """ReplicaSets as the API server and the ReplicaSet loop would keep them; pods become ready when `tick` says."""

    def __init__(self, seed: int = 0) -> None:
        self.sets: list[Object] = []
        self.random = random.Random(seed)
        self.broken: set[str] = set()
        self.trace: list[tuple[int, int]] = []

    def apply(self, wanted: Object) -> bool:
        """One look of the loop. False when it found nothing to do."""
        steps = plan_rollout(wanted, self.sets)
        if steps.create:
            made = steps.create
            made["metadata"] |= {"uid": made["metadata"]["name"], "creationTimestamp": f"{len(self.sets):03}"}
            self.sets.append({**made, "status": {}})
        for item, size in steps.scale:
            item["spec"]["replicas"] = size
        for item, notes in steps.annotate:
            item["metadata"]["annotations"] = {**item["metadata"].get("annotations", {}), **notes}
        for item in steps.delete:
            self.sets.remove(item)
        return bool(steps.create or steps.scale or steps.annotate or steps.delete)

    def tick(self, *, at_once: bool = False) -> None:
        for item in self.sets:
            size, state = item["spec"]["replicas"], item["status"]
            ready = min(state.get("availableReplicas", 0), size)
            may_grow = item["metadata"]["name"] not in self.broken
            step = size - ready if at_once else self.random.randint(0, size - ready)
            item["status"] = {"replicas": size, "availableReplicas": ready + (step if may_grow else 0)}
        self.trace.append((self.total("spec"), self.total("status", "availableReplicas")))

    def total(self, part: str, name: str = "replicas") -> int:
        return sum(item[part].get(name, 0) for item in self.sets)

    def settle(self, wanted: Object, *, at_once: bool = False) -> None:
        for _ in range(500):
            changed = self.apply(wanted)
            before = [dict(item["status"]) for item in self.sets]
            self.tick(at_once=at_once)
            done = not changed and before == [item["status"] for item in self.sets]
            if done and all(i["status"]["availableReplicas"] == i["spec"]["replicas"] for i in self.sets):
                return
        raise AssertionError(f"still moving: {self.trace[-5:]}")

    def sizes(self) -> list[int]:
        return [item["spec"]["replicas"] for item in self.sets]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("surge", "unavailable"), [("25%", "25%"), (1, 0), (0, 1), ("100%", 0), (0, 0)])
def test_a_rolling_update_stays_between_its_bounds(seed: int, surge: Any, unavailable: Any) -> None:
    cluster = Cluster(seed)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    cluster.settle(deployment(5, "one", strategy=rolling))
    cluster.trace.clear()
    wanted = deployment(5, "two", strategy=rolling)

    cluster.settle(wanted)

    assert cluster.sizes() == [0, 5]
    assert max(total for total, _ in cluster.trace) <= 5 + max_surge(wanted)
    assert min(available for _, available in cluster.trace) >= 5 - max_unavailable(wanted)


def test_a_broken_revision_takes_no_more_than_it_may() -> None:
    cluster = Cluster()
    cluster.settle(deployment(4, "good"))
    bad = deployment(4, "bad")
    cluster.broken.add(f"web-{template_hash(bad)}")

    for _ in range(20):
        cluster.apply(bad)
        cluster.tick(at_once=True)

    assert cluster.total("status", "availableReplicas") == 4 - max_unavailable(bad)
    cluster.settle(deployment(4, "better"))
    assert cluster.sizes()[-1] == 4 and sum(cluster.sizes()) == 4


def test_recreate_never_runs_two_revisions() -> None:
    cluster = Cluster()
    recreate = {"type": "Recreate"}
    cluster.settle(deployment(3, "one", strategy=recreate))

    for _ in range(10):
        cluster.apply(deployment(3, "two", strategy=recreate))
        assert sum(size > 0 for size in cluster.sizes()) <= 1
        cluster.tick(at_once=True)

    assert cluster.sizes() == [0, 3]


def test_going_back_takes_the_old_replica_set_with_a_new_revision() -> None:
    cluster = Cluster()
    for image in ("one", "two", "one"):
        cluster.settle(deployment(2, image))

    first = cluster.sets[0]
    assert cluster.sizes() == [2, 0]
    assert first["metadata"]["annotations"][REVISION] == "3"
    assert first["metadata"]["annotations"][HISTORY] == "1"


def test_scaling_needs_no_new_revision() -> None:
    cluster = Cluster()
    cluster.settle(deployment(1))

    for size in (6, 0, 2):
        cluster.settle(deployment(size))
        assert cluster.sizes() == [size]

    assert cluster.sets[0]["metadata"]["annotations"][DESIRED] == "2"


@pytest.mark.parametrize("target", [0, 2, 9, 20])
def test_scaling_in_the_middle_of_a_rollout_ends_at_the_new_size(target: int) -> None:
    cluster = Cluster(3)
    cluster.settle(deployment(6, "one"))
    for _ in range(3):
        cluster.apply(deployment(6, "two"))
        cluster.tick()

    cluster.settle(deployment(target, "two"))

    assert cluster.sizes() == [0, target]


def test_a_paused_deployment_scales_and_does_not_roll() -> None:
    cluster = Cluster()
    cluster.settle(deployment(2, "one"))

    cluster.settle(deployment(4, "two", paused=True))

    assert cluster.sizes() == [4]


def test_history_is_kept_to_its_limit() -> None:
    cluster = Cluster()
    for number in range(6):
        cluster.settle(deployment(1, f"v{number}", revisionHistoryLimit=2))

    assert [item["metadata"]["annotations"][REVISION] for item in cluster.sets] == ["4", "5", "6"]


def test_a_second_look_has_nothing_to_do() -> None:
    cluster = Cluster()
    cluster.settle(deployment(3))

    assert cluster.apply(deployment(3)) is False


def test_nulls_and_defaults_of_the_server_do_not_roll() -> None:
    cluster = Cluster()
    wanted = deployment(1)
    cluster.settle(wanted)
    wanted["spec"]["template"]["metadata"]["creationTimestamp"] = None
    wanted["spec"]["template"]["spec"]["volumes"] = None

    assert find_new(wanted, cluster.sets) is cluster.sets[0]


def test_a_taken_name_gives_another_hash() -> None:
    wanted = deployment()
    collided = {**wanted, "status": {"collisionCount": 1}}

    assert template_hash(wanted) != template_hash(collided)


def test_a_replica_set_carries_the_annotations_of_its_deployment() -> None:
    wanted = deployment()
    wanted["metadata"]["annotations"] = {"kubernetes.io/change-cause": "why", REVISION: "7"}

    made = plan_rollout(wanted, []).create

    assert made is not None
    assert made["metadata"]["annotations"]["kubernetes.io/change-cause"] == "why"
    assert made["metadata"]["annotations"][REVISION] == "1"


def test_recreate_waits_for_a_pod_that_is_still_going() -> None:
    cluster = Cluster()
    recreate = {"type": "Recreate"}
    cluster.settle(deployment(1, "one", strategy=recreate))
    cluster.sets[0]["spec"]["replicas"] = 0
    cluster.tick(at_once=True)
    old = cluster.sets[0]["metadata"]["uid"]

    assert plan_rollout(deployment(1, "two", strategy=recreate), cluster.sets, {old}).create is None
    assert plan_rollout(deployment(1, "two", strategy=recreate), cluster.sets).create is not None


def test_an_old_pod_that_holds_the_new_ones_port_gives_way_though_nothing_else_is_ready() -> None:
    cluster = Cluster()
    cluster.settle(deployment(1, "one"))
    wanted = deployment(1, "two")
    cluster.broken.add(f"web-{template_hash(wanted)}")
    for _ in range(3):
        cluster.apply(wanted)
        cluster.tick(at_once=True)
    old = cluster.sets[0]

    assert plan_rollout(wanted, cluster.sets).scale == ()
    assert plan_rollout(wanted, cluster.sets, in_the_way=True).scale == ((old, 0),)
