from __future__ import annotations

import json
from itertools import islice
from typing import Any

import grpc
import pytest

from tests.integration.cortex.conftest import AGENTS, SENSE, Daemon
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually


def define(daemon: Daemon, namespace: str, name: str = "scout", **spec: Any) -> None:
    daemon.invoke(f"world.cluster.agents.{name}.define", namespace, spec={"command": ["/bin/true"], **spec})
    eventually(lambda: name in [row["name"] for row in daemon.invoke(AGENTS, namespace)])


def test_an_agent_that_is_defined_is_listed(daemon: Daemon, namespace: str) -> None:
    define(daemon, namespace, genus="L")

    (row,) = daemon.invoke(AGENTS, namespace)

    assert (row["name"], row["namespace"], row["genus"], row["activity"]) == ("scout", namespace, "L", None)


def test_one_agent_comes_whole_and_without_secrets(daemon: Daemon, namespace: str) -> None:
    define(daemon, namespace, env=[{"name": "API_TOKEN", "value": "hush"}])

    (agent,) = daemon.invoke("world.cluster.agents.scout.manifest", namespace)

    assert {"spec", "conditions", "pods", "pheromones", "proposals"} <= set(agent)
    assert "hush" not in json.dumps(agent)


def test_an_object_comes_as_it_is_kept_and_without_secrets(daemon: Daemon, namespace: str) -> None:
    define(daemon, namespace, env=[{"name": "API_TOKEN", "value": "hush"}])

    (found,) = daemon.invoke("world.cluster.objects.agents.scout.manifest", namespace)

    assert (found["apiVersion"], found["kind"], found["metadata"]["name"]) == ("kgents.io/v1", "Agent", "scout")
    assert "managedFields" not in found["metadata"]
    assert "hush" not in json.dumps(found)


def test_a_paused_agent_is_suspended_and_can_be_resumed(daemon: Daemon, namespace: str) -> None:
    define(daemon, namespace)

    (paused,) = daemon.invoke("world.cluster.agents.scout.suspend", namespace)
    (resumed,) = daemon.invoke("world.cluster.agents.scout.resume", namespace)

    assert (paused["suspended"], resumed["suspended"]) == (True, False)


def test_a_terminated_agent_is_gone(daemon: Daemon, namespace: str) -> None:
    define(daemon, namespace)

    daemon.invoke("world.cluster.agents.scout.terminate", namespace)

    eventually(lambda: daemon.invoke(AGENTS, namespace) == [])


def test_signals_come_strongest_first(daemon: Daemon, namespace: str) -> None:
    for intensity in (0.2, 0.9, 0.5):
        daemon.invoke("void.pheromone.emit", namespace, type="STATE", intensity=intensity)
    eventually(lambda: len(daemon.invoke(SENSE, namespace)) == 3)

    found = daemon.invoke(SENSE, namespace, limit=2)

    assert [row["initialIntensity"] for row in found] == [0.9, 0.5]
    assert all(row["intensity"] <= row["initialIntensity"] for row in found)


def test_an_applied_object_is_there(daemon: Daemon, namespace: str, kubectl: Kubectl) -> None:
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"a": "b"}}

    daemon.invoke("world.cluster.apply", namespace, objects=[thing])

    assert "note" in kubectl("get", "configmap", "note", "-n", namespace, "-o", "name")


def test_the_health_of_the_hive(daemon: Daemon) -> None:
    (health,) = daemon.invoke("world.cluster.manifest")

    assert (health["reachable"], health["frozen"]) == (True, None)


@pytest.mark.parametrize(
    ("path", "arguments", "code"),
    [
        ("world.cluster.agents.nobody.manifest", {}, grpc.StatusCode.NOT_FOUND),
        ("world.cluster.agents." + "x" * 300 + ".manifest", {}, grpc.StatusCode.NOT_FOUND),
        ("nonsense", {}, grpc.StatusCode.INVALID_ARGUMENT),
        ("world.cluster.objects.secrets.any.manifest", {}, grpc.StatusCode.INVALID_ARGUMENT),
        ("world.cluster.objects.proposals.nobody.manifest", {}, grpc.StatusCode.NOT_FOUND),
        ("world.cluster.stream", {}, grpc.StatusCode.INVALID_ARGUMENT),
        ("void.pheromone.emit", {"type": "SMELL"}, grpc.StatusCode.INVALID_ARGUMENT),
        (SENSE, {"unheard": 1}, grpc.StatusCode.INVALID_ARGUMENT),
        (SENSE, {"limit": 0}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_what_cannot_be_answered_says_why(daemon: Daemon, path: str, arguments: Any, code: grpc.StatusCode) -> None:
    failed = daemon.error(path, **arguments)

    assert failed is not None
    assert failed[0] is code
    assert failed[1]["what"]


def test_a_watch_tells_what_is_there_then_what_changes(daemon: Daemon, namespace: str) -> None:
    define(daemon, namespace, "first")
    events = daemon.watch(AGENTS, namespace)
    before = [event.type for event in islice(events, 3)]

    define(daemon, namespace, "second")
    change = next(event for event in events if event.type == "ADDED")

    assert before == ["BRAKES", "ADDED", "SYNCED"]
    assert json.loads(change.item)["name"] == "second"


def test_the_stream_of_what_happens_tells_of_a_signal(daemon: Daemon, namespace: str) -> None:
    events = daemon.watch("time.witness.stream", namespace)
    assert [event.type for event in islice(events, 2)] == ["BRAKES", "SYNCED"]

    daemon.invoke("void.pheromone.emit", namespace, type="WARNING", payload="hot")
    fact = json.loads(next(events).item)

    assert (fact["kind"], fact["what"], fact["payload"]) == ("signal", "emitted", "hot")
