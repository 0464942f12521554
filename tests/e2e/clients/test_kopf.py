"""kopf: an operator of somebody else's, run as its users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from tests.e2e.clients.objects import widget
from tests.e2e.clients.operators.widgets import FINALIZER
from tests.support.kubectl import Kubectl
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
OPERATOR = Path(__file__).parent / "operators" / "widgets.py"
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
KINDS = (("ClusterKopfPeering", "Cluster"), ("KopfPeering", "Namespaced"))


def peering_kind(kind: str, scope: str) -> dict[str, Any]:
    names = {"kind": kind, "plural": f"{kind.lower()}s", "singular": kind.lower()}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"status": FREE}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.kopf.dev"},
        "spec": {"group": "kopf.dev", "scope": scope, "names": names, "versions": [version]},
    }


class Operator:
    """A running operator and what it printed."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def said(self, words: str) -> bool:
        return words in self.log.read_text().splitlines()

    def logged(self, words: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        return words in self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


class Start(Protocol):
    def __call__(self, *options: str, **settings: str) -> Operator: ...


@pytest.fixture
def start(namespace: str, kubectl: Kubectl, tmp_path: Path) -> Iterator[Start]:
    """Starts operators of this test's namespace, until they handle it."""
    running: list[Operator] = []

    def begin(*options: str, **settings: str) -> Operator:
        log = tmp_path / f"operator-{len(running)}.log"
        words = [sys.executable, "-m", "kopf", "run", "-n", namespace, *(options or ["--standalone"]), str(OPERATOR)]
        with log.open("wb") as output:
            process = subprocess.Popen(words, env={**os.environ, **settings}, stdout=output, stderr=output)
        running.append(Operator(process, log))
        eventually(lambda: running[-1].logged("Initial authentication has finished"))
        return running[-1]

    yield begin
    for operator in running:
        if operator.process.poll() is None:
            operator.stop()
    for name in kubectl("get", "widgets", "-n", namespace, "-o", "name").split():
        kubectl("patch", name, "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


class Widgets:
    """The widgets of one namespace, through kubectl."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.kubectl, self.namespace = kubectl, namespace

    def create(self, name: str, **spec: Any) -> subprocess.CompletedProcess[str]:
        body = yaml.safe_dump(widget(name, **spec))
        return self.kubectl.run("create", "-n", self.namespace, "-f", "-", input=body)

    def get(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.json("get", "widget", name, "-n", self.namespace)
        return found

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.get(name).get("status") or {})

    def patch(self, name: str, body: str) -> None:
        self.kubectl("patch", "widget", name, "-n", self.namespace, "--type=merge", "-p", body)

    def delete(self, name: str) -> None:
        self.kubectl("delete", "widget", name, "-n", self.namespace)


@pytest.fixture
def widgets(kubectl: Kubectl, namespace: str) -> Widgets:
    return Widgets(kubectl, namespace)


@pytest.mark.parametrize("progress", ["annotations", "status"])
def test_handlers_see_an_objects_whole_life(start: Start, widgets: Widgets, progress: str) -> None:
    operator = start(PROGRESS=progress)
    widgets.create("w", color="red", size=1)
    eventually(lambda: widgets.status("w").get("created") == {"color": "red", "by": ""})
    assert widgets.get("w")["metadata"]["finalizers"] == [FINALIZER]
    widgets.patch("w", '{"spec":{"size":2}}')
    eventually(lambda: widgets.status("w").get("resized/spec.size") == {"old": 1, "new": 2})
    widgets.delete("w")
    assert operator.said("deleted w")


@pytest.mark.parametrize("progress", ["annotations", "status"])
def test_a_failed_handler_is_tried_again(start: Start, widgets: Widgets, progress: str) -> None:
    operator = start(PROGRESS=progress)
    widgets.create("w", color="flaky")

    eventually(lambda: operator.said("created w 2"))


def test_a_hopeless_one_is_not(start: Start, widgets: Widgets) -> None:
    operator = start()
    widgets.create("w", color="hopeless")
    eventually(lambda: operator.logged("failed permanently: never"))


def test_its_events_stand_beside_the_object(start: Start, widgets: Widgets, kubectl: Kubectl, namespace: str) -> None:
    start()
    widgets.create("w", color="red")

    def told() -> bool:
        events = kubectl.json("get", "events", "-n", namespace, "--field-selector", "involvedObject.name=w")["items"]
        return [(event["reason"], event["message"]) for event in events] == [("Painted", "it is red")]

    eventually(told)


def test_it_goes_on_after_being_killed(start: Start, widgets: Widgets) -> None:
    first = start()
    widgets.create("w", color="red")
    eventually(lambda: "created" in widgets.status("w"))
    first.stop(signal.SIGKILL)
    widgets.patch("w", '{"spec":{"size":7}}')
    second = start()
    eventually(lambda: second.said("resumed w"))
    eventually(lambda: widgets.status("w").get("resized/spec.size") == {"new": 7})
    assert not second.said("created w 0")


def test_timers_tick_and_indices_know(start: Start, widgets: Widgets) -> None:
    start()
    for name in ("a", "b"):
        widgets.create(name, color="ticking")
    eventually(lambda: widgets.status("a").get("ticks", 0) > 2)
    eventually(lambda: widgets.status("a").get("alike") == 2)
    widgets.delete("b")
    eventually(lambda: widgets.status("a").get("alike") == 1)


def test_daemons_live_with_their_object(start: Start, widgets: Widgets) -> None:
    operator = start()
    widgets.create("w", color="watchful")
    eventually(lambda: operator.said("watching w"))
    widgets.patch("w", '{"spec":{"color":"red"}}')
    eventually(lambda: operator.said("watched w"))


def test_its_webhooks_are_asked(start: Start, widgets: Widgets, hive: Machine) -> None:
    start(PKI=str(hive.hive / "pki"))
    eventually(
        lambda: (widgets.create("w").returncode == 0 and "color" in widgets.get("w")["spec"]) or widgets.delete("w")
    )
    assert widgets.get("w")["spec"]["color"] == "grey"
    refused = widgets.create("v", color="ugly")
    assert refused.returncode != 0 and "denied the request: that is ugly" in refused.stderr
    assert "Warning: looks fine" in widgets.create("x", color="red").stderr


def test_the_lower_peer_pauses_until_the_higher_is_gone(
    start: Start, widgets: Widgets, kubectl: Kubectl, namespace: str
) -> None:
    for kind, scope in KINDS:
        kubectl("apply", "-f", "-", input=yaml.safe_dump(peering_kind(kind, scope)))
        kubectl("wait", "--for=condition=Established", f"crd/{kind.lower()}s.kopf.dev")
    peering = {"apiVersion": "kopf.dev/v1", "kind": "KopfPeering", "metadata": {"name": "crew"}}
    kubectl("apply", "-n", namespace, "-f", "-", input=yaml.safe_dump(peering))
    low = start("--peering=crew", "--priority=1", IDENTITY="low")
    widgets.create("a")
    eventually(lambda: widgets.status("a").get("created", {}).get("by") == "low")
    high = start("--peering=crew", "--priority=9", IDENTITY="high")
    eventually(lambda: low.logged("Pausing operations"))
    widgets.create("b")
    eventually(lambda: widgets.status("b").get("created", {}).get("by") == "high")
    high.stop()
    eventually(lambda: low.logged("Resuming operations"))
    widgets.create("c")
    eventually(lambda: widgets.status("c").get("created", {}).get("by") == "low")
    assert not low.said("created b 0")
