"""A hive whose operators and Cortex run in the cluster: the manifests themselves, run by a real node."""

from __future__ import annotations

import copy
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from kgents.embedded.runtime.stopping import stop_pods
from tests.support import cluster, image
from tests.support.cluster import Cluster
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(400)
OURS = "kgents-system"
EVERYTHING = (
    "customresourcedefinitions,namespaces,clusterroles,clusterrolebindings,validatingadmissionpolicies,"
    "validatingadmissionpolicybindings,validatingwebhookconfigurations"
)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("far")
    running = cluster.start(directory, "77.41", image.make(directory / "image"))
    yield running
    running.stop()
    stop_pods(directory / "node")


@pytest.fixture(scope="module")
def here(far: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("here"))
    far.write_kubeconfig(machine.kubeconfig, "root", current="far/root")
    yield machine
    machine("infra", "delete", "--yes", "--if-exists", "--name", "far")


@pytest.fixture(scope="module")
def hive(here: Machine) -> Machine:
    """The machine after init: it worked the hive itself at first."""
    here("infra", "init", "--context", "far/root", "--name", "far")
    here("infra", "init", "--context", "far/root", "--name", "far", "--in-cluster", "--timeout", "100", timeout=200)
    return here


def of_kgents(far: Cluster) -> list[str]:
    names = far.kubectl("get", EVERYTHING, "-o", "name").split()
    return [name for name in names if "kgents" in name]


def pods(far: Cluster, name: str) -> list[dict[str, Any]]:
    found = far.kubectl.json("get", "pods", "-n", OURS, "-l", f"app.kubernetes.io/name={name}")["items"]
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def told(pod: dict[str, Any], port: int, path: str) -> str:
    """What it answers; while it does not, a reason to look again."""
    try:
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}:{port}{path}", timeout=20) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())
    except OSError as error:
        raise AssertionError(f"{pod['metadata']['name']} does not answer: {error}") from error


def leads(pod: dict[str, Any]) -> bool:
    return "\nkgents_leading 1.0" in told(pod, 9090, "/metrics")


def holder(far: Cluster) -> str:
    return str(far.kubectl.json("get", "lease", "-n", OURS, "kgents-operators")["spec"]["holderIdentity"])


def process_of(far: Cluster, pod: dict[str, Any]) -> int:
    """The pid of the container's program, on this machine."""
    attempts = (far.api.dir.parent / "node" / "pods" / pod["metadata"]["uid"] / "containers").glob("*/*/state.json")
    latest = max(attempts, key=lambda path: int(path.parent.name))
    return int(json.loads(latest.read_bytes())["pid"])


def test_a_dry_run_prints_what_it_would_apply_and_sends_nothing(here: Machine, far: Cluster) -> None:
    text = here("infra", "init", "--context", "far/root", "--in-cluster", "--dry-run", "--image-registry", "r.example")

    objects = [one for one in yaml.safe_load_all(text) if one]
    kinds = [one["kind"] for one in objects]
    assert kinds[:6] == ["Namespace", *["CustomResourceDefinition"] * 5]
    assert {"Deployment", "PodDisruptionBudget", "ValidatingWebhookConfiguration", "Secret"} <= set(kinds)
    assert "r.example/operators:" in text and "ghcr.io" not in text
    assert of_kgents(far) == []


def test_all_of_it_comes_up_and_says_how_long_each_step_took(hive: Machine, far: Cluster) -> None:
    done = hive.run("infra", "init", "--context", "far/root", "--in-cluster")

    assert done.returncode == 0, done.stderr
    assert "of the hive: unchanged (" in done.stderr
    assert "operators and Cortex: unchanged (" in done.stderr
    assert "are up (0." in done.stderr
    assert hive.run("infra", "start").returncode == 2
    assert "logs deploy/kgents-operators" in hive.run("infra", "logs").stderr


def test_nothing_of_it_is_kept_running_here_any_more(hive: Machine) -> None:
    commands = " ".join(hive.processes().values())

    assert "kgents.infra.supervisor" not in commands
    assert "operators" not in commands.replace("kgents-operators", "")


