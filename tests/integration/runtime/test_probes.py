"""Readiness, liveness and startup, as the kubelet would see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.runtime.hive import Node, condition, container, waiting
from tests.support.waiting import eventually

_SERVE = 'exec python3 -m http.server "$PORT" --bind "$POD_IP"'
_FAST: dict[str, object] = {"periodSeconds": 1, "failureThreshold": 1}


@pytest.mark.parametrize(
    "probe",
    [{"httpGet": {"path": "/", "port": "web"}}, {"tcpSocket": {"port": 8080}}, {"exec": {"command": ["true"]}}],
    ids=["http", "tcp", "exec"],
)
def test_a_probe_that_succeeds_makes_it_ready(node: Node, probe: dict[str, object]) -> None:
    ports = [{"containerPort": 8080, "name": "web"}]
    node.ready(node.run(_SERVE, ports=ports, readinessProbe=probe, livenessProbe=probe, startupProbe=probe))


@pytest.mark.parametrize(
    "probe",
    [{"httpGet": {"path": "/none", "port": 8080}}, {"tcpSocket": {"port": 8081}}, {"exec": {"command": ["false"]}}],
    ids=["http", "tcp", "exec"],
)
def test_a_probe_that_fails_keeps_it_unready_and_running(node: Node, probe: dict[str, object]) -> None:
    name = node.run(_SERVE, ports=[{"containerPort": 8080}], readinessProbe=probe)
    pod = node.until(name, lambda pod: pod if "running" in container(pod)["state"] else None)
    assert condition(pod, "Ready") == "False"


def test_readiness_comes_and_goes_with_what_the_probe_sees(node: Node, tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    probe = {"exec": {"command": ["test", "-e", str(mark)]}, **_FAST}
    name = node.run("sleep 1000", readinessProbe=probe, workingDir=str(tmp_path))
    node.until(name, lambda pod: condition(pod, "Ready") == "False")
    mark.touch()
    node.ready(name)
    mark.unlink()
    pod = node.until(name, lambda pod: pod if condition(pod, "Ready") == "False" else None)
    assert container(pod)["restartCount"] == 0


def test_a_sick_container_is_restarted_and_told(node: Node, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    mark.touch()
    probe = {"exec": {"command": ["test", "-e", str(mark)]}, **_FAST}
    name = node.run("exec sleep 1000", livenessProbe=probe, workingDir=str(tmp_path))
    node.ready(name)
    mark.unlink()
    node.until(name, lambda pod: container(pod)["restartCount"] >= 1)
    eventually(lambda: "Liveness probe failed" in node.events(name))


def test_startup_holds_the_other_probes_back(node: Node, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    startup = {"exec": {"command": ["test", "-e", str(mark)]}, "periodSeconds": 1, "failureThreshold": 100}
    live = {"exec": {"command": ["test", "-e", str(mark)]}, **_FAST}
    name = node.run("sleep 1000", startupProbe=startup, livenessProbe=live, workingDir=str(tmp_path))
    pod = node.until(name, lambda pod: pod if "running" in container(pod)["state"] else None)
    assert container(pod)["started"] is False
    mark.touch()
    pod = node.ready(name)
    assert (container(pod)["started"], container(pod)["restartCount"]) == (True, 0)


def test_a_startup_that_never_succeeds_ends_in_a_crash_loop(node: Node) -> None:
    probe = {"exec": {"command": ["false"]}, **_FAST}
    name = node.run("exec sleep 1000", startupProbe=probe)
    node.until(name, lambda pod: waiting(pod) == "CrashLoopBackOff")


def test_an_exec_probe_sees_the_mounts_and_the_environment_of_its_container(node: Node) -> None:
    check = 'test "$WORD" = yes && test -e /probe-of-kgents/mark'
    mounts = [{"name": "v", "mountPath": "/probe-of-kgents"}]
    main: dict[str, object] = {
        "name": "main",
        "image": "none",
        "env": [{"name": "WORD", "value": "yes"}],
        "volumeMounts": mounts,
    }
    main |= {"command": ["sh", "-c", "touch /probe-of-kgents/mark; sleep 1000"]}
    main |= {"readinessProbe": {"exec": {"command": ["sh", "-c", check]}}}
    node.ready(node.run(spec={"containers": [main], "volumes": [{"name": "v", "emptyDir": {}}]}))


def test_a_probe_that_hangs_is_a_failure(node: Node) -> None:
    probe = {"exec": {"command": ["sleep", "1000"]}, "timeoutSeconds": 1, **_FAST}
    name = node.run("exec sleep 1000", livenessProbe=probe)
    node.until(name, lambda pod: container(pod)["restartCount"] >= 1)
    eventually(lambda: "it timed out" in node.events(name))
