from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kgents.api.kinds import AGENT
from kgents.glass.ghost import AGENTS as AGENT_LIST
from kgents.glass.ghost import ghost_of
from kgents.infra import home
from kgents.kube import config
from kgents.kube.client import KubeClient
from tests.integration.cortex.conftest import AGENTS, CRDS, Daemon, daemon_ready, start
from tests.support import hive
from tests.support.hive import HiveApi
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually


def test_a_wrong_token_is_refused(daemon: Daemon) -> None:
    daemon.token = "made-up"

    failed = daemon.error(AGENTS)

    assert failed is not None
    assert failed[0] is grpc.StatusCode.UNAUTHENTICATED


def test_health_is_serving_for_who_has_the_token(daemon: Daemon) -> None:
    channel = grpc.insecure_channel(
        f"unix:{home.cortex_socket(daemon.key)}", options=[("grpc.default_authority", "localhost")]
    )
    stub = health_pb2_grpc.HealthStub(channel)

    answer = stub.Check(health_pb2.HealthCheckRequest(), metadata=daemon.metadata, timeout=30)

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("file", [home.cortex_socket, home.cortex_token_file, home.cortex_pid_file])
def test_its_files_are_the_users_alone(daemon: Daemon, file: object) -> None:
    path = file(daemon.key)  # type: ignore[operator]

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_one_leaves_in_peace(daemon: Daemon, hive_api: HiveApi) -> None:
    second = start(hive_api.kubeconfig)

    _, said = second.process.communicate(timeout=60)

    assert second.process.returncode == 0
    assert f"running already, as process {daemon.process.pid}" in said
    assert daemon.answers()


def test_what_a_killed_one_left_does_not_stop_the_next(daemon: Daemon, hive_api: HiveApi) -> None:
    daemon.process.kill()
    daemon.process.wait()
    assert home.cortex_socket(daemon.key).exists()

    following = start(hive_api.kubeconfig)
    try:
        eventually(following.answers)
    finally:
        following.stop()


def test_sigterm_ends_it_in_peace(daemon: Daemon) -> None:
    daemon.stop()

    assert daemon.process.returncode == 0
    assert not home.cortex_socket(daemon.key).exists()


def test_it_leaves_when_nobody_asks(api_with_kinds: HiveApi, kgents_home: Path) -> None:
    daemon = start(api_with_kinds.kubeconfig, "--idle-exit", "0.1")

    daemon.process.communicate(timeout=60)

    assert daemon.process.returncode == 0


def test_it_makes_way_for_another_version(daemon: Daemon) -> None:
    failed = daemon.error(AGENTS, version="99.0.0")

    assert failed is not None
    assert failed[0] is grpc.StatusCode.UNAVAILABLE
    assert "99.0.0" in failed[1]["what"]
    daemon.process.communicate(timeout=60)
    assert daemon.process.returncode == 0


def test_the_ghost_follows_the_hive(daemon: Daemon, namespace: str) -> None:
    daemon.invoke("world.cluster.agents.scout.define", namespace, spec={"command": ["/bin/true"]})

    ghost = ghost_of(daemon.key)

    eventually(lambda: (namespace, "scout") in ghost.agent_names())
    eventually(lambda: (ghost.root / f"agents/{namespace}/scout.json").exists())


def test_a_change_that_no_row_shows_is_in_the_agents_own_entry(
    daemon: Daemon, namespace: str, kubectl: Kubectl
) -> None:
    daemon.invoke("world.cluster.agents.scout.define", namespace, spec={"command": ["/bin/true"]})
    own = ghost_of(daemon.key).root / f"agents/{namespace}/scout.json"
    eventually(own.exists)

    umwelt = {"senses": {"sense": ["WARNING"]}}
    kubectl("patch", "agent", "scout", "-n", namespace, "--type=merge", "-p", json.dumps({"spec": {"umwelt": umwelt}}))

    eventually(lambda: json.loads(own.read_bytes())["items"][0]["spec"].get("umwelt") == umwelt)


@pytest.mark.parametrize("trouble", ["torn", "removed", "somebody else's"])
def test_a_ghost_that_is_not_what_cortex_wrote_is_written_anew(daemon: Daemon, namespace: str, trouble: str) -> None:
    ghost = ghost_of(daemon.key)
    daemon.invoke("world.cluster.agents.scout.define", namespace, spec={"command": ["/bin/true"]})
    eventually(lambda: (namespace, "scout") in ghost.agent_names())
    if trouble == "torn":
        (ghost.root / AGENT_LIST).write_text('{"checksum":')
    elif trouble == "removed":
        ghost.remove(AGENT_LIST)
    else:
        ghost.write(AGENT_LIST, [], now=time.time(), writer="glass")

    eventually(lambda: (namespace, "scout") in ghost.agent_names())


def test_a_kubeconfig_that_points_nowhere_is_told(tmp_path: Path, kgents_home: Path) -> None:
    daemon = start(tmp_path / "none")

    _, said = daemon.process.communicate(timeout=60)

    assert daemon.process.returncode != 0
    assert said.startswith("cortex: ")


@pytest.mark.embedded("kills its own server")
def test_a_lost_api_is_admitted_and_its_return_noticed(tmp_path: Path, kgents_home: Path) -> None:
    api = hive.start(tmp_path / "api")
    port = int(api.url.rpartition(":")[2])
    Kubectl(api.kubeconfig)("apply", "-f", str(CRDS))
    daemon = start(api.kubeconfig)
    try:
        eventually(daemon_ready(daemon))
        api.kill()
        failed = eventually(lambda: daemon.error(AGENTS))
        assert failed[0] is grpc.StatusCode.UNAVAILABLE
        api = hive.start(tmp_path / "api", port=port)
        eventually(daemon.answers)
    finally:
        daemon.stop()
        api.stop()


async def plant(kubeconfig: Path, count: int) -> None:
    """Agents a0, a1 … in the default namespace."""
    gate = asyncio.Semaphore(32)

    async def make(api: KubeClient, number: int) -> None:
        agent = {"apiVersion": AGENT.api_version, "kind": AGENT.kind, "metadata": {"name": f"a{number}"}}
        async with gate:
            await api.create(AGENT, {**agent, "spec": {"image": "none"}}, "default")

    async with KubeClient(config.load(path=kubeconfig)) as api:
        await asyncio.gather(*(make(api, number) for number in range(count)))


@pytest.mark.embedded("five thousand agents in a server of its own")
def test_five_thousand_agents_come_whole(tmp_path: Path, kgents_home: Path) -> None:
    api = hive.start(tmp_path / "api")
    Kubectl(api.kubeconfig)("apply", "-f", str(CRDS))
    asyncio.run(plant(api.kubeconfig, 5000))
    daemon = start(api.kubeconfig)
    try:
        eventually(daemon_ready(daemon))
        assert len({row["name"] for row in daemon.invoke(AGENTS)}) == 5000
        eventually(lambda: len(ghost_of(daemon.key).agent_names()) == 5000)
    finally:
        daemon.stop()
        api.stop()
