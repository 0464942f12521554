"""A hive in a cluster that is not ours: reached through a foreign kubeconfig alone."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgents.embedded.runtime.stopping import stop_pods
from tests.support import cluster
from tests.support.cluster import Cluster
from tests.support.kubectl import Kubectl
from tests.support.machine import Machine
from tests.support.waiting import eventually

INSTALLER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "kgents-installer"},
    "rules": [
        {"apiGroups": [group], "resources": resources, "verbs": verbs}
        for group, resources, verbs in (
            ("apiextensions.k8s.io", ["customresourcedefinitions"], ["get", "create", "patch", "delete"]),
            ("rbac.authorization.k8s.io", ["*"], ["get", "create", "patch", "delete", "bind", "escalate"]),
            ("admissionregistration.k8s.io", ["*"], ["get", "create", "patch", "delete"]),
            ("", ["namespaces", "serviceaccounts", "configmaps"], ["get", "create", "patch", "delete"]),
            ("", ["serviceaccounts/token"], ["create"]),
            ("", ["pods", "pods/log", "events"], ["get", "list", "watch"]),
            ("kgents.io", ["*"], ["*"]),
        )
    ],
}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Somebody's cluster."""
    directory = tmp_path_factory.mktemp("far")
    running = cluster.start(directory, "77.40")
    yield running
    running.stop()
    stop_pods(directory / "node")


@pytest.fixture
def here(far: Cluster, tmp_path: Path) -> Iterator[Machine]:
    """A machine whose kubeconfig leads to that cluster; at the end the cluster is as it was."""
    machine = Machine(tmp_path)
    far.write_kubeconfig(machine.kubeconfig, "root", "carol", "dave", current="far/carol")
    yield machine
    machine.clear()
    assert of_kgents(far) == []


@pytest.fixture
def hive(here: Machine) -> Machine:
    """The machine after init."""
    here("infra", "init", "--context", "far/root", "--name", "far")
    return here


def of_kgents(far: Cluster) -> list[str]:
    """What there is of kgents in the cluster."""
    kinds = "customresourcedefinitions,namespaces,clusterroles,clusterrolebindings,validatingadmissionpolicies"
    names = far.kubectl("get", kinds, "-o", "name").split()
    return [name for name in names if "kgents" in name and "installer" not in name]


def condition(far: Cluster, agent: str, kind: str) -> Any:
    """One condition of an agent, {} while there is none."""
    status = far.kubectl.json("get", "agent", agent).get("status", {})
    return next((one for one in status.get("conditions", []) if one["type"] == kind), {})


def test_an_unknown_context_is_a_usage_error_that_lists_the_known_ones(here: Machine) -> None:
    done = here.run("infra", "init", "--context", "nowhere")

    assert done.returncode == 2
    assert all(name in done.stderr for name in ("nowhere", "far/root", "far/carol", "gone"))
    assert len(done.stderr.splitlines()) == 1


def test_an_unreachable_cluster_is_one_line_and_leaves_nothing(here: Machine) -> None:
    done = here.run("infra", "init", "--context", "gone")

    assert (done.returncode, len(done.stderr.splitlines())) == (5, 1)
    assert not list(here.home.glob("hives/*"))


def test_missing_rights_are_named_before_anything_is_changed(here: Machine, far: Cluster) -> None:
    done = here.run("infra", "init", "--context", "far/carol")

    assert done.returncode == 4
    assert "customresourcedefinitions.apiextensions.k8s.io" in done.stderr
    assert "serviceaccounts/token in kgents-system" in done.stderr
    assert of_kgents(far) == []


def test_somebody_with_the_rights_it_names_and_no_more_can_do_it(here: Machine, far: Cluster) -> None:
    far.kubectl("apply", "-f", "-", input=json.dumps(INSTALLER))
    far.kubectl("create", "clusterrolebinding", "kgents-installer", "--clusterrole=kgents-installer", "--user=dave")

    here("infra", "init", "--context", "far/dave")

    assert here.json("status")["source"]["layer"] == "cortex"


def test_it_is_found_well(hive: Machine) -> None:
    done = hive.run("infra", "verify", "--name", "far")

    assert done.returncode == 0, done.stdout
    assert "no webhook is registered, as it should be" in done.stdout
    assert "a canary became ready, reacted to a signal" in done.stdout


def test_doing_it_again_changes_nothing(hive: Machine, far: Cluster) -> None:
    before = far.kubectl("get", "crd,clusterrole,ns", "-o", "jsonpath={.items[*].metadata.resourceVersion}")

    done = hive.run("infra", "init", "--context", "far/root")

    assert (done.returncode, "of the hive: unchanged" in done.stderr) == (0, True)
    assert far.kubectl("get", "crd,clusterrole,ns", "-o", "jsonpath={.items[*].metadata.resourceVersion}") == before


