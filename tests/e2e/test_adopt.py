"""A workload that somebody else made, on a whole hive: adopted, heard, changed by proposals, let go, and still his."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PROGRAM = """
import os, sys, time
if os.environ.get("SICK"):
    sys.exit("sick")
count = 0
while True:
    count += 1
    print(f"ERROR order {count} is lost", flush=True)
    time.sleep(1)
"""
PAGE = Path(__file__).parents[2] / "docs" / "adopt.md"
OWNERS = [
    ("sandbox", "Sandbox", "sandboxes", "agents.x-k8s.io", "v1alpha1"),
    ("agent.kagent.dev", "Agent", "agents", "kagent.dev", "v1alpha2"),
]


@pytest.fixture(scope="module")
def hive(machine: Machine) -> Machine:
    """With a short time of watching after a merge."""
    machine("infra", "init")
    patch = json.dumps({"data": {"bake": "8s"}})
    machine.kubectl("patch", "configmap", "kgents-policy", "-n", "kgents-system", "--type=merge", "-p", patch)
    return machine


def deploy(hive: Machine, name: str) -> None:
    command = ("--", sys.executable, "-u", "-c", PROGRAM)
    hive.kubectl("create", "deployment", name, "--image=example.org/bot:1", *command)
    hive.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s", timeout=100)


def whole(hive: Machine, name: str) -> Any:
    """All there is to know of it, but what its own controller observes."""
    found = hive.kubectl.json("get", "deployment", name, "--show-managed-fields")
    return {key: value for key, value in found.items() if key != "status"}


def phase(hive: Machine, proposal: str) -> str:
    return str(hive.json("proposals", proposal)["item"]["phase"])


def propose(hive: Machine, *change: str) -> str:
    """A proposal that has been looked at, and approved where somebody must. Returns its name."""
    row = hive.json("propose", "support-bot", "--reason", "a test", *change)
    name = str((row.get("item") or row["items"][0])["name"])

    def looked_at() -> str:
        found = phase(hive, name)
        return found if found not in ("Pending", "Approved") else ""

    if eventually(looked_at) in ("Reviewing", "Blocked"):
        hive("approve", name, "--reason", "looked at it", "--yes")
    return name


def ends(hive: Machine, proposal: str, wanted: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        item: dict[str, Any] = hive.json("proposals", proposal)["item"]
        baked = any(one["type"] == "Baked" and one["status"] == "True" for one in item["conditions"])
        return item if item["phase"] == wanted and (baked or wanted != "Merged") else None

    return eventually(look, 90)


def test_what_is_adopted_and_released_is_as_it_was(hive: Machine) -> None:
    deploy(hive, "passing")
    before = whole(hive, "passing")
    done = hive.run("adopt", "deploy/passing", "--signal", "CHAOS=never said")
    assert done.returncode == 0, done.stderr
    assert "Deployment/passing is adopted as passing" in done.stderr and "◎ Running 1/1" in done.stderr
    assert hive.agents()["passing"]["readyReplicas"] == 1
    assert "ERROR order" in hive("logs", "passing", "--tail", "3")
    assert "passing is adopted" in hive.run("why", "passing").stdout or "it is adopted" in hive("why", "passing")
    said = hive("delete", "passing", "--yes")
    assert "passing is released" in said and "runs on as it is" in said

    def gone() -> bool:
        return "passing-kgents" not in hive.kubectl("get", "configmaps", "-o", "name")

    eventually(gone)
    assert whole(hive, "passing") == before
    hive.kubectl("delete", "deployment", "passing")


def test_it_is_heard_changed_rolled_back_and_let_go(hive: Machine) -> None:
    deploy(hive, "support-bot")
    hive("adopt", "deploy/support-bot", "--signal", r"WARNING=order \d+ is lost")

    def heard() -> list[Any]:
        rows = hive.json("observe", "--type", "WARNING")["items"]
        return [row for row in rows if row["source"] == "support-bot" and "is lost" in row["payload"]]

    eventually(heard)
    scaled = propose(hive, "--replicas", "2")
    assert ends(hive, scaled, "Merged")["target"] == "Deployment/support-bot"
    assert hive.kubectl.json("get", "deployment", "support-bot")["spec"]["replicas"] == 2
    assert hive.agents()["support-bot"]["replicas"] == 2
    assert scaled in hive("why", "support-bot")
    sick = propose(hive, "--patch", json.dumps({"spec": {"env": [{"name": "SICK", "value": "1"}]}}))
    item = ends(hive, sick, "RolledBack")
    assert any("sickened" in one["message"] for one in item["evidence"])
    found = whole(hive, "support-bot")
    assert "env" not in found["spec"]["template"]["spec"]["containers"][0] and found["spec"]["replicas"] == 2
    paused = hive.run("pause", "support-bot")
    assert "the pods of Deployment/support-bot run on" in paused.stderr
    hive("resume", "support-bot")
    said = hive("release", "support-bot", "--yes")
    assert "support-bot is released" in said
    after = whole(hive, "support-bot")
    managers = {entry["manager"] for entry in after["metadata"]["managedFields"]}
    assert not managers & {"kgents", "kgents-operator", "kgents-proposals"}
    assert "kgents.io" not in json.dumps(after) and after["spec"] == found["spec"]
    assert after["metadata"]["uid"] == found["metadata"]["uid"]


def test_the_commands_of_the_page_do_what_it_says(hive: Machine) -> None:
    commands = re.findall(r"^\$ kgents (.+)$", PAGE.read_text(), re.MULTILINE)
    assert [hive(*shlex.split(command)) for command in commands]
    assert "support-bot" not in hive.agents()


def test_what_cannot_be_adopted_is_refused_in_words(hive: Machine) -> None:
    for words, code, said in (
        (("deploy/nobody",), 3, "There is no Deployment “nobody”"),
        (("default/deploy/x",), 2, "in its own namespace"),
        (("job/x",), 2, "A job cannot be adopted"),
        (("support-bot",), 2, "is no workload"),
        (("sandbox/x",), 3, "This cluster knows no Sandbox"),
        (("deploy/support-bot", "--container", "other"), 2, "has no container “other”"),
    ):
        done = hive.run("adopt", *words)
        assert (done.returncode, said in done.stderr) == (code, True), (words, done.stderr)
    hive("adopt", "deploy/support-bot", "--as", "first")
    done = hive.run("adopt", "deploy/support-bot", "--as", "second")
    assert done.returncode == 4 and "is adopted by the agent first already" in done.stderr
    done = hive.run("release", "second", "--yes")
    assert done.returncode == 3
    hive("release", "first", "--yes")


@pytest.mark.parametrize(("asked", "kind", "plural", "group", "version"), OWNERS)
def test_what_another_controller_keeps_is_adopted_by_way_of_it(
    hive: Machine, asked: str, kind: str, plural: str, group: str, version: str
) -> None:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": version, "served": True, "storage": True, "schema": schema}]
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }
    name = f"box-{kind.lower()}"
    hive.kubectl("apply", "-f", "-", input=json.dumps(crd))
    hive.kubectl("wait", f"crd/{plural}.{group}", "--for=condition=Established", "--timeout=30s")
    own = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}}
    hive.kubectl("apply", "-f", "-", input=json.dumps(own))
    uid = hive.kubectl.json("get", f"{plural}.{group}", name)["metadata"]["uid"]
    owner = {**own, "name": name, "uid": uid, "controller": True}
    del owner["metadata"]
    pod = {"containers": [{"name": "main", "image": "x", "command": [sys.executable, "-u", "-c", PROGRAM]}]}
    metadata = {"name": name, "labels": {"app": name}, "ownerReferences": [owner]}
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}
    if kind == "Agent":
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    hive.kubectl("apply", "-f", "-", input=json.dumps(body))
    done = hive.run("adopt", f"{asked}/{name}")
    assert done.returncode == 0, done.stderr
    assert f"{kind} {name} ({group}) keeps it as it is" in done.stderr

    def runs() -> bool:
        return bool(hive.agents()[name]["phase"] == "Running")

    eventually(runs)
    assert "ERROR order" in hive("logs", name)
    if kind == "Agent":
        row = hive.json("propose", name, "--replicas", "3", "--reason", "more")
        proposal = str((row.get("item") or row["items"][0])["name"])
        item = ends(hive, proposal, "Blocked")
        assert any(f"{kind} {name} ({group}) owns this" in one["message"] for one in item["evidence"])
    hive("release", name, "--yes")
