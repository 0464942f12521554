"""Floods, crowds, idleness and names that nobody should choose: each has a clear outcome and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kgents.embedded.runtime.attempts import LOG_LIMIT
from kgents.embedded.runtime.stopping import read_json
from tests.integration.runtime.hive import Node, alive, condition, pid_of, waiting
from tests.support.waiting import eventually

_ALLOWED_KEEPER_KB = 24_000


def test_a_flood_of_output_keeps_disk_and_memory_bounded(own_node: Node) -> None:
    name = own_node.run("yes kgents-flood")
    own_node.ready(name)
    attempt = own_node.folder(name) / "containers" / "main" / "0"
    eventually(lambda: (attempt / "log.1").exists())
    sizes = [path.stat().st_size for path in attempt.glob("log*")]
    assert max(sizes) <= LOG_LIMIT
    state = read_json(attempt / "state.json")
    assert state is not None
    assert _memory(int(str(state["shim"]))) < _ALLOWED_KEEPER_KB
    own_node.ready(own_node.run("sleep 1000"))


def test_a_line_without_end_is_cut_and_loses_nothing(node: Node) -> None:
    size = 300_000
    name = node.run(f"head -c {size} /dev/zero | tr '\\0' x; echo; echo end; sleep 1000")
    assert node.said(name, "end").count("x") == size


def test_a_hundred_pods_at_once_all_run(own_node: Node) -> None:
    main = {"name": "main", "image": "none", "command": ["sleep", "1000"]}
    spec = {"automountServiceAccountToken": False, "containers": [main]}
    spec["nodeName"] = f"node-{own_node.namespace}"
    many = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{n}", "namespace": own_node.namespace},
            "spec": spec,
        }
        for n in range(100)
    ]
    own_node.kubectl("apply", "-f", "-", input="\n---\n".join(map(json.dumps, many)))
    pods = eventually(lambda: _all_ready(own_node, 100))
    assert len({pod["status"]["podIP"] for pod in pods}) == 100
    assert len({pid_of(pod) for pod in pods}) == 100


def test_an_idle_pod_is_looked_at_by_nobody(own_node: Node) -> None:
    name = own_node.run("exec sleep 1000")
    own_node.ready(name)
    shim = read_json(own_node.folder(name) / "containers" / "main" / "0" / "state.json")
    assert shim is not None
    before = _wakes(int(str(shim["shim"])))
    own_node.ready(own_node.run("sleep 1000"))
    assert _wakes(int(str(shim["shim"]))) - before <= 1


def test_a_name_as_long_as_they_come_runs(node: Node) -> None:
    node.ready(node.run("sleep 1000", name="n" * 253))


def test_a_word_that_no_system_passes_on_is_told(node: Node) -> None:
    node.config_map("odd", word="a\0b")
    word = {"name": "WORD", "valueFrom": {"configMapKeyRef": {"name": "odd", "key": "word"}}}
    name = node.run("true", env=[word])
    node.until(name, lambda pod: waiting(pod) == "RunContainerError")


def test_a_missing_key_is_waited_for(node: Node) -> None:
    word = {"name": "WORD", "valueFrom": {"configMapKeyRef": {"name": "lacking", "key": "word"}}}
    name = node.run('echo "got $WORD"; sleep 1000', env=[word])
    node.until(name, lambda pod: waiting(pod) == "CreateContainerConfigError")
    node.config_map("lacking", other="x")
    node.config_map("lacking", word="it")
    node.said(name, "got it")


def test_a_torn_pod_file_does_not_stop_the_runtime(own_node: Node) -> None:
    name = own_node.run("sleep 1000")
    pid = pid_of(own_node.ready(name))
    file = own_node.folder(name) / "pod.json"
    own_node.kill()
    file.write_text('{"name": ')
    own_node.start()
    other = own_node.ready(own_node.run("sleep 1000"))["status"]["podIP"]
    assert alive(pid)
    assert own_node.pod(name)["status"]["podIP"] != other


def test_a_second_runtime_on_the_same_folder_is_refused(own_node: Node) -> None:
    own_node.ready(own_node.run("sleep 1000"))
    first = own_node.process
    own_node.start()
    second, own_node.process = own_node.process, first
    assert second is not None
    assert second.wait(60) != 0
    assert "already" in (own_node.root / "runtime.log").read_text()


def _all_ready(node: Node, count: int) -> list[dict[str, Any]]:
    pods = node.kubectl.json("get", "pods", "-n", node.namespace)["items"]
    ready = [pod for pod in pods if condition(pod, "Ready") == "True"]
    assert len(ready) == count
    return ready


def _memory(pid: int) -> int:
    """Resident memory in KiB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


def _wakes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("voluntary_ctxt_switches:")[1].split()[0])
