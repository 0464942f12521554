"""kubectl logs and kubectl top, against the real API server and the runtime as a process of its own."""

from __future__ import annotations

import json
import random
import socket
import ssl
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.auth.pki import Pki, issue_client
from tests.support.hive import HiveApi
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

SHELL = ["/bin/sh", "-c"]


@dataclass
class Node:
    """A running runtime: its name, and where its endpoint listens."""

    name: str
    address: str
    root: Path
    command: list[str]
    process: subprocess.Popen[bytes]

    @property
    def trouble(self) -> str:
        return (self.root / "runtime.log").read_text()

    def open_logs(self) -> list[Path]:
        """The logs of containers that it has open."""
        files = [path.resolve() for path in Path(f"/proc/{self.process.pid}/fd").iterdir()]
        return [file for file in files if "containers" in file.parts]


def start(hive_api: HiveApi, root: Path, name: str, address: str, cidr: str) -> Node:
    command = [sys.executable, "-P", "-m", "kgents.embedded.runtime", "--kubeconfig", str(hive_api.kubeconfig)]
    command += ["--root", str(root), "--pki", str(hive_api.dir / "pki"), "--node-name", name]
    command += ["--kubelet-address", address, "--pod-cidr", cidr, "--first-pause", "0.5"]
    with (root / "runtime.log").open("ab") as log:
        return Node(name, address, root, command, subprocess.Popen(command, stderr=log))


@pytest.fixture(scope="module")
def node(hive_api: HiveApi, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    net = f"127.{random.randrange(100, 250)}.{random.randrange(1, 250)}"
    name = f"node-{uuid.uuid4().hex[:6]}"
    kubectl.run("create", "serviceaccount", "default", "-n", "default")  # no controllers run here
    running = start(hive_api, tmp_path_factory.mktemp("runtime"), name, f"{net}.2", f"{net}.128/25")
    yield running
    kubectl("delete", "pods", "-n", "default", "-l", "test=logs", "--force", "--grace-period=0", "--wait=false")
    eventually(lambda: not list((running.root / "pods").glob("*")))
    running.process.terminate()
    running.process.wait(20)
    kubectl("delete", "node", name, "--ignore-not-found")


Run = Callable[..., str]


@pytest.fixture
def run(node: Node, kubectl: Kubectl, tmp_path: Path) -> Run:
    """Runs a shell script as a pod and gives its name once the container was started."""

    def made(script: str, restart: str = "Never") -> str:
        name = f"p-{uuid.uuid4().hex[:8]}"
        container = {"name": "main", "image": "kgents/shell", "command": [*SHELL, script], "workingDir": str(tmp_path)}
        spec = {
            "nodeName": node.name,
            "restartPolicy": restart,
            "automountServiceAccountToken": False,
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
        }
        meta = {"name": name, "namespace": "default", "labels": {"test": "logs"}}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": meta,
            "spec": {**spec, "terminationGracePeriodSeconds": 0},
        }
        kubectl("apply", "-f", "-", input=json.dumps(pod))
        eventually(lambda: phase(kubectl, name) in ("Running", "Succeeded", "Failed"))
        return name

    return made


def phase(kubectl: Kubectl, name: str) -> str:
    return kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}")


def restarts(kubectl: Kubectl, name: str) -> int:
    return int(kubectl("get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].restartCount}"))


def test_logs_are_what_the_program_wrote(run: Run, kubectl: Kubectl) -> None:
    name = run("for i in 1 2 3 4 5; do echo line $i; done")
    eventually(lambda: phase(kubectl, name) == "Succeeded")

    assert kubectl("logs", name) == "line 1\nline 2\nline 3\nline 4\nline 5\n"
    assert kubectl("logs", name, "--tail=2") == "line 4\nline 5\n"
    assert kubectl("logs", name, "--limit-bytes=9") == "line 1\nli"
    assert kubectl("logs", name, "--since=1h").count("\n") == 5
    assert kubectl("logs", name, "--since-time=2999-01-01T00:00:00Z") == ""
    stamp, _, text = kubectl("logs", name, "--tail=1", "--timestamps").partition(" ")
    assert text == "line 5\n" and stamp.endswith("Z") and len(stamp) == 30