def test_it_is_found_well_and_what_is_not_has_its_fix_there(hive: Machine, far: Cluster) -> None:
    done = hive.run("infra", "verify")

    assert done.returncode == 0, done.stdout
    assert "kgents-operators: 2 of 2 pods are available" in done.stdout
    assert "a canary became ready, reacted to a signal" in done.stdout
    far.kubectl("delete", "deployment", "-n", OURS, "kgents-cortex")
    told = hive.run("infra", "verify", "--no-canary").stdout
    assert "✖ The Deployment kgents-cortex is missing" in told
    assert "fix: kgents infra init --context far/root --in-cluster" in told
    hive("infra", "init", "--context", "far/root", "--in-cluster", "--timeout", "100", timeout=200)
    assert hive.run("infra", "verify", "--no-canary").returncode == 0


def test_without_saying_so_again_it_stays_in_the_cluster(hive: Machine, far: Cluster) -> None:
    said = hive.run("infra", "init", "--context", "far/root").stderr

    assert "operators and Cortex: unchanged" in said
    assert hive.json("infra", "status")["item"]["hive"]["state"] == "in the cluster"


def test_what_was_printed_is_what_is_there(hive: Machine, far: Cluster) -> None:
    text = hive("infra", "init", "--context", "far/root", "--in-cluster", "--dry-run")
    objects = [one for one in yaml.safe_load_all(text) if one and one.get("data") != {}]
    before = far.kubectl("get", EVERYTHING, "-o", "jsonpath={.items[*].metadata.resourceVersion}")

    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    far.kubectl("apply", "--server-side", "--field-manager=kgents-infra", "-f", "-", input=listed)

    assert far.kubectl("get", EVERYTHING, "-o", "jsonpath={.items[*].metadata.resourceVersion}") == before


def test_everybody_is_healthy_and_one_leads(hive: Machine, far: Cluster) -> None:
    operators = pods(far, "kgents-operators")

    assert [told(pod, 8081, "/readyz") for pod in (*operators, *pods(far, "kgents-cortex"))] == ["ok\n"] * 3
    assert sorted(leads(pod) for pod in operators) == [False, True]
    leader = next(pod for pod in operators if leads(pod))
    assert 'kgents_queue_depth{controller="agent"}' in told(leader, 9090, "/metrics")


def test_t_gent_is_asked_where_the_leader_is_and_blocks_nobody_but_agents(hive: Machine, far: Cluster) -> None:
    leader = next(pod for pod in pods(far, "kgents-operators") if leads(pod))

    hooks = far.kubectl.json("get", "validatingwebhookconfiguration", "kgents-tgent")["webhooks"]

    assert all(f"https://{leader['status']['podIP']}:9443/" in hook["clientConfig"]["url"] for hook in hooks)
    assert {hook["name"].split(".")[0]: hook["failurePolicy"] for hook in hooks} == {
        "proposals": "Fail",
        "pheromones": "Ignore",
    }
    assert all(hook["matchConditions"][0]["name"] == "by-an-agent" for hook in hooks)


def test_an_agents_proposal_passes_t_gent_in_the_cluster(hive: Machine, far: Cluster) -> None:
    hive("run", "asker", "--image", "any", "--", "sleep", "1000")
    who = "--as=system:serviceaccount:default:asker"
    spec = {
        "target": {"apiVersion": "kgents.io/v1", "kind": "Agent", "name": "asker"},
        "patch": {"type": "Merge", "content": {"spec": {"replicas": 2}}},
        "reason": "more",
        "proposer": "system:serviceaccount:default:asker",
    }
    proposal = {"apiVersion": "kgents.io/v1", "kind": "Proposal", "metadata": {"name": "more"}, "spec": spec}

    far.kubectl("create", who, "-f", "-", input=json.dumps(proposal))

    leader = next(pod for pod in pods(far, "kgents-operators") if leads(pod))
    assert 'kgents_work_total{name="proposals",outcome="ok",what="review"}' in told(leader, 9090, "/metrics")
    eventually(lambda: far.kubectl.json("get", "proposal", "more").get("status", {}).get("phase"))


