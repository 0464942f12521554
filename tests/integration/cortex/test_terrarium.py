"""Terrarium's screens of one agent in front of a real Cortex, and through its death."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual.screen import Screen

from kgents.glass.context import Target
from kgents.kube import config
from kgents.terrarium.app import TerrariumApp
from kgents.terrarium.keeping import Kept
from kgents.terrarium.screens.agent import AgentScreen
from kgents.terrarium.screens.text import LogsScreen
from kgents.terrarium.world import GlassWorld
from tests.integration.cortex.conftest import Daemon
from tests.support.hive import HiveApi
from tests.support.screens import Opened

SIZE = (100, 40)


@pytest.fixture
def world(
    daemon: Daemon, api_with_kinds: HiveApi, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GlassWorld]:
    monkeypatch.setenv("KUBECONFIG", str(api_with_kinds.kubeconfig))
    monkeypatch.setenv("KGENTS_NO_DAEMON", "1")  # the one that is killed stays away
    found = config.load(path=api_with_kinds.kubeconfig)
    yield GlassWorld(Target(found.context, found.server), namespace)


def define(daemon: Daemon, namespace: str, name: str) -> None:
    daemon.invoke(f"world.cluster.agents.{name}.define", namespace, spec={"command": ["/bin/true"]})


async def test_an_open_agent_is_live_then_remembered_and_goes_while_one_looks(
    daemon: Daemon, world: GlassWorld, kubectl: Any
) -> None:
    define(daemon, world.namespace, "scout")

    def change(command: str, replicas: int) -> None:
        patch = json.dumps({"spec": {"command": [command], "replicas": replicas}})
        kubectl("patch", "agents.kgents.io", "scout", "-n", world.namespace, "--type=merge", "-p", patch)

    app = TerrariumApp(world, clock=time.time, kept=Kept())
    async with app.run_test(size=SIZE) as pilot:
        terminal = Opened(app, pilot)
        await terminal.until(lambda: app.hive.live and (world.namespace, "scout") in app.hive.agents)
        await app.push_screen(AgentScreen((world.namespace, "scout")))
        await terminal.sees("[Live]", "/bin/true")

        change("/bin/changed", 2)
        await terminal.sees("[Live]", "/bin/changed")

        daemon.process.kill()
        await terminal.until(lambda: not app.hive.live)
        await terminal.sees("/bin/changed")
        assert "[Live]" not in terminal.text()
        await terminal.until(lambda: app.hive.source.layer == "kubectl")
        change("/bin/later", 3)
        await terminal.sees("/bin/later")
        kubectl("delete", "agents.kgents.io", "scout", "-n", world.namespace)
        await terminal.sees("gone: this is the last that was told", "/bin/later")


async def test_nobody_listens_on_to_a_silent_agent(daemon: Daemon, world: GlassWorld) -> None:
    define(daemon, world.namespace, "silent")
    key, app = (world.namespace, "silent"), TerrariumApp(world, clock=time.time, kept=Kept())
    kinds: tuple[type[Screen[None]], ...] = (AgentScreen, LogsScreen)
    async with app.run_test(size=SIZE) as pilot:
        terminal = Opened(app, pilot)
        await terminal.until(lambda: app.hive.live and key in app.hive.agents)
        before = threading.active_count()
        for nth in range(50):
            await app.push_screen(kinds[nth % 2](key))  # type: ignore[call-arg]
            await terminal.until(lambda: "Nothing is written yet" in terminal.text() or "/bin/true" in terminal.text())
            await app.pop_screen()
        # grpc keeps a thread of its own or two.
        await terminal.until(lambda: threading.active_count() <= before + 2)
        await terminal.until(lambda: "listener" not in [one.name for one in threading.enumerate()])
