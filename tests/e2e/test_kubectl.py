"""kubectl against a whole hive: rollouts, logs, jobs, nodes and deletions, as on any cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest

from tests.support.kubectl import Kubectl
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
SERVE = (
    "import http.server, os; print('up', flush=True); "
    "http.server.HTTPServer((os.environ['POD_IP'], 8080), http.server.SimpleHTTPRequestHandler).serve_forever()"
)
Run = Callable[..., str]


@pytest.fixture(scope="module")
def kubectl(machine: Machine) -> Kubectl:
    """kubectl on a hive without agents."""
    machine("infra", "init")
    return machine.kubectl


@pytest.fixture(scope="module")
def k(kubectl: Kubectl) -> Run:
    """Command lines, split at spaces; further arguments as they are."""

    def run(line: str, *more: str) -> str:
        return kubectl(*line.split(), *more, timeout=120)

    return run


@pytest.fixture(scope="module")
def web(k: Run) -> Iterator[str]:
    """A Deployment of two that is up, with a Service."""
    k("create deployment web --image=kgents --replicas=2 --port=8080 --", "python3", "-c", SERVE)
    k("expose deployment web")
    assert 'deployment "web" successfully rolled out' in k("rollout status deployment/web --timeout=90s")
    yield "deployment/web"
    k("delete deployment/web service/web --ignore-not-found")


def test_a_change_rolls_out_is_remembered_and_undone(k: Run, web: str) -> None:
    k(f"annotate {web} kubernetes.io/change-cause=first")
    k(f"set env {web} COLOUR=blue")
    k(f"rollout status {web} --timeout=90s")
    assert re.search(r"REVISION +CHANGE-CAUSE\n1 +\S+\n2 +\S+\n", k(f"rollout history {web}"))
    assert re.search(r"COLOUR:\s+blue", k(f"rollout history {web} --revision=2"))
    assert k(f"rollout undo {web}") == "deployment.apps/web rolled back\n"
    k(f"rollout status {web} --timeout=90s")
    assert k(f"get {web} -o jsonpath={{.spec.template.spec.containers[0].env}}") == ""


def test_a_restart_brings_new_pods(k: Run, web: str) -> None:
    before = set(k("get pods -l app=web -o name").split())
    k(f"rollout restart {web}")
    k(f"rollout status {web} --timeout=90s")
    eventually(lambda: not before & set(k("get pods -l app=web -o name").split()))


def test_a_paused_rollout_is_not_undone(kubectl: Kubectl, k: Run, web: str) -> None:
    k(f"rollout pause {web}")
    assert "you cannot rollback a paused deployment" in kubectl.run("rollout", "undo", web).stderr
    assert k(f"rollout resume {web}") == "deployment.apps/web resumed\n"


def test_logs_come_from_one_pod_and_from_all(k: Run, web: str) -> None:
    k("wait --for=condition=Ready pod -l app=web --timeout=60s")
    assert eventually(lambda: k("logs -l app=web --prefix --tail=1").count("] up\n") == 2)
    assert k(f"logs {web} --tail=1").endswith("up\n")
    assert re.search(r"^\d{4}-\d\d-\d\dT\S+Z up$", k(f"logs {web} --timestamps --since=1h"), re.M)


def test_what_describe_says_fits_together(k: Run, web: str) -> None:
    described = k(f"describe {web}")
    assert re.search(r"Replicas: +2 desired \| 2 updated \| 2 total \| 2 available", described)
    assert "ScalingReplicaSet" in described
    assert re.search(r"Endpoints: +127\S+:8080,127\S+:8080", k("describe service web"))
    assert re.search(r"Controlled By: +ReplicaSet/web-", k("describe pod -l app=web"))
    assert re.search(r"Ready +True", k("describe nodes"))


def test_what_runs_is_measured(k: Run, web: str) -> None:
    assert eventually(lambda: re.search(r"web-\S+ +\d+m +\d+Mi", k("top pods -l app=web --no-headers")))
    assert eventually(lambda: re.search(r"\S+ +\d+m +\d+% +\d+Mi", k("top nodes --no-headers")))


def test_a_job_completes_and_shows_it(k: Run) -> None:
    k("create job once --image=kgents --", "python3", "-c", "print('hello')")
    assert k("wait --for=condition=Complete job/once --timeout=90s") == "job.batch/once condition met\n"
    assert k("logs job/once") == "hello\n"
    assert re.search(r"once +Complete +1/1", k("get job once"))
    assert "SuccessfulCreate" in k("events --for job/once")
    k("delete job once")
    eventually(lambda: k("get pods -l job-name=once -o name") == "")


def test_a_node_is_drained_of_its_pods(k: Run) -> None:
    k("run alone --image=kgents --restart=Never --command --", "python3", "-c", "import time; time.sleep(600)")
    k("wait --for=jsonpath={.status.phase}=Running pod/alone --timeout=60s")
    node = k("get nodes -o name").strip().removeprefix("node/")
    said = k(f"drain {node} --ignore-daemonsets --force --delete-emptydir-data --pod-selector=run=alone --timeout=90s")
    assert "pod/alone evicted" in said and said.endswith(f"node/{node} drained\n")
    assert "Ready,SchedulingDisabled" in k("get nodes")
    k(f"uncordon {node}")


@pytest.mark.parametrize("verb", ["exec", "attach", "portforward"])
def test_what_a_hive_does_not_do_is_said(kubectl: Kubectl, k: Run, web: str, verb: str) -> None:
    pod = k("get pods -l app=web -o name").split()[0]
    lines = {"exec": f"exec {pod} -- ls", "attach": f"attach {pod}", "portforward": f"port-forward {pod} :8080"}
    done = kubectl.run(*lines[verb].split())
    assert done.returncode == 1
    assert f"pods/{verb} is not implemented by the embedded hive" in done.stderr


def test_a_deletion_takes_what_depends_on_it_or_leaves_it(k: Run) -> None:
    k("create deployment kept --image=kgents --", "python3", "-c", "import time; time.sleep(600)")
    k("rollout status deployment/kept --timeout=90s")
    k("delete deployment kept --cascade=orphan")
    (left,) = json.loads(k("get rs -l app=kept -o json"))["items"]
    assert "ownerReferences" not in left["metadata"]
    k("delete rs -l app=kept --cascade=foreground")
    assert k("get pods,rs -l app=kept -o name") == ""