def test_no_webhook_is_registered_and_it_says_so(here: Machine, far: Cluster) -> None:
    done = here.run("infra", "init", "--context", "far/root")

    assert "no webhook" in done.stderr
    assert "kgents" not in far.kubectl("get", "validatingwebhookconfigurations,mutatingwebhookconfigurations")


def test_a_program_with_an_image_runs_there(hive: Machine) -> None:
    hive("run", "speaker", "--image", "any", "--", "sh", "-c", "echo hello; exec sleep 1000")

    assert hive.agents()["speaker"]["phase"] == "Running"
    eventually(lambda: "hello" in hive("logs", "speaker"))


def test_a_program_without_an_image_is_refused_here(hive: Machine) -> None:
    done = hive.run("run", "speaker", "--", "sleep", "1000")

    assert done.returncode == 2
    assert "--image" in done.stderr


def test_an_agent_without_an_image_is_told_why_it_does_not_run(hive: Machine, far: Cluster) -> None:
    agent = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": "bare"}, "spec": {"command": ["x"]}}
    far.kubectl("apply", "-f", "-", input=json.dumps(agent))

    eventually(lambda: condition(far, "bare", "Ready").get("reason") == "ImageNeeded")

    assert hive.agents()["bare"]["phase"] == "Failed"
    assert far.kubectl("get", "deployment,pod", "-o", "name") == ""


def test_the_operators_act_as_their_own_account(hive: Machine, far: Cluster) -> None:
    own = (hive.home / "hives" / "far" / "operators.token").read_text()
    theirs = hive.root / "theirs"
    far.write(theirs, [{"name": "operators", "user": {"token": own}}], current="far/operators")

    told = Kubectl(theirs)("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")

    assert told == "system:serviceaccount:kgents-system:kgents-operators"


def test_what_runs_here_is_kept_alive(hive: Machine) -> None:
    def pid(name: str) -> Any:
        processes = hive.json("infra", "status")["item"]["hive"]["processes"]
        return next((one["pid"] for one in processes if one["name"] == name), None)

    first = eventually(lambda: pid("operators"))
    os.kill(first, signal.SIGKILL)

    eventually(lambda: pid("operators") not in (None, first))


def test_infra_commands_follow_the_current_context(hive: Machine) -> None:
    item = hive.json("infra", "status")["item"]
    assert (item["hive"]["name"], item["context"]) == ("far", "far/root")
    assert [part["name"] for part in item["components"] if part["version"]] == ["apiserver", "cortex"]

    hive("infra", "stop")
    assert hive.json("infra", "status")["item"]["hive"]["state"] == "stopped"
    hive("infra", "start")

    assert hive.json("infra", "status")["item"]["hive"]["state"] == "running"
    assert hive("infra", "kubeconfig").strip() == str(hive.kubeconfig)
    eventually(lambda: "operators" in hive("infra", "logs"))


def test_delete_leaves_what_was_there_before(here: Machine, far: Cluster) -> None:
    far.kubectl("create", "namespace", "kgents-system")
    here("infra", "init", "--context", "far/root")

    here("infra", "delete", "--yes")

    assert of_kgents(far) == ["namespace/kgents-system"]
    far.kubectl("delete", "namespace", "kgents-system")


def test_delete_asks_and_says_what_goes_with_it(hive: Machine) -> None:
    hive("signal", "emit", "WARNING")

    done = hive.run("infra", "delete")

    assert done.returncode == 2
    assert "pheromones: 1" in done.stderr


