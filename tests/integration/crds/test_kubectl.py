"""What a person sees of the kinds with kubectl."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.api import kinds
from kgents.kube.client import KubeClient
from kgents.kube.config import ClusterConfig
from tests.integration.crds.conftest import LAB, ROOT
from tests.support.kubectl import Kubectl


def table_columns(answer: dict[str, Any], wide: bool) -> list[str]:
    return [column["name"] for column in answer["columnDefinitions"] if wide or column["priority"] == 0]


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (kinds.AGENT, "Name Phase Ready Replicas Restarts Genus Age"),
        (kinds.PHEROMONE, "Name Type Source Target Initial Half-Life Age"),
        (kinds.MEMORY, "Name Owner Type Size Retention Phase Age"),
        (kinds.UMWELT, "Name Agent Tokens Rate Age"),
        (kinds.PROPOSAL, "Name Phase Kind Target Risk Level Proposer Age"),
    ],
    ids=lambda value: value.plural if isinstance(value, kinds.Kind) else "",
)
async def test_a_list_shows_what_matters(api: KubeClient, kind: kinds.Kind, columns: str) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    answer = await api.request("GET", kind.path(LAB), accept=accept)
    assert " ".join(table_columns(answer, wide=False)) == columns


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.plural)
async def test_short_names_and_category_are_discovered(api: KubeClient, kind: kinds.Kind) -> None:
    found = {entry["name"]: entry for entry in (await api.request("GET", f"/apis/{kinds.API_VERSION}"))["resources"]}
    assert (found[kind.plural]["shortNames"], found[kind.plural]["categories"]) == ([kind.short], ["kgents"])
    assert f"{kind.plural}/status" in found


def test_kubectl_applies_the_crds_as_they_stand(cluster: ClusterConfig, kubectl: Kubectl) -> None:
    said = kubectl("apply", "--dry-run=server", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    assert said.count("serverside-applied") == len(kinds.KINDS)


def test_kubectl_explains_an_agent(cluster: ClusterConfig, kubectl: Kubectl) -> None:
    said = kubectl("explain", "agent.spec.signals")
    assert "Rules by which a program that knows nothing of kgents still speaks" in said
    assert "match\t<string> -required-" in said


def test_kubectl_applies_an_example_again_and_again(cluster: ClusterConfig, kubectl: Kubectl) -> None:
    arguments = ("apply", "-n", LAB, "-f", str(ROOT / "examples" / "memory.yaml"))
    said = [kubectl(*arguments).split()[-1] for _ in range(2)]
    assert said == ["created", "unchanged"]
    assert "archivist" in kubectl("get", "kgents", "-n", LAB)
