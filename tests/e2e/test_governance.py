"""The story of an agent that may change itself, told on a whole hive, as `kgents demo governance` tells it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.machine import Done, Machine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def told(machine: Machine) -> Done:
    done = machine.run("demo", "governance", timeout=360)
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr}\n{machine('infra', 'logs', '--tail', '15')}", pytrace=False)
    return done


def test_each_way_of_a_proposal_is_shown(told: Done) -> None:
    for outcome in (
        "Merged: merged by itself",
        "Blocked: risk 0.8 is 0.7 or more",
        "risk 0.61 (Medium)",
        "approved by kubernetes-admin: looks good to me",
        "RolledBack: the agent sickened",
        "FROZEN by kubernetes-admin",
        "REFUSED the hive is frozen by kubernetes-admin (a drill)",
        "Thawed, the mill has ground the order",
        "the audit chain holds",
    ):
        assert outcome in told.stdout, outcome


def test_the_causes_reach_back_to_the_signal(told: Done) -> None:
    assert re.search(r"scaled 1→3 ← proposal \S+, by itself, risk 0\.20 ← SCARCITY 0\.80", told.stdout)


def test_kubectl_shows_it_too(told: Done) -> None:
    shown = told.stdout.rpartition("$ kubectl get prop")[2]

    assert [re.search(rf"\b{phase}\b", shown) is not None for phase in ("Merged", "Rejected", "RolledBack")] == [
        True
    ] * 3


def test_it_leaves_the_record_and_nothing_else(told: Done, machine: Machine) -> None:
    namespace = re.search(r"kgents audit -n (story-\w+)", told.stdout)
    policy: Any = machine.kubectl.json("get", "configmap", "kgents-policy", "-n", "kgents-system")
    freeze: Any = machine.kubectl.json("get", "configmap", "kgents-freeze", "-n", "kgents-system")

    assert namespace and len(machine.json("audit", "-n", namespace[1], "--verify")["items"]) == 3
    assert machine.json("status", "-A")["items"] == []
    assert "bake" not in policy.get("data", {}) and not freeze.get("data")


def test_a_story_that_is_not_there_is_a_usage_error(told: Done, machine: Machine) -> None:
    done = machine.run("demo", "moby-dick")

    assert done.returncode == 2 and "governance" in done.stderr