def test_a_hive_can_be_forgotten_while_its_cluster_is_away(hive: Machine, far: Cluster) -> None:
    config = yaml.safe_load(hive.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    hive.kubeconfig.write_text(json.dumps(config))

    done = hive.run("infra", "delete", "--yes", "--name", "far")
    assert (done.returncode, "--keep-cluster" in done.stderr) == (1, True)

    hive("infra", "delete", "--yes", "--name", "far", "--keep-cluster")
    assert not list(hive.home.glob("hives/*"))
    far.write_kubeconfig(hive.kubeconfig, "root")
    assert of_kgents(far)
    clean(far)


def test_fields_that_others_manage_are_not_fought_over(here: Machine, far: Cluster) -> None:
    theirs = {**INSTALLER, "metadata": {"name": "kgents-operators"}, "rules": []}
    far.kubectl("apply", "--server-side", "--field-manager=argocd", "-f", "-", input=json.dumps(theirs))

    done = here.run("infra", "init", "--context", "far/root")

    assert done.returncode == 1
    assert all(word in done.stderr for word in ("argocd", ".rules", "--force-conflicts"))
    assert of_kgents(far) == ["clusterrole.rbac.authorization.k8s.io/kgents-operators"]
    far.kubectl("delete", "clusterrole", "kgents-operators")


def test_programs_that_log_in_are_run(here: Machine, far: Cluster) -> None:
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    plugin = here.root / "login.py"
    plugin.write_text(f"print({json.dumps({**credential, 'status': {'token': far.api.token}})!r})")
    login = {"apiVersion": credential["apiVersion"], "command": sys.executable, "args": [str(plugin)]}
    far.write(here.kubeconfig, [{"name": "cloud", "user": {"exec": {**login, "interactiveMode": "Never"}}}])

    here("infra", "init", "--context", "far/cloud")

    assert here.json("status")["source"]["layer"] == "cortex"
    eventually(lambda: (here.home / "hives" / "far-cloud" / "operators.token").exists())


def test_of_two_machines_one_works_and_the_other_takes_over(hive: Machine, far: Cluster, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other")
    other.root.mkdir()
    far.write_kubeconfig(other.kubeconfig, "root")
    said = other.run("infra", "init", "--context", "far/root").stderr
    assert "of the hive: unchanged" in said

    eventually(lambda: "leads; waiting" in other("infra", "logs", "operators"))
    hive("infra", "stop")
    agent = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": "bare"}, "spec": {"command": ["x"]}}
    far.kubectl("apply", "-f", "-", input=json.dumps(agent))
    eventually(lambda: condition(far, "bare", "Ready").get("reason") == "ImageNeeded")

    other("infra", "delete", "--yes")
    assert "customresourcedefinition.apiextensions.k8s.io/agents.kgents.io" in of_kgents(far)


def test_two_hives_side_by_side_leave_each_other_alone(hive: Machine) -> None:
    hive("infra", "init", "--name", "near")
    hive("signal", "emit", "DREAM", "--context", "kgents-near")
    hive("signal", "emit", "TEST", "--context", "far/root")

    types = [hive.json("observe", "--context", name)["items"] for name in ("kgents-near", "far/root")]
    assert [[row["type"] for row in rows] for rows in types] == [["DREAM"], ["TEST"]]

    hive("infra", "delete", "--yes", "--name", "near")
    assert hive.json("infra", "status", "--name", "far")["item"]["hive"]["state"] == "running"
    assert hive.json("observe", "--context", "far/root")["source"]["layer"] == "cortex"


def clean(far: Cluster) -> None:
    """Takes out what a forgotten hive has left."""
    for name in of_kgents(far):
        far.kubectl("delete", name)


def test_a_kind_cluster_is_made_for_a_hive_and_goes_with_it(here: Machine, far: Cluster) -> None:
    tools, told = here.root / "tools", here.root / "told"
    tools.mkdir()
    config = yaml.safe_load(here.kubeconfig.read_text())
    config["contexts"] = [{**one, "name": "kind-den"} for one in config["contexts"] if one["name"] == "far/root"]
    (tools / "made").write_text(json.dumps(config))
    (tools / "kind").write_text(
        f'#!/bin/sh\necho "$@" >> {told}\n[ "$1" != create ] || cat {tools / "made"} > "$KUBECONFIG"\n'
    )
    (tools / "kind").chmod(0o755)
    machine = Machine(here.root, {"PATH": f"{tools}{os.pathsep}{here.environment['PATH']}"})

    machine("infra", "init", "--kind", "--name", "den")
    assert machine.json("infra", "status")["item"]["context"] == "kind-den"
    asked = machine.run("infra", "delete")
    assert (asked.returncode, "all of the kind cluster den" in asked.stderr) == (2, True)
    machine("infra", "delete", "--yes")

    assert told.read_text().splitlines() == [
        "get clusters",
        "create cluster --name den --wait 60s",
        "delete cluster --name den",
    ]
    clean(far)


def test_a_dry_run_sends_nothing(here: Machine, far: Cluster) -> None:
    text = here("infra", "init", "--context", "far/root", "--dry-run", "-n", "agents")

    kinds = [one["kind"] for one in yaml.safe_load_all(text) if one]
    assert (kinds.count("CustomResourceDefinition"), kinds.count("Deployment")) == (5, 0)
    assert of_kgents(far) == [] and not list(here.home.glob("hives/*"))


@pytest.mark.parametrize(
    "words",
    [
        ["--in-cluster"],
        ["--dry-run"],
        ["--context", "far/root", "--image-registry", "x"],
        ["--context", "far/root", "--kind"],
        ["--kind", "--api-only"],
    ],
)
def test_what_does_not_go_together_is_told(here: Machine, words: list[str]) -> None:
    done = here.run("infra", "init", *words)

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
