"""The stream of a whole hive: from a real Cortex, and through its deaths."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from kgents.glass.context import Target
from kgents.glass.cortex import Cortex
from kgents.glass.ghost import ghost_of
from kgents.glass.kubectl import Kubectl as KubectlLayer
from kgents.glass.look import Glass
from kgents.glass.stream import stream
from kgents.kube import config
from tests.integration.cortex.conftest import Daemon, daemon_ready, start
from tests.support.hive import HiveApi
from tests.support.listening import Listener
from tests.support.waiting import eventually


@pytest.fixture
def listen(api_with_kinds: HiveApi, kgents_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Listener]:
    """Makes listeners to the hive of the test's daemon."""
    monkeypatch.setenv("KUBECONFIG", str(api_with_kinds.kubeconfig))
    found = config.load(path=api_with_kinds.kubeconfig)
    kubectl = str(Path(sys.executable).with_name("kubectl"))

    def make(namespace: str, *, ghost_only: bool = False) -> Listener:
        target = Target(found.context, found.server)
        api = KubectlLayer(found.context, kubectl, patience=20.0)
        glass = Glass(target, Cortex(target.key, patience=10.0), ghost_of(target.key), lambda: api)
        return Listener(lambda pause: stream(glass, namespace=namespace, ghost_only=ghost_only, pause=pause))

    return make


@contextmanager
def another(api: HiveApi) -> Iterator[Daemon]:
    daemon = start(api.kubeconfig)
    try:
        eventually(daemon_ready(daemon))
        yield daemon
    finally:
        daemon.stop()


def define(daemon: Daemon, namespace: str, name: str, **spec: Any) -> None:
    daemon.invoke(f"world.cluster.agents.{name}.define", namespace, spec={"command": ["/bin/true"], **spec})


def settled(listener: Listener, layer: str, namespace: str, *agents: str) -> None:
    """Wait until that layer speaks, and exactly these agents are known."""
    eventually(lambda: listener.layer == layer and listener.names("agents", namespace) == set(agents))


def test_agents_signals_proposals_and_facts_come_in_one_stream(
    daemon: Daemon, namespace: str, listen: Callable[..., Listener]
) -> None:
    define(daemon, namespace, "first", reactions=[{"type": "WARNING", "minIntensity": 1, "then": {"file": "x"}}])
    with listen(namespace) as listener:
        settled(listener, "cortex", namespace, "first")
        define(daemon, namespace, "second")
        daemon.invoke("void.pheromone.emit", namespace, type="WARNING", payload="hot")
        daemon.invoke(
            "self.deployment.define", namespace, target="first", reason="a test", patch={"spec": {"image": "x"}}
        )
        settled(listener, "cortex", namespace, "first", "second")
        eventually(lambda: listener.rows["pheromones"] and listener.rows["proposals"])
        eventually(lambda: [one["payload"] for one in listener.items("witness") if one["what"] == "emitted"] == ["hot"])
        daemon.invoke("world.cluster.agents.first.terminate", namespace)
        settled(listener, "cortex", namespace, "second")
    assert listener.items("agents")[0]["reactsTo"] == ["WARNING"]
    assert (listener.broken, listener.tried()) == ([], [])


def test_another_namespace_is_not_heard(daemon: Daemon, new_namespace: Any, listen: Callable[..., Listener]) -> None:
    mine, other = new_namespace("mine"), new_namespace("other")
    with listen(mine) as listener:
        settled(listener, "cortex", mine)
        define(daemon, other, "far")
        define(daemon, mine, "near")
        settled(listener, "cortex", mine, "near")
    assert {one["namespace"] for one in listener.items("agents") + listener.items("witness")} == {mine}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_nothing_is_lost_and_nothing_told_twice_when_cortex_goes_and_comes_back(
    daemon: Daemon, api_with_kinds: HiveApi, namespace: str, kubectl: Any, listen: Callable[..., Listener], number: int
) -> None:
    define(daemon, namespace, "stays")
    define(daemon, namespace, "goes")
    daemon.invoke("void.pheromone.emit", namespace, type="STATE", payload="before", halfLife="1h")
    with listen(namespace) as listener, ExitStack() as until:
        settled(listener, "cortex", namespace, "stays", "goes")
        eventually(lambda: len(listener.rows["pheromones"]) == 1)

        os.kill(daemon.process.pid, number)
        kubectl("delete", "agents.kgents.io", "goes", "-n", namespace)
        pause = '{"spec":{"suspend":true}}'
        kubectl("patch", "agents.kgents.io", "stays", "-n", namespace, "--type=merge", "-p", pause)
        settled(listener, "kubectl", namespace, "stays")
        assert listener.rows["agents"][(namespace, "stays")]["suspended"]
        assert listener.tried()[0][0] == "Cortex"

        if number == signal.SIGSTOP:
            assert "said nothing" in str([one.item for one in listener.heard if one.type == "LAYER"])
            os.kill(daemon.process.pid, signal.SIGCONT)
        else:
            daemon.process.wait()
            until.enter_context(another(api_with_kinds))
        define(daemon, namespace, "comes")
        settled(listener, "cortex", namespace, "stays", "comes")
        assert (listener.tried(), listener.broken) == ([], [])
        heard = list(listener.heard)
    told = [(one.type, one.source.layer) for one in heard if one.resource == "agents" and b'"goes"' in one.item]
    assert told == [("ADDED", "cortex"), ("DELETED", "kubectl")]
    facts = [one.item for one in heard if one.resource == "witness"]
    assert len(facts) == len(set(facts))
    layers = [layer for layer, _ in groupby(one.source.layer for one in heard if one.type == "SYNCED")]
    assert layers == ["cortex", "ghost", "kubectl", "cortex"]


def test_what_is_remembered_comes_first_and_alone_where_nothing_else_is_wanted(
    daemon: Daemon, namespace: str, listen: Callable[..., Listener]
) -> None:
    define(daemon, namespace, "scout")
    eventually(lambda: (namespace, "scout") in ghost_of(daemon.key).agent_names())
    with listen(namespace) as listener:
        settled(listener, "cortex", namespace, "scout")
    assert listener.heard[0].source.layer == "ghost"
    with listen(namespace, ghost_only=True) as listener:
        settled(listener, "ghost", namespace, "scout")
        define(daemon, namespace, "second")
        settled(listener, "ghost", namespace, "scout", "second")
    assert {one.source.layer for one in listener.heard} == {"ghost"}
