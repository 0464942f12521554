"""Whatever dies, `kgents status` answers, the supervisor brings it back, and the agents' programs go on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
FIVE = {"indexer", "library", "moth", "watchman", "worker"}
STEADY = ("indexer", "library", "watchman", "worker")  # the moth comes and goes by itself


def kill(machine: Machine, process: str) -> int:
    pid = machine.pid(process)
    assert pid, f"{process} does not run"
    os.kill(pid, signal.SIGKILL)
    return pid


def back(machine: Machine, process: str, killed: int) -> int:
    """The new pid, once there is one."""
    return eventually(lambda: machine.pid(process) not in (None, killed) and machine.pid(process)) or 0


def steady_programs(machine: Machine) -> dict[str, int]:
    names = {
        item["metadata"]["uid"]: item["metadata"]["labels"]["kgents.io/agent"]
        for item in machine.kubectl.json("get", "pods")["items"]
    }
    found = {}
    for folder, pid in machine.programs().items():
        name = next((name for uid, name in names.items() if uid in folder), "")
        if name in STEADY:
            found[name] = pid
    return found


def answer(machine: Machine, *options: str) -> dict[str, Any]:
    said: dict[str, Any] = machine.json("status", *options)
    assert {row["name"] for row in said["items"]} == FIVE
    return said


def layer(machine: Machine) -> str:
    return str(answer(machine)["source"]["layer"])


def all_run(machine: Machine) -> bool:
    rows = machine.agents()
    return {name for name, row in rows.items() if row["phase"] == "Running"} >= set(STEADY)


@pytest.fixture(autouse=True)
def well(demo: Machine) -> Iterator[None]:
    """Each test finds the hive well."""
    eventually(lambda: layer(demo) == "cortex" and all_run(demo) and set(steady_programs(demo)) == set(STEADY))
    yield


def test_a_killed_cortex_is_missed_by_nobody(demo: Machine) -> None:
    killed = kill(demo, "cortex")

    assert answer(demo)["source"]["staleness"] in ("live", "fresh")
    back(demo, "cortex", killed)
    eventually(lambda: layer(demo) == "cortex")


def test_a_hung_cortex_is_passed_by(demo: Machine) -> None:
    pid = demo.pid("cortex")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert layer(demo) in ("ghost", "kubectl")
        assert demo.json("status", "--require-live")["source"]["layer"] == "kubectl"
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: layer(demo) == "cortex")


@pytest.mark.parametrize("process", ["apiserver", "operators", "node"])
def test_a_killed_process_comes_back_and_no_agent_notices(demo: Machine, process: str) -> None:
    programs = steady_programs(demo)

    killed = kill(demo, process)

    assert answer(demo)
    back(demo, process, killed)
    eventually(lambda: demo.json("infra", "status")["item"]["reachable"])
    eventually(lambda: all_run(demo))
    assert steady_programs(demo) == programs


def test_what_was_acknowledged_before_the_kill_is_there_after_it(demo: Machine) -> None:
    demo("signal", "emit", "MEMORY", "--payload", "keep this")

    back(demo, "apiserver", kill(demo, "apiserver"))

    eventually(lambda: "keep this" in demo.kubectl.run("get", "pheromones", "-o", "yaml").stdout)


def test_a_killed_supervisor_is_revived_by_the_next_command(demo: Machine) -> None:
    programs = steady_programs(demo)
    killed = demo.supervisor()["pid"]
    os.kill(killed, signal.SIGKILL)

    assert answer(demo)
    eventually(lambda: demo.run("status").returncode == 0 and demo.supervisor()["pid"] != killed)
    eventually(lambda: layer(demo) == "cortex" and all_run(demo))
    assert steady_programs(demo) == programs


def test_everything_killed_at_once_comes_back(demo: Machine) -> None:
    everything = [*demo.processes()]
    for pid in everything:
        with contextlib.suppress(ProcessLookupError):  # some end by themselves, such as the moth
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not set(everything) & set(demo.processes()))

    assert answer(demo)["source"]["layer"] == "ghost"
    eventually(lambda: layer(demo) == "cortex" and all_run(demo))


@pytest.fixture
def stopped(demo: Machine) -> Iterator[Machine]:
    demo("infra", "stop")
    yield demo
    demo("infra", "start")


def test_a_stopped_hive_runs_nothing_and_is_remembered_with_its_age(stopped: Machine) -> None:
    assert stopped.processes() == {}
    done = stopped.run("status", "-o", "json")
    source = json.loads(done.stdout)["source"]
    assert (source["layer"], done.returncode) == ("ghost", 0)
    assert f"cached {int(source['ageSeconds'])} s ago" in done.stderr
    assert stopped.run("status", "--require-live").returncode == 5
    # A look does not start what somebody stopped; the kubectl that it asked may outlive it for a moment.
    assert [line for line in stopped.processes().values() if "kubectl --context" not in line] == []


def test_a_hive_that_is_started_again_has_its_agents_back(demo: Machine) -> None:
    demo("infra", "stop")

    demo("infra", "start")

    eventually(lambda: set(steady_programs(demo)) == set(STEADY))
    eventually(lambda: layer(demo) == "cortex" and all_run(demo))


def test_a_deleted_hive_leaves_no_trace(demo: Machine, machine: Machine) -> None:
    done = demo.run("infra", "delete", "--yes")

    assert done.returncode == 0, done.stderr
    assert machine.processes() == {}
    left = [path for kind in ("hives", "ghost", "witness") for path in (machine.home / kind).glob("*")]
    assert left == []
    assert "kgents-laptop" not in machine.kubeconfig.read_text()
    machine("demo")  # and a new one comes up in its place
