"""Controllers and runtime as processes of their own, with the rights that the examples give and no more."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kgents.embedded.runtime.stopping import stop_pods
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def kubeconfig(kubectl: Kubectl, account: str, folder: Path) -> Path:
    """A kubeconfig of a ServiceAccount, after its example was applied."""
    kubectl("apply", "-f", str(EXAMPLES / f"{account.removeprefix('kgents-')}-rbac.yaml"))
    token = kubectl("create", "token", account, "-n", "kube-system").strip()
    config = yaml.safe_load(kubectl.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = folder / f"{account}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def hive(kubectl: Kubectl, tmp_path: Path) -> Iterator[Path]:
    """Both of them, running. Yields the folder with their logs."""
    root = tmp_path / "root"
    started = []
    for name, options in (
        ("controllers", ()),
        (
            "runtime",
            ("--root", str(root), "--pod-cidr", "127.78.90.0/24", "--node-name", "alone", "--first-pause", "0.2"),
        ),
    ):
        config = kubeconfig(kubectl, f"kgents-{name}", tmp_path)
        with (tmp_path / f"{name}.log").open("w") as log:
            command = [sys.executable, "-P", "-m", f"kgents.embedded.{name}", "--kubeconfig", str(config), *options]
            started.append(subprocess.Popen(command, stderr=log))
    yield tmp_path
    for process in started:
        process.terminate()
        process.wait(30)
    stop_pods(root)
    kubectl("delete", "node", "alone", "--ignore-not-found")


def test_the_rights_of_the_examples_are_enough(kubectl: Kubectl, hive: Path) -> None:
    space = f"alone-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", space)
    inside = ("-n", space)
    eventually(lambda: kubectl.run("get", "configmap", "kube-root-ca.crt", *inside).returncode == 0)
    kubectl("create", "deployment", "web", "--image=none", *inside, "--", "sleep", "1000")
    kubectl("expose", "deployment", "web", "--port=80", *inside)
    kubectl("create", "job", "work", "--image=none", *inside, "--", "true")
    kubectl("create", "cronjob", "tick", "--image=none", "--schedule=@every 1s", *inside, "--", "true")

    kubectl("rollout", "status", "deployment/web", *inside, "--timeout=60s")
    kubectl("wait", "--for=condition=complete", "job/work", *inside, "--timeout=60s")
    eventually(lambda: len(kubectl.json("get", "jobs", *inside)["items"]) > 1)
    eventually(lambda: kubectl.json("get", "endpoints", "web", *inside).get("subsets"))

    kubectl("delete", "namespace", space, "--timeout=60s")
    said = [line for log in hive.glob("*.log") for line in log.read_text().splitlines()]
    assert [line for line in said if "is forbidden: User" in line and "metrics" not in line] == []


def test_a_kubeconfig_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "kgents.embedded.controllers", "--kubeconfig", str(tmp_path / "none")]
    done: Any = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode and done.stderr.startswith("error: ") and "Traceback" not in done.stderr
