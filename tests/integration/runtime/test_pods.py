"""Pods run as processes: their environment, their phases, their end."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.integration.runtime.hive import Node, alive, condition, container, outside, pid_of, waiting
from tests.support.waiting import eventually

_TRAP = "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.1; done"
_DEAF = "trap '' TERM; sleep 1000 & echo child $!; echo up; while :; do sleep 0.1; done"


def test_a_pod_runs_and_is_ready_with_an_address_of_its_own(node: Node) -> None:
    pod = node.ready(node.run("sleep 1000"))
    assert pod["status"]["podIP"].startswith("127.78.")
    assert alive(pid_of(pod))


def test_the_environment_is_what_the_pod_says(node: Node) -> None:
    node.config_map("words", ONE="1", TWO="2")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hush"}, "stringData": {"KEY": "geheim"}}
    node.apply(secret)
    env = [
        {"name": "A", "value": "a"},
        {"name": "B", "value": "$(A)-$(P_ONE)-$$(A)-$(NONE)"},
        {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "TWO"}}},
        {"name": "HUSH", "valueFrom": {"secretKeyRef": {"name": "hush", "key": "KEY"}}},
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    source = [{"prefix": "P_", "configMapRef": {"name": "words"}}]
    limits = {"limits": {"memory": "64Mi"}}
    name = node.run("env; sleep 1000", env=env, envFrom=source, resources=limits, ports=[{"containerPort": 8123}])
    lines = node.said(name, "P_TWO=2").splitlines()
    address = node.pod(name)["status"]["podIP"]
    wanted = {"A=a", "B=a-1-$(A)-$(NONE)", "KEY=2", "HUSH=geheim", f"WHO={name}", f"IP={address}", "MEM=64"}
    assert {*wanted, "P_ONE=1", "PORT=8123", f"POD_IP={address}"} <= set(lines)


def test_services_are_told_and_the_runtimes_own_environment_is_not(node: Node) -> None:
    port = {"port": 80, "targetPort": 8080, "name": "http"}
    spec = {"selector": {"app": "nobody"}, "ports": [port]}
    node.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "oracle-of"}, "spec": spec})
    found = node.kubectl.json("get", "service", "oracle-of", "-n", node.namespace)
    log = node.said(node.run("env; sleep 1000"), "KUBERNETES_SERVICE_HOST")
    assert f"ORACLE_OF_SERVICE_HOST={found['spec']['clusterIP']}" in log
    assert "ORACLE_OF_SERVICE_PORT_HTTP=80" in log
    assert "SECRET_OF_HOST" not in log
    assert "KUBECONFIG" not in log


def test_arguments_are_expanded_and_the_working_directory_is_kept(node: Node, tmp_path: Path) -> None:
    command = ["sh", "-c", 'pwd; echo "$0"; sleep 1000']
    name = node.run(command=command, args=["<$(X)>"], env=[{"name": "X", "value": "x y"}], workingDir=str(tmp_path))
    assert f"{tmp_path}\n<x y>" in node.said(name, "<x y>")


def test_a_command_that_is_not_there_says_so(node: Node) -> None:
    name = node.run(command=["no-such-program"])
    pod = node.until(name, lambda pod: pod if waiting(pod) == "CommandNotFound" else None)
    assert "no-such-program” is not found in PATH" in container(pod)["state"]["waiting"]["message"]
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 127
    eventually(lambda: "no-such-program" in node.events(name))


def test_a_program_that_may_not_be_run_says_so(node: Node, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    name = node.run(command=[str(tmp_path / "plain")])
    pod = node.until(name, lambda pod: pod if waiting(pod) == "ContainerCannotRun" else None)
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 126


def test_no_command_at_all_says_so(node: Node) -> None:
    name = node.run(image="somebody/something")
    pod = node.until(name, lambda pod: pod if waiting(pod) == "NoCommand" else None)
    assert pod["status"]["phase"] == "Pending"
    eventually(lambda: "somebody/something" in node.events(name))


def test_a_working_directory_that_is_not_there_says_so(node: Node) -> None:
    name = node.run("true", workingDir="/no/such/place")
    node.until(name, lambda pod: waiting(pod) == "WorkingDirNotFound")
    eventually(lambda: "/no/such/place" in node.events(name))


def test_one_shot_pods_end_as_succeeded_or_failed(node: Node) -> None:
    good = node.run("exit 0", spec={**_never(["sh", "-c", "exit 0"])})
    bad = node.run("exit 3", spec={**_never(["sh", "-c", "exit 3"])})
    assert container(node.phase(good, "Succeeded"))["state"]["terminated"]["reason"] == "Completed"
    assert container(node.phase(bad, "Failed"))["state"]["terminated"]["exitCode"] == 3


def test_on_failure_runs_again_until_it_succeeds(node: Node, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = ["sh", "-c", f"test -e {mark} && exit 0; touch {mark}; exit 1"]
    spec = {**_never(script), "restartPolicy": "OnFailure"}
    spec["containers"][0]["workingDir"] = str(tmp_path)
    name = node.run("x", spec=spec)
    assert container(node.phase(name, "Succeeded"))["restartCount"] == 1


def test_deletion_asks_first_and_the_program_may_say_goodbye(node: Node) -> None:
    name = node.run(_TRAP)
    log = _log_file(node, name)
    with log.open() as kept:
        node.delete(name)
        assert node.gone(name)
        assert "asked" in kept.read()


def test_who_does_not_listen_is_killed_when_the_grace_is_over_with_its_children(node: Node) -> None:
    name = node.run(_DEAF)
    log = node.said(name, "up")
    pid = pid_of(node.ready(name))
    child = outside(pid, int(re.search(r"child (\d+)", log)[1]))  # type: ignore[index]
    node.delete(name, "--grace-period=1")
    assert node.gone(name)
    eventually(lambda: not alive(pid) and not alive(child))


def test_a_forced_deletion_ends_everything(node: Node) -> None:
    name = node.run(_DEAF)
    log = node.said(name, "up")
    pod = node.ready(name)
    child = outside(pid_of(pod), int(re.search(r"child (\d+)", log)[1]))  # type: ignore[index]
    folder = node.folder(name)
    node.delete(name, "--force", "--grace-period=0")
    eventually(lambda: not alive(pid_of(pod)) and not alive(child) and not folder.exists())


def test_a_second_deletion_shortens_the_grace(node: Node) -> None:
    name = node.run(_DEAF, spec={"terminationGracePeriodSeconds": 3600, **_never(["sh", "-c", _DEAF])})
    node.said(name, "up")
    node.delete(name)
    node.until(name, lambda pod: pod["metadata"].get("deletionTimestamp"))
    node.delete(name, "--grace-period=1")
    assert node.gone(name)


def test_init_containers_run_in_order_before_the_rest(node: Node, tmp_path: Path) -> None:
    out = tmp_path / "order"
    inits = [_named(n, f"echo {n} >> {out}") for n in ("one", "two")]
    spec = _pod(f"echo main >> {out}; sleep 1000", inits)
    for one in (*inits, *spec["containers"]):
        one["workingDir"] = str(tmp_path)
    node.ready(node.run("x", spec=spec))
    assert out.read_text().split() == ["one", "two", "main"]


def test_a_failing_init_container_keeps_the_others_waiting_and_never_means_failed(node: Node) -> None:
    inits = [_named("bad", "exit 4")]
    again = node.run("x", spec=_pod("sleep 1000", inits))
    pod = node.until(again, lambda pod: pod if container(pod, "bad")["restartCount"] > 1 else None)
    assert waiting(pod) == "PodInitializing"
    assert condition(pod, "Initialized") == "False"
    never = node.run("x", spec={**_pod("sleep 1000", inits), "restartPolicy": "Never"})
    node.phase(never, "Failed")


def test_a_sidecar_starts_first_and_ends_last(node: Node) -> None:
    sidecar = {**_named("side", "echo beside; sleep 1000"), "restartPolicy": "Always"}
    spec = {**_pod("exit 0", [sidecar]), "restartPolicy": "Never", "terminationGracePeriodSeconds": 1}
    name = node.run("x", spec=spec)
    node.phase(name, "Succeeded")
    assert "beside" in node.log_of(name, "side")
    assert (node.folder(name) / "containers" / "side" / "0" / "exit.json").exists()


def test_a_taken_port_names_its_holder(node: Node) -> None:
    serve = ["python3", "-m", "http.server", "28111", "--bind", "0.0.0.0"]
    probe = {"tcpSocket": {"port": 28111}}
    first = node.run(command=serve, ports=[{"containerPort": 28111}], readinessProbe=probe)
    node.ready(first)
    second = node.run(command=serve, ports=[{"containerPort": 28111}])
    pod = node.until(second, lambda pod: pod if condition(pod, "PortInUse") == "True" else None)
    assert f"{node.namespace}/{first}" in json.dumps(pod["status"]["conditions"])


def test_a_container_in_good_order_writes_nothing_more(node: Node) -> None:
    name = node.run("sleep 1000")
    version = node.ready(name)["metadata"]["resourceVersion"]
    node.config_map("unrelated", x="1")
    other = node.ready(node.run("sleep 1000"))
    assert other["metadata"]["resourceVersion"] != version
    assert node.pod(name)["metadata"]["resourceVersion"] == version


def _never(command: list[str]) -> dict[str, object]:
    return {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none", "command": command}]}


def _named(name: str, script: str) -> dict[str, object]:
    return {"name": name, "image": "none", "command": ["sh", "-c", script]}


def _pod(script: str, inits: list[dict[str, object]]) -> dict[str, object]:
    return {"initContainers": inits, "containers": [_named("main", script)]}


def _log_file(node: Node, name: str) -> Path:
    node.said(name, "up")
    return node.folder(name) / "containers" / "main" / "0" / "log"