def test_the_leader_is_killed_the_other_takes_over_and_nothing_is_done_twice(hive: Machine, far: Cluster) -> None:
    agent = {
        "apiVersion": "kgents.io/v1",
        "kind": "Agent",
        "metadata": {"name": "crier"},
        "spec": {
            "image": "any",
            "command": ["sh", "-c", "echo alarm one; while :; do sleep 1; done"],
            "signals": [{"match": "alarm (?P<which>\\w+)", "type": "WARNING", "payload": "{which}", "halfLife": "1h"}],
        },
    }
    far.kubectl("apply", "-f", "-", input=json.dumps(agent))

    def cries() -> list[str]:
        found = far.kubectl.json("get", "pheromones")["items"]
        return [one["metadata"]["name"] for one in found if one["spec"].get("source") == "crier"]

    def children() -> list[tuple[str, str, int]]:
        found = far.kubectl.json("get", "deployment,replicaset,sa,configmap,role", "-l", "kgents.io/agent=crier")[
            "items"
        ]
        return sorted((one["kind"], one["metadata"]["uid"], one["metadata"].get("generation", 0)) for one in found)

    first = eventually(cries)
    eventually(lambda: hive.agents()["crier"]["phase"] == "Running")
    made = children()
    before, leader = holder(far), next(pod for pod in pods(far, "kgents-operators") if leads(pod))
    os.kill(process_of(far, leader), signal.SIGKILL)
    eventually(lambda: holder(far) not in ("", before), timeout=120)
    eventually(lambda: [leads(pod) for pod in pods(far, "kgents-operators")].count(True) == 1, timeout=120)
    eventually(lambda: [told(pod, 8081, "/readyz") for pod in pods(far, "kgents-operators")] == ["ok\n"] * 2)

    hive("run", "later", "--image", "any", "--", "sleep", "1000")

    assert hive.agents()["later"]["phase"] == "Running"
    assert cries() == first
    assert children() == made


def test_cortex_answers_in_the_cluster_over_tls_as_whoever_asks(hive: Machine, far: Cluster) -> None:
    (cortex,) = pods(far, "kgents-cortex")
    far.kubectl("create", "serviceaccount", "ann")
    far.kubectl("create", "clusterrole", "ann", "--verb=get,list", "--resource=agents.kgents.io")
    far.kubectl("create", "clusterrolebinding", "ann", "--clusterrole=ann", "--serviceaccount=default:ann")
    machine = Machine(hive.root / "ann", {"KGENTS_NO_DAEMON": "1"})
    machine.root.mkdir()
    far.write(machine.kubeconfig, [{"name": "ann", "user": {"token": far.kubectl("create", "token", "ann").strip()}}])

    told = machine.json("--cortex", f"{cortex['status']['podIP']}:7443", "status", "--context", "far/ann")
    refused = machine.run("--cortex", f"{cortex['status']['podIP']}:7443", "proposals", "--context", "far/ann")

    assert told["source"]["layer"] == "cortex"
    assert refused.returncode == 4


def test_cortex_sees_the_hive_with_the_rights_it_was_given(hive: Machine, far: Cluster) -> None:
    (cortex,) = pods(far, "kgents-cortex")

    log = far.kubectl("logs", "-n", OURS, cortex["metadata"]["name"])

    assert "forbidden" not in log.lower()
    assert far.kubectl.json("get", "secret", "-n", OURS, "kgents-cortex-tls")["data"].keys() == {
        "ca.crt",
        "tls.crt",
        "tls.key",
    }


def test_the_operators_lack_no_right(hive: Machine, far: Cluster) -> None:
    for pod in pods(far, "kgents-operators"):
        assert "forbidden" not in far.kubectl("logs", "-n", OURS, pod["metadata"]["name"]).lower()


def test_kinds_that_would_lose_something_are_not_replaced(hive: Machine, far: Cluster) -> None:
    crd = far.kubectl.json("get", "crd", "umwelts.kgents.io")
    before = copy.deepcopy(crd["spec"])
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["mood"] = {
        "type": "string"
    }
    far.kubectl("replace", "-f", "-", input=json.dumps(crd))

    done = hive.run("infra", "init", "--context", "far/root")
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "umwelts.kgents.io: v1.spec.mood is removed" in done.stderr
    assert "--force" in done.stderr
    removed = [line[1:].strip() for line in hive("infra", "crd", "diff").splitlines() if line.startswith("-  ")]
    assert removed == ["mood:", "type: string"]
    states = {row["name"]: row["state"] for row in hive.json("infra", "crd", "list")["items"]}
    assert states["umwelts.kgents.io"] == "differs" and set(states.values()) == {"same", "differs"}

    hive("infra", "crd", "apply", "--force", "--force-conflicts")
    assert far.kubectl.json("get", "crd", "umwelts.kgents.io")["spec"] == before
    assert hive("infra", "crd", "diff") == ""


def test_delete_says_what_goes_and_leaves_nothing(hive: Machine, far: Cluster) -> None:
    hive("signal", "emit", "DREAM")
    asked = hive.run("infra", "delete", "--name", "far")
    assert (asked.returncode, "pheromones: " in asked.stderr) == (2, True)

    hive("infra", "delete", "--yes", "--name", "far")

    assert of_kgents(far) == []
