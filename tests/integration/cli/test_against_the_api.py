"""Commands against a real API server, without a Cortex: the third layer, by kubectl and without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kgents.api.governance.changes import PROPOSAL_ANNOTATION
from tests.support.hive import HiveApi
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

Kgents = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["kubectl", "no kubectl"])
def kgents(
    request: pytest.FixtureRequest, api_with_kinds: HiveApi, new_namespace: Callable[[str], str], tmp_path: Path
) -> Kgents:
    """The command line in a namespace of its own, with kubectl on PATH or without it."""
    path = tmp_path / "bin"
    path.mkdir()
    if request.param == "kubectl":
        (path / "kubectl").symlink_to(Path(sys.executable).with_name("kubectl"))
    namespace = new_namespace("cli")
    env = {**os.environ, "KGENTS_HOME": str(tmp_path / "home"), "KGENTS_NO_DAEMON": "1", "PATH": str(path)}
    env |= {"KUBECONFIG": str(api_with_kinds.kubeconfig), "HOME": str(tmp_path)}

    def call(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        name = 2 if words[0] == "signal" else 1
        words = (*words[:name], "-n", namespace, *words[name:])
        command = [sys.executable, "-m", "kgents.cli.main", *words]
        return subprocess.run(command, input=stdin or "", capture_output=True, text=True, env=env, timeout=120)

    return call


def item(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["item"]


def test_an_agent_through_its_life(kgents: Kgents):
    assert kgents("run", "sleeper", "--no-wait", "--", sys.executable, "-c", "pass").returncode == 0
    made = item(kgents("status", "sleeper", "-o", "json", "--require-live"))
    assert (made["name"], made["replicas"]) == ("sleeper", 1)
    assert kgents("pause", "sleeper").returncode == 0
    assert item(kgents("status", "sleeper", "-o", "json", "--require-live"))["phase"] == "Suspended"
    assert kgents("resume", "sleeper").returncode == 0
    assert kgents("delete", "sleeper", "--yes").returncode == 0
    eventually(lambda: kgents("status", "sleeper", "--require-live").returncode == 3)


def test_a_signal_is_sensed_and_then_remembered(kgents: Kgents):
    assert kgents("signal", "emit", "warning", "--payload", "disk", "--half-life", "1h").returncode == 0
    live = json.loads(kgents("observe", "-o", "json", "--require-live").stdout)
    assert (live["source"]["layer"], live["items"][0]["payload"]) == ("kubectl", "disk")
    ghost = json.loads(kgents("observe", "-o", "json", "--ghost").stdout)
    assert (ghost["source"]["layer"], ghost["items"][0]["name"]) == ("ghost", live["items"][0]["name"])
    assert 0 < ghost["items"][0]["intensity"] <= live["items"][0]["intensity"]


def test_what_is_not_there_exits_3(kgents: Kgents):
    for words in (["status", "nobody"], ["pause", "nobody"], ["delete", "nobody", "--yes"], ["logs", "nobody"]):
        done = kgents(*words)
        assert (done.returncode, "There is no agent “nobody”" in done.stderr) == (3, True), done


def test_objects_are_applied_from_stdin(kgents: Kgents):
    text = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}, "data": {"a": "b"}})
    done = kgents("apply", "-f", "-", stdin=text)
    assert (done.returncode, done.stdout) == (0, "configmap/notes applied\n"), done.stderr


def test_an_object_that_breaks_a_rule_is_refused_in_one_line(kgents: Kgents):
    text = json.dumps({"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": "x"}, "spec": {}})
    done = kgents("apply", "-f", "-", stdin=text)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


def test_a_workload_is_adopted_and_let_go(kgents: Kgents, kubectl: Kubectl):
    labels = {"app": "bot"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "bot", "image": "x"}]}}
    # As a merge leaves it: what is on it is taken off, and what is somebody's stays.
    metadata = {"name": "bot", "annotations": {PROPOSAL_ANNOTATION: "note", "team": "shop"}}
    spec = {"selector": {"matchLabels": labels}, "template": pods}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    assert kgents("apply", "-f", "-", stdin=json.dumps(body)).returncode == 0
    assert kgents("adopt", "deploy/bot", "--as", "helper", "--no-wait").returncode == 0
    made = item(kgents("status", "helper", "-o", "json", "--require-live"))
    assert made["adopts"] == "Deployment/bot" and made["spec"]["workloadRef"]["uid"]
    again = kgents("adopt", "deploy/bot", "--as", "other", "--no-wait")
    assert (again.returncode, "adopted by the agent helper already" in again.stderr) == (4, True), again
    done = kgents("delete", "helper", "--yes")
    assert (done.returncode, "helper is released" in done.stdout) == (0, True), done
    assert kgents("release", "helper", "--yes").returncode == 3
    left = kubectl.json("get", "deployment", "bot", "-n", made["namespace"])
    assert "team" in left["metadata"]["annotations"] and PROPOSAL_ANNOTATION not in left["metadata"]["annotations"]
    assert kgents("adopt", "sandbox/box", "--no-wait").returncode == 3
