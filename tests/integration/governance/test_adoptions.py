"""Who adopts a workload could change it himself: held by the API server alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.governance.court import BOT, DONE, MERGER, Court

RULE = {"match": "secret (.+)", "type": "WARNING"}


def spec(kind: str = "Deployment", name: str = "shop", **more: Any) -> dict[str, Any]:
    version = "v1" if kind == "Pod" else "apps/v1"
    return {"workloadRef": {"apiVersion": version, "kind": kind, "name": name}, **more}


@pytest.fixture(scope="module")
def town(court: Court) -> Court:
    """`mia` may do everything with agents, and change the Deployment `own` and nothing else."""
    court.kubectl("create", "role", "keeper", "--verb=*", "--resource=agents.kgents.io")
    court.kubectl("create", "rolebinding", "mia-keeps", "--role=keeper", "--user=mia")
    own = ("--verb=get,patch", "--resource=deployments.apps", "--resource-name=own")
    court.kubectl("create", "role", "own", *own)
    court.kubectl("create", "rolebinding", "mia-owns", "--role=own", "--user=mia")
    return court


def changed(town: Court, who: str, name: str, **changes: Any) -> str:
    patch = json.dumps({"spec": changes})
    return town.says(who, "patch", "agent", name, "--type=merge", "-p", patch)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Pod"])
def test_who_may_not_patch_it_does_not_adopt_it(town: Court, kind: str) -> None:
    said = town.create("mia", "Agent", "spy", spec(kind))
    assert f"mia may not adopt {kind} shop" in said and f"patch {kind.lower()}s in default" in said
    assert town.create("ann", "Agent", f"of-{kind.lower()}", spec(kind)) == DONE


def test_who_may_patch_this_very_one_adopts_it_and_no_other(town: Court) -> None:
    assert town.create("mia", "Agent", "mine", spec(name="own")) == DONE
    assert "may not adopt Deployment shop" in changed(town, "mia", "mine", **spec())
    assert changed(town, "mia", "mine", signals=[RULE]) == DONE


def test_an_agent_that_runs_something_is_not_turned_into_an_ear(town: Court) -> None:
    assert town.create("mia", "Agent", "turned", {"command": ["x"]}) == DONE
    assert "may not adopt" in changed(town, "mia", "turned", command=None, **spec())


def test_what_is_read_and_told_is_not_widened_by_who_could_not_adopt(town: Court) -> None:
    assert town.create("ann", "Agent", "theirs", spec()) == DONE
    http = [{"type": "WARNING", "minIntensity": 1, "then": {"http": {"port": 22}}}]
    for change in ({"signals": [RULE]}, {"reactions": http}, {"ports": [{"containerPort": 22}]}):
        assert "nor change what is read of it" in changed(town, "mia", "theirs", **change)
    assert changed(town, "mia", "theirs", suspend=True) == DONE
    assert changed(town, "mia", "theirs", genus="A") == DONE


def test_an_agent_does_not_adopt_and_nobody_has_it_merged(town: Court) -> None:
    assert "agents do not change agents" in town.create(BOT, "Agent", "robot", spec())
    assert "adopting is not proposed" in town.create(MERGER, "Agent", "lent", spec())
    assert town.create(MERGER, "Agent", "merged", {"command": ["x"]}) == DONE
    assert "adopting is not proposed" in changed(town, MERGER, "merged", command=None, **spec())
    assert town.create("ann", "Agent", "settled", spec()) == DONE
    assert changed(town, MERGER, "settled", signals=[RULE]) == DONE


def test_letting_go_takes_no_right_on_the_workload(town: Court) -> None:
    assert town.create("ann", "Agent", "loose", spec()) == DONE
    assert town.says("mia", "delete", "agent", "loose") == DONE