def test_following_gives_all_and_ends_with_the_container(run: Run, kubectl: Kubectl, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = run(f"echo first; while [ ! -e {gate} ]; do sleep 0.1; done; seq 1 50000; echo last")
    following = kubectl.popen("logs", "-f", name)
    assert following.stdout is not None
    assert following.stdout.readline() == "first\n"

    gate.touch()
    rest = following.stdout.read()

    assert following.wait(30) == 0
    assert rest.splitlines() == [*map(str, range(1, 50001)), "last"]


def test_a_reader_that_goes_leaves_nothing_open_though_the_log_is_silent(
    run: Run, node: Node, kubectl: Kubectl
) -> None:
    name = run("echo first; sleep 600")
    following = kubectl.popen("logs", "-f", name)
    assert following.stdout is not None and following.stdout.readline() == "first\n"
    assert node.open_logs()

    following.kill()
    following.wait()

    eventually(lambda: not node.open_logs())


def test_previous_is_the_attempt_before(run: Run, kubectl: Kubectl, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    name = run(f"if [ -e {mark} ]; then echo second; sleep 600; fi; touch {mark}; echo first; exit 1", "Always")
    eventually(lambda: restarts(kubectl, name) >= 1)
    eventually(lambda: kubectl("logs", name) == "second\n")

    assert kubectl("logs", name, "-p") == "first\n"


def test_what_is_not_there_is_told_in_the_kubelets_words(run: Run, kubectl: Kubectl) -> None:
    name = run("sleep 600")

    before = kubectl.run("logs", name, "--previous")
    absent = kubectl.run("logs", name, "-c", "none")

    assert f'previous terminated container "main" in pod "{name}" not found' in before.stderr
    assert "container none is not valid for pod" in absent.stderr


def test_top_tells_what_pods_and_nodes_use(run: Run, node: Node, kubectl: Kubectl) -> None:
    name = run("while :; do sleep 0.01; done")

    eventually(lambda: name in kubectl.run("top", "pod", name, "--no-headers").stdout)
    row = kubectl("top", "pod", name, "--containers", "--no-headers").split()
    above = eventually(lambda: kubectl.run("top", "node", node.name, "--no-headers").stdout).split()

    assert row[:2] == [name, "main"] and row[2].endswith("m") and row[3].endswith("Mi")
    assert above[0] == node.name and above[2].endswith("%")


def test_the_metrics_of_a_pod_go_with_it(run: Run, kubectl: Kubectl) -> None:
    name = run("sleep 600")
    eventually(lambda: name in kubectl.run("top", "pod", "--no-headers").stdout)

    kubectl("delete", "pod", name, "--force", "--grace-period=0")

    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/{name}"
    eventually(lambda: "NotFound" in kubectl.run("get", "--raw", path).stderr)


def test_a_node_says_what_it_is(node: Node, kubectl: Kubectl) -> None:
    eventually(lambda: kubectl.run("get", "lease", node.name, "-n", "kube-node-lease").returncode == 0)

    found: Any = kubectl.json("get", "node", node.name)

    assert found["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    assert {one["type"]: one["status"] for one in found["status"]["conditions"]}["Ready"] == "True"
    assert found["metadata"]["labels"]["kubernetes.io/hostname"] == node.name
    assert found["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.0+kgents"
    assert " Ready " in kubectl("get", "nodes", node.name)


def test_a_client_without_a_certificate_is_not_answered(run: Run, node: Node, hive_api: HiveApi) -> None:
    name = run("echo secret")

    try:
        answer = ask(node.address, trusting(hive_api), f"/containerLogs/default/{name}/main")
    except (ssl.SSLError, ConnectionError):
        answer = ""

    assert answer == ""


def test_only_the_api_server_is_answered(run: Run, node: Node, hive_api: HiveApi, tmp_path: Path) -> None:
    name = run("echo secret")
    certificate, key = issue_client(Pki(hive_api.dir / "pki"), "somebody", ["system:masters"])
    (tmp_path / "both.pem").write_bytes(certificate + key)
    context = trusting(hive_api)
    context.load_cert_chain(tmp_path / "both.pem")

    answer = ask(node.address, context, f"/containerLogs/default/{name}/main")

    assert " 403 " in answer.splitlines()[0] and "secret" not in answer


def trusting(hive_api: HiveApi) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(hive_api.ca_file))
    context.check_hostname = False
    return context


def test_exec_is_refused_with_a_reason(node: Node, hive_api: HiveApi) -> None:
    context = trusting(hive_api)
    pki = hive_api.dir / "pki"
    context.load_cert_chain(pki / "kubelet-client.crt", pki / "kubelet-client.key")

    answer = eventually(lambda: ask(node.address, context, "/exec/default/p/c?command=ls"))

    assert "501" in answer.splitlines()[0] and "exec is not supported" in answer


def test_an_address_that_is_taken_is_told_and_waited_for(hive_api: HiveApi, kubectl: Kubectl, tmp_path: Path) -> None:
    address = f"127.{random.randrange(100, 250)}.{random.randrange(1, 250)}.2"
    with socket.create_server((address, 10250)):
        second = start(hive_api, tmp_path, "node-late", address, "127.99.1.0/28")
        eventually(lambda: "cannot be served" in second.trouble)
    try:
        eventually(lambda: f"served on https://{address}:10250" in second.trouble)
    finally:
        second.process.terminate()
        second.process.wait(20)
        kubectl("delete", "node", "node-late", "--ignore-not-found")


def ask(address: str, context: ssl.SSLContext, path: str) -> str:
    """One GET over TLS; the whole answer."""
    with socket.create_connection((address, 10250), timeout=20) as plain, context.wrap_socket(plain) as secure:
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while data := secure.recv(65536):
            answer += data
    return answer.decode()
