"""What a pod is told before it goes, and in which order it comes and goes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runtime.hive import Node, condition, container
from tests.support.waiting import eventually

Object = dict[str, Any]
_NOTE = "trap 'echo $NAME >> $NOTES; exit 0' TERM; echo up; while :; do sleep 0.05; done"


def noting(name: str, notes: Path, **more: Any) -> Object:
    """A container that writes down when it was asked to end."""
    env = [{"name": "NAME", "value": name}, {"name": "NOTES", "value": str(notes)}]
    return {
        "name": name,
        "image": "none",
        "command": ["sh", "-c", _NOTE],
        "env": env,
        "workingDir": str(notes.parent),
        **more,
    }


def hook(kind: str, script: str) -> Object:
    return {kind: {"exec": {"command": ["sh", "-c", script]}}}


def test_main_containers_end_first_then_sidecars_the_last_one_first(node: Node, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    sidecars = [noting(f"side{n}", notes, restartPolicy="Always") for n in (1, 2)]
    name = node.run(spec={"containers": [noting("main", notes)], "initContainers": sidecars})
    node.ready(name)
    for one in ("main", "side1", "side2"):
        node.said(name, "up", one)

    node.delete(name)

    assert node.gone(name)
    assert notes.read_text().split() == ["main", "side2", "side1"]


def test_pre_stop_comes_before_sigterm(node: Node, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    name = node.run(spec={"containers": [noting("main", notes, lifecycle=hook("preStop", "echo hook >> $NOTES"))]})
    node.ready(name)
    node.said(name, "up")

    node.delete(name)

    assert node.gone(name)
    assert notes.read_text().split() == ["hook", "main"]


def test_a_pre_stop_that_never_ends_lasts_as_long_as_the_grace(node: Node, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    main = noting("main", notes, lifecycle={"preStop": {"sleep": {"seconds": 1000}}})
    name = node.run(spec={"containers": [main], "terminationGracePeriodSeconds": 1})
    node.ready(name)
    node.said(name, "up")

    node.delete(name)

    assert node.gone(name)
    assert notes.read_text().split() == ["main"]


def test_force_asks_nobody(node: Node, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    name = node.run(spec={"containers": [noting("main", notes, lifecycle=hook("preStop", "echo hook >> $NOTES"))]})
    node.ready(name)
    folder = node.folder(name)

    node.delete(name, "--force", "--grace-period=0")

    assert eventually(lambda: not folder.exists())
    assert not notes.exists()


def test_the_next_container_waits_for_post_start(node: Node, tmp_path: Path) -> None:
    go = tmp_path / "go"
    first = noting("first", tmp_path / "notes", lifecycle=hook("postStart", f"until test -e {go}; do sleep 0.05; done"))
    name = node.run(spec={"containers": [first, noting("second", tmp_path / "notes")]})
    pod = node.until(name, lambda pod: pod if "running" in container(pod, "first")["state"] else None)
    assert "waiting" in container(pod, "second")["state"] and not container(pod, "first")["ready"]

    go.touch()

    assert node.ready(name)


def test_a_post_start_that_fails_ends_the_container_and_is_told(node: Node) -> None:
    name = node.run("exec sleep 1000", lifecycle=hook("postStart", "echo no >&2; exit 3"))

    node.until(name, lambda pod: container(pod)["restartCount"] >= 1)

    assert eventually(lambda: "FailedPostStartHook PostStartHook failed: exit code 3: no" in node.events(name))


def test_post_start_is_not_repeated_by_a_new_runtime(own_node: Node, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    name = own_node.run(
        "exec sleep 1000", workingDir=str(tmp_path), lifecycle=hook("postStart", f"echo started >> {notes}")
    )
    own_node.ready(name)

    own_node.kill()
    own_node.start()

    own_node.said(own_node.run("echo alive; sleep 1000"), "alive")
    assert condition(own_node.ready(name), "Ready") == "True" and notes.read_text().split() == ["started"]


def test_a_pod_that_runs_too_long_fails_as_a_whole(node: Node) -> None:
    name = node.run("exec sleep 1000", spec={"activeDeadlineSeconds": 1})

    pod = node.phase(name, "Failed")

    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert container(pod)["state"]["terminated"]["exitCode"] == 128 + signal.SIGTERM


def test_a_readiness_gate_is_waited_for(node: Node) -> None:
    name = node.run("exec sleep 1000", spec={"readinessGates": [{"conditionType": "example.com/lit"}]})
    pod = node.until(name, lambda pod: pod if condition(pod, "ContainersReady") == "True" else None)
    assert condition(pod, "Ready") == "False"

    lit = '{"status": {"conditions": [{"type": "example.com/lit", "status": "True"}]}}'
    node.kubectl("patch", "pod", name, "-n", node.namespace, "--subresource=status", "-p", lit)

    assert node.ready(name)


def test_the_last_state_of_a_pod_that_goes_is_told(node: Node) -> None:
    name = node.run("trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done")
    node.ready(name)
    node.said(name, "up")
    node.kubectl("patch", "pod", name, "-n", node.namespace, "-p", '{"metadata": {"finalizers": ["example.com/wait"]}}')

    node.delete(name)

    pod = node.phase(name, "Failed")
    assert container(pod)["state"]["terminated"]["exitCode"] == 7
    node.kubectl("patch", "pod", name, "-n", node.namespace, "-p", '{"metadata": {"finalizers": null}}')
    assert node.gone(name)


@pytest.mark.parametrize(("status", "is_ready"), [("SERVING", "True"), ("NOT_SERVING", "False")])
def test_a_grpc_probe_speaks_the_health_protocol(node: Node, status: str, is_ready: str) -> None:
    server = (
        "import grpc, os, time; from concurrent.futures import ThreadPoolExecutor as T;"
        "from grpc_health.v1 import health, health_pb2 as p, health_pb2_grpc as g;"
        "s = grpc.server(T(2)); h = health.HealthServicer(); g.add_HealthServicer_to_server(h, s);"
        f"h.set('mine', p.HealthCheckResponse.{status}); s.add_insecure_port(os.environ['POD_IP'] + ':8090');"
        "s.start(); print('up', flush=True); time.sleep(1000)"
    )
    probe = {"grpc": {"port": 8090, "service": "mine"}, "periodSeconds": 1, "timeoutSeconds": 10}
    name = node.run(command=[sys.executable, "-c", server], readinessProbe=probe)
    node.said(name, "up")
    node.until(name, lambda pod: condition(pod, "Ready") == is_ready)
