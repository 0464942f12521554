"""What an agent is made of."""

from __future__ import annotations

from typing import Any

import pytest

from operators.agent.access import LAW, rules
from operators.agent.children import Surroundings, render
from operators.agent.overlay import lay_over
from tests.unit.operators.objects import agent


def made(**spec: Any) -> dict[str, dict[str, Any]]:
    return {kind.kind: child for kind, child in render(agent(**spec), Surroundings())}


def container(**spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = made(**spec)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def test_every_child_bears_the_agents_name_and_is_owned_by_it() -> None:
    children = made(ports=[{"containerPort": 80}], umwelt={"affordances": []})
    assert {child["metadata"]["name"] for child in children.values()} == {"ant"}
    assert all(child["metadata"]["ownerReferences"][0]["uid"] == "u1" for child in children.values())


def test_without_ports_there_is_no_service() -> None:
    assert "Service" not in made()
    assert made(ports=[{"containerPort": 80}])["Service"]["spec"]["ports"][0]["port"] == 80


@pytest.mark.parametrize("spec", [{"suspend": True}, {"replicas": 0}])
def test_a_suspended_agent_has_no_pods(spec: dict[str, Any]) -> None:
    assert made(**spec)["Deployment"]["spec"]["replicas"] == 0


def test_a_retained_memory_has_no_owner() -> None:
    memory = {"enabled": True, "type": "KeyValue", "retentionPolicy": "Retain"}
    children = made(symbionts={"memory": memory})
    assert "ownerReferences" not in children["Memory"]["metadata"]
    assert "ownerReferences" not in children["PersistentVolumeClaim"]["metadata"]


def test_an_ephemeral_memory_is_gone_with_the_pod() -> None:
    children = made(symbionts={"memory": {"enabled": True, "type": "Ephemeral"}})
    volumes = children["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert "PersistentVolumeClaim" not in children
    assert any("emptyDir" in volume for volume in volumes)


def test_a_claim_never_shrinks() -> None:
    memory = {"enabled": True, "type": "KeyValue", "size": "1Mi"}
    around = Surroundings(claim={"spec": {"resources": {"requests": {"storage": "5Mi"}}}})
    children = {kind.kind: child for kind, child in render(agent(symbionts={"memory": memory}), around)}
    assert children["PersistentVolumeClaim"]["spec"]["resources"]["requests"]["storage"] == "5Mi"


def test_an_entrypoint_is_run_as_a_module() -> None:
    assert container(command=None, entrypoint="a.b")["command"] == ["python", "-m", "a.b"]


def test_the_agents_own_variables_win() -> None:
    env = container(env=[{"name": "KGENTS_AGENT", "value": "me"}])["env"]
    assert [entry["value"] for entry in env if entry["name"] == "KGENTS_AGENT"] == ["me"]


def test_requests_are_never_missing_nor_above_the_limits() -> None:
    assert container()["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}
    assert container(resources={"limits": {"cpu": "10m"}})["resources"]["requests"]["cpu"] == "10m"


def test_safemode_on_failure_means_that_nothing_restarts_it() -> None:
    health = {"type": "HTTP", "port": 80}
    assert "livenessProbe" in container(health=health)
    assert "livenessProbe" not in container(health={**health, "onFailure": "Safemode"})


def test_the_template_is_laid_over_by_name() -> None:
    base = {"containers": [{"name": "agent", "image": "a", "env": [{"name": "X", "value": "1"}]}]}
    patch = {"containers": [{"name": "agent", "env": [{"name": "Y", "value": "2"}]}, {"name": "side"}]}
    laid = lay_over(base, patch)
    assert [entry["name"] for entry in laid["containers"][0]["env"]] == ["X", "Y"]
    assert laid["containers"][0]["image"] == "a"
    assert laid["containers"][1] == {"name": "side"}


def test_the_template_cannot_replace_the_labels_that_select() -> None:
    template = {"metadata": {"labels": {"kgents.io/agent": "other", "team": "x"}}}
    labels = made(template=template)["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels["kgents.io/agent"] == "ant"
    assert labels["team"] == "x"


def test_no_allowed_peer_means_nobody_and_no_list_means_all() -> None:
    assert made()["NetworkPolicy"]["spec"]["ingress"] == [{}]
    assert made(network={"allowedPeers": []})["NetworkPolicy"]["spec"]["ingress"] == []


def test_without_affordances_there_is_the_law_alone() -> None:
    assert rules(None) == list(LAW)


def test_an_affordance_that_names_an_agent_gives_that_one_alone() -> None:
    assert rules(["world.cluster.agents.bee.manifest"])[-1]["resourceNames"] == ["bee"]


@pytest.mark.parametrize("pattern", ["**", "world.**", "world.cluster.agents.*.define", "self.**"])
def test_no_affordance_lets_an_agent_write_agents_or_memories(pattern: str) -> None:
    writes = {"update", "patch", "delete", "create", "deletecollection", "*"}
    for rule in rules([pattern])[len(LAW) :]:
        assert not writes & set(rule["verbs"])


def test_an_adopted_workload_gets_a_config_map_beside_it_and_nothing_else() -> None:
    children = made(command=None, workloadRef={"kind": "Deployment", "name": "x"})
    assert [(kind, child["metadata"]["name"]) for kind, child in children.items()] == [("ConfigMap", "ant-kgents")]
