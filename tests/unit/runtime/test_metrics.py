from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime import usage
from kgents.embedded.runtime.launcher.shim import start_time
from kgents.embedded.runtime.metrics import OLDEST, Meter, Metrics, Use, quantities, run
from kgents.embedded.runtime.usage import Process, Usage
from kgents.kube.errors import Forbidden, ObjectNotFound

NODE = ("", "node")


class Api:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Any] = {}
        self.writes = 0
        self.closed: set[str] = set()

    async def replace(self, kind: Any, obj: Mapping[str, Any]) -> None:
        key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if key not in self.objects:
            raise ObjectNotFound(404)
        self.objects[key] = obj
        self.writes += 1

    async def create(self, kind: Any, obj: Mapping[str, Any]) -> None:
        if obj["metadata"].get("namespace", "") in self.closed:
            raise Forbidden(403)
        self.objects[(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])] = obj
        self.writes += 1

    async def delete(self, kind: Any, name: str, namespace: str = "", **_: Any) -> None:
        self.objects.pop((namespace, name), None)

    async def list(self, kind: Any) -> Any:
        return {"items": [obj for key, obj in self.objects.items() if key[0]]}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[dict[tuple[str, str], Any]]:
    """One pod whose keeper is this process, with a child that sleeps."""
    folder = tmp_path / "pods" / "u" / "containers" / "main" / "0"
    folder.mkdir(parents=True)
    state = {"shim": os.getpid(), "shimStart": start_time(os.getpid()), "startedAt": 1000.0}
    (folder / "state.json").write_text(json.dumps(state))
    child = subprocess.Popen(["sleep", "600"])
    meta = {"name": "pod", "namespace": "ns", "uid": "u", "labels": {"a": "b"}}
    yield {("ns", "pod"): {"metadata": meta, "spec": {"nodeName": "node", "containers": [{"name": "main"}]}}}
    child.kill()
    child.wait()


@pytest.fixture
def metrics(api: Any, tmp_path: Path, pods: dict[tuple[str, str], Any]) -> Metrics:
    return Metrics(api, tmp_path, "node", pods)


async def test_a_running_pod_and_its_node_are_written(metrics: Metrics, api: Api) -> None:
    await metrics.look(2000.0)

    pod = api.objects["ns", "pod"]
    assert pod["metadata"]["labels"] == {"a": "b"} and pod["timestamp"] == "1970-01-01T00:33:20Z"
    assert pod["containers"][0]["name"] == "main" and pod["containers"][0]["usage"]["memory"] != "0Ki"
    assert NODE in api.objects


async def test_what_did_not_change_is_written_only_when_it_grows_old(metrics: Metrics, api: Api) -> None:
    await metrics.look(2000.0)
    first = api.objects["ns", "pod"]
    # The rate since the beginning gives way to that of the interval.
    await metrics.look(2005.0)
    second = api.objects["ns", "pod"]["timestamp"]

    await metrics.look(2010.0)
    assert api.objects["ns", "pod"]["timestamp"] in (first["timestamp"], second)
    await metrics.look(2010.0 + OLDEST)

    assert api.objects["ns", "pod"]["timestamp"] not in (first["timestamp"], second)


async def test_the_metrics_of_a_pod_that_is_gone_are_removed_and_then_all_is_quiet(
    metrics: Metrics, api: Api, pods: dict[tuple[str, str], Any]
) -> None:
    await metrics.look(2000.0)
    pods.clear()
    await metrics.look(2005.0)
    writes = api.writes

    for step in range(10):
        await metrics.look(2100.0 + 100 * step)

    assert ("ns", "pod") not in api.objects and api.writes == writes


async def test_leftovers_of_an_earlier_runtime_are_removed(metrics: Metrics, api: Api) -> None:
    api.objects["ns", "old"] = {"metadata": {"namespace": "ns", "name": "old"}}

    await metrics.look(2000.0)

    assert ("ns", "old") not in api.objects


async def test_a_pod_whose_namespace_goes_does_not_keep_others_from_being_measured(metrics: Metrics, api: Api) -> None:
    api.closed.add("ns")

    await metrics.look(2000.0)
    assert api.objects.keys() == {NODE}
    api.closed.clear()
    await metrics.look(2005.0)

    assert ("ns", "pod") in api.objects


async def test_where_metrics_are_not_ours_to_write_no_more_is_tried(
    api: Any, tmp_path: Path, pods: dict[tuple[str, str], Any]
) -> None:
    api.closed.add("")

    await asyncio.wait_for(run(api, tmp_path, "node", pods, asyncio.Event(), interval=0), 20)

    assert api.objects == {}


async def test_an_ended_container_is_not_measured(metrics: Metrics, api: Api, tmp_path: Path) -> None:
    (tmp_path / "pods" / "u" / "containers" / "main" / "0" / "exit.json").write_text("{}")

    await metrics.look(2000.0)

    assert ("ns", "pod") not in api.objects


def test_cores_are_those_of_the_last_interval() -> None:
    meter = Meter()

    assert meter.read("a", 110.0, 5.0, 100.0) == (0.5, 10.0)
    assert meter.read("a", 115.0, 15.0, 100.0) == (2.0, 5.0)
    assert meter.read("a", 120.0, 14.0, 100.0) == (0.0, 5.0)


def test_the_keeper_itself_does_not_count_and_ended_children_do() -> None:
    table = {
        1: Process(0, 100.0, 1.0, "1", 1000),
        2: Process(1, 2.0, 0.5, "2", 10),
        3: Process(2, 4.0, 0.0, "3", 20),
        9: Process(0, 8.0, 0.0, "9", 40),
    }

    assert usage.of_trees([1, 77], table) == {1: Usage(7.5, 30)}


def test_this_process_is_among_all_processes() -> None:
    mine = usage.processes()[os.getpid()]

    assert (mine.parent, mine.started) == (os.getppid(), start_time(os.getpid()))
    assert mine.memory > 1024 * 1024


def test_quantities_are_written_as_metrics_servers_do() -> None:
    assert quantities(Use(0.25, 3 * 1024 * 1024, 5.0)) == {"cpu": "250000000n", "memory": "3072Ki"}
