"""Agents with a memory on a real hive, written with the real SDK: what they remember, and who else gets at it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
PROGRAM = """
import json, sys, time
from kgents import sdk
from kgents.api.errors import KgentsError
from kgents.sdk.memory import Full, Memory
me = sdk.agent()
def tell(what): print("told " + json.dumps(what), flush=True)
if sys.argv[1] == "count":
    me.remember("runs", me.recall("runs", 0) + 1)
    tell(me.recall("runs"))
elif sys.argv[1] == "fill":
    me.remember("first", "kept")
    try:
        for n in range(100): me.remember(f"filler{n}", "x y z " * 20000)
    except Full as error:
        tell([str(error), me.recall("first")])
elif sys.argv[1] == "steal":
    try:
        tell(Memory(sys.argv[2], me.memory._token_file).get("runs"))
    except KgentsError as error:
        tell(type(error).__name__)
time.sleep(10000)
"""


@pytest.fixture(scope="module")
def hive(machine: Machine) -> Iterator[Machine]:
    machine("infra", "init")
    (machine.root / "work").mkdir()
    yield machine


def apply(hive: Machine, name: str, *words: str, **memory: Any) -> None:
    memory = {"enabled": True, "type": "KeyValue", **memory}
    command = [sys.executable, "-P", "-c", PROGRAM, *words]
    spec = {"command": command, "workingDir": str(hive.root / "work"), "symbionts": {"memory": memory}}
    agent = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": name}, "spec": spec}
    hive.kubectl("apply", "-f", "-", input=json.dumps(agent))


def pod(hive: Machine, name: str, *, but: str = "") -> dict[str, Any]:
    """The agent's ready pod, another one than that of the uid `but`."""

    def look() -> dict[str, Any] | None:
        for found in hive.kubectl.json("get", "pods", "-l", f"kgents.io/agent={name}")["items"]:
            conditions = {one["type"]: one["status"] for one in found.get("status", {}).get("conditions", ())}
            leaving = "deletionTimestamp" in found["metadata"]
            if found["metadata"]["uid"] != but and conditions.get("Ready") == "True" and not leaving:
                return dict(found)
        return None

    return eventually(look) or {}


def told(hive: Machine, name: str, *, but: str = "") -> Any:
    """What the program of the agent's pod said last."""
    found = pod(hive, name, but=but)["metadata"]["name"]

    def look() -> list[str]:
        lines = hive.kubectl("logs", found, "-c", "agent").splitlines()
        return [line.removeprefix("told ") for line in lines if line.startswith("told ")]

    return json.loads(eventually(look)[-1])


def memory(hive: Machine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = hive.kubectl.json("get", "memory", name)
    return found


def gone(hive: Machine, *what: str) -> None:
    eventually(lambda: not hive.kubectl("get", *what, "--ignore-not-found", "-o", "name").strip())


def test_what_is_remembered_outlives_the_pod(hive: Machine) -> None:
    apply(hive, "elephant", "count")
    first = pod(hive, "elephant")["metadata"]
    assert told(hive, "elephant") == 1
    hive.kubectl("delete", "pod", first["name"], "--grace-period=1")
    assert told(hive, "elephant", but=first["uid"]) == 2


def test_its_status_says_how_full_it_is(hive: Machine) -> None:
    apply(hive, "measured", "count")
    assert told(hive, "measured") == 1
    status = (
        eventually(lambda: (memory(hive, "measured").get("status") or {}).get("entries") == 1)
        and memory(hive, "measured")["status"]
    )
    assert status["usedBytes"] > 0 and status["lastAccess"] and status["phase"] == "Bound"
    agent = hive.kubectl.json("get", "agent", "measured")
    assert "NotActedOn" not in {one["type"] for one in agent["status"]["conditions"]}


def test_a_larger_size_starts_nothing_anew(hive: Machine) -> None:
    apply(hive, "grower", "count", size="1Mi")
    before = pod(hive, "grower")["metadata"]["uid"]
    apply(hive, "grower", "count", size="3Mi")
    name = pod(hive, "grower")["metadata"]["name"]
    eventually(lambda: "size=3145728" in hive.kubectl("logs", name, "-c", "kgents-memory"))
    assert pod(hive, "grower")["metadata"]["uid"] == before


def test_a_full_memory_says_so_and_is_read_on(hive: Machine) -> None:
    apply(hive, "hoarder", "fill", size="1Mi")
    said, first = told(hive, "hoarder")
    assert "full" in said and first == "kept"


def test_another_agent_is_refused(hive: Machine) -> None:
    apply(hive, "owner", "count")
    assert told(hive, "owner") == 1
    address = pod(hive, "owner")["status"]["podIP"]
    apply(hive, "thief", "steal", f"http://{address}:7733", type="Ephemeral")
    assert told(hive, "thief") == "Refused"


@pytest.mark.parametrize(("retention", "runs"), [("Retain", 2), ("Delete", 1)])
def test_the_next_agent_of_that_name_finds_what_was_to_be_retained(hive: Machine, retention: str, runs: int) -> None:
    name = f"heir-{retention.lower()}"
    apply(hive, name, "count", retentionPolicy=retention)
    first = pod(hive, name)["metadata"]["uid"]
    assert told(hive, name) == 1
    hive("delete", name, "--yes")
    gone(hive, "pods", "-l", f"kgents.io/agent={name}")
    if retention == "Retain":
        eventually(lambda: memory(hive, name)["status"]["phase"] == "Retained")
    else:
        gone(hive, "memory", name)
        gone(hive, "pvc", name)
    apply(hive, name, "count", retentionPolicy=retention)
    assert told(hive, name, but=first) == runs


def test_replicas_share_a_durable_memory_and_it_says_so(hive: Machine) -> None:
    apply(hive, "pair", "count")
    assert told(hive, "pair") == 1
    hive.kubectl("scale", "agent", "pair", "--replicas=2")
    second = pod(hive, "pair", but=pod(hive, "pair")["metadata"]["uid"])["metadata"]["name"]
    eventually(lambda: "told 2" in hive.kubectl("logs", second, "-c", "agent"))
    conditions = lambda: {one["type"]: one["reason"] for one in memory(hive, "pair")["status"]["conditions"]}  # noqa: E731
    eventually(lambda: conditions().get("Shared") == "OneFile")


def test_an_ephemeral_memory_outlives_a_crash_but_not_the_pod(hive: Machine, tmp_path: Path) -> None:
    apply(hive, "fly", "count", type="Ephemeral")
    first = pod(hive, "fly")["metadata"]
    assert told(hive, "fly") == 1
    hive.kubectl("delete", "pod", first["name"], "--grace-period=1")
    assert told(hive, "fly", but=first["uid"]) == 1
