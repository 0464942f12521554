"""The walk of docs/cluster.md: from an empty cluster to an adopted workload, and back."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgents.embedded.runtime.stopping import stop_pods
from tests.support import cluster, image
from tests.support.cluster import Cluster
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
BOT = ("--", sys.executable, "-u", "-c", "import time; print('ERROR order 7 is lost'); time.sleep(3600)")


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("far")
    running = cluster.start(directory, "77.43", image.make(directory / "image"))
    yield running
    running.stop()
    stop_pods(directory / "node")


@pytest.fixture
def here(far: Cluster, tmp_path: Path) -> Machine:
    """A machine whose only context is called prod."""
    machine = Machine(tmp_path)
    far.write_kubeconfig(machine.kubeconfig, "root", current="far/root")
    machine.kubectl("config", "rename-context", "far/root", "prod")
    return machine


def replicas(far: Cluster) -> int:
    return int(far.kubectl.json("get", "deployment", "support-bot")["spec"]["replicas"])


def test_the_walk_from_an_empty_cluster_to_an_adopted_workload_and_back(here: Machine, far: Cluster) -> None:
    lines = re.findall(r"^\$ (.+)$", PAGE.read_text(), re.MULTILINE)
    said = {}

    for line in lines:
        program, *words = shlex.split(line)
        if program == "kubectl":
            here.kubectl(*words, *BOT)  # there is no engine that could fetch an image
            here.kubectl("rollout", "status", "deployment/support-bot", "--timeout=90s", timeout=100)
            continue
        said[line] = here(*words, timeout=300)
        if words[0] == "adopt":
            eventually(lambda: here.agents()["support-bot"]["phase"] == "Running")
        elif words[0] == "propose":
            eventually(lambda: replicas(far) == 2)

    assert [line for line in lines if line.startswith("kgents")] == list(said)
    assert "scaled 1→2" in said["kgents why support-bot"]
    assert replicas(far) == 2
    assert "kgents" not in far.kubectl("get", "customresourcedefinitions,namespaces,clusterroles", "-o", "name")
    assert here.processes() == {}
