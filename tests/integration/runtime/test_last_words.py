"""Termination messages, and log options that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.runtime.hive import Node, condition, container


@pytest.mark.parametrize("path", ["/last-words-of-kgents", "/dev/termination-log"])
def test_the_file_is_the_message(node: Node, path: str) -> None:
    name = node.run(f"echo -n farewell > {path}", spec={"restartPolicy": "Never"}, terminationMessagePath=path)
    pod = node.phase(name, "Succeeded")
    if condition(pod, "MountsAtTheirPaths") != "False":
        assert container(pod)["state"]["terminated"]["message"] == "farewell"


def test_where_it_is_asked_for_the_log_is_the_message_of_a_failure(node: Node) -> None:
    script = "for i in $(seq 200); do echo line $i; done; exit 3"
    fallback = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    name = node.run(script, spec={"restartPolicy": "Never"}, **fallback)
    ended = container(node.phase(name, "Failed"))["state"]["terminated"]
    assert ended["message"].splitlines()[0] == "line 121" and ended["message"].endswith("line 200\n")


def test_a_message_is_still_there_when_the_container_runs_again(node: Node, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"test -e {mark} && exec sleep 1000; touch {mark}; echo why; exit 3"
    name = node.run(script, terminationMessagePolicy="FallbackToLogsOnError", workingDir=str(tmp_path))
    pod = node.until(name, lambda pod: pod if "running" in container(pod)["state"] else None)
    node.until(name, lambda pod: container(pod)["lastState"]["terminated"]["message"] == "why\n")
    assert pod


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ("limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0"),
        ("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", "at most one of `sinceTime` or `sinceSeconds` may be"),
        ("tailLines=ten", 'strconv.ParseInt: parsing \\"ten\\": invalid syntax'),
    ],
)
def test_log_options_that_make_no_sense_are_refused_as_in_kubernetes(node: Node, query: str, said: str) -> None:
    name = node.run("exec sleep 1000")
    node.ready(name)
    done = node.kubectl.run("get", "--raw", f"/api/v1/namespaces/{node.namespace}/pods/{name}/log?{query}", "-v8")
    assert done.returncode and said.replace("\\", "") in done.stderr.replace("\\", "")
